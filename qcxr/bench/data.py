"""The input pipeline against its floor and against a loader that does what the paper's did, side by side in one run.

Films are generated in memory (a gradient with noise, compressing like a chest film) or taken from a folder. Machines
differ and are shared; the ratios are what to read.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float, UInt8
from PIL import Image

from qcxr.arguments import positive
from qcxr.bench.films import draw_films, manifest_of
from qcxr.bench.formats import format_rows
from qcxr.bench.loader import PaperLoader
from qcxr.bench.memory import watch
from qcxr.data.augment import augment, film_keys, normalise
from qcxr.data.batches import order, plan
from qcxr.data.cache import build
from qcxr.data.feed import feed
from qcxr.data.films import Films
from qcxr.data.images import prepare
from qcxr.data.split import Split
from qcxr.study.files import write_json

NIH_FILMS = 112_120
COLUMNS = ("what", "value", "unit", "target")
Row = tuple[str, float, str, str]
Jobs = Mapping[str, Callable[[], object]]


def cache_rows(frame: pd.DataFrame, folder: Path, *, workers: int = 2, repeats: int = 3) -> list[Row]:
    """Cache build in films/s with one worker and `workers`, and a bare PIL decode loop (the floor)."""
    paths = [folder / path for path in frame["path"]]

    def floor() -> None:
        for path in paths:
            with Image.open(path) as film:
                film.load()

    def floor_and_resize() -> None:
        for path in paths:
            with Image.open(path) as film:
                film.resize((256, 256), resample=Image.Resampling.BICUBIC)

    def building(count: int) -> Callable[[], None]:
        def run() -> None:
            with tempfile.TemporaryDirectory() as cache_dir:
                build(frame, Films(folder, cache_dir), workers=count, progress=False)

        return run

    # starts the workers
    build(frame[: 32 * workers], Films(folder, tempfile.mkdtemp()), workers=workers, progress=False)
    seconds = _side_by_side(
        {"floor": floor, "resize": floor_and_resize, "one": building(1), "more": building(workers)}, repeats=repeats
    )
    jobs = {"floor": floor, "resize": floor_and_resize, "one": building(1)}
    busy = _side_by_side(jobs, repeats=repeats, clock=time.process_time)
    rate = {name: len(paths) / value for name, value in seconds.items()}
    return [
        ("bare PIL decode loop", rate["floor"], "films/s", ""),
        ("bare PIL decode and resize loop", rate["resize"], "films/s", ""),
        ("cache build, 1 worker", rate["one"], "films/s", ""),
        (f"cache build, {workers} workers", rate["more"], "films/s", ""),
        ("cache build time over bare decode, 1 worker", rate["floor"] / rate["one"], "x", "<= 1.3"),
        ("the same in CPU time", busy["one"] / busy["floor"], "x", "<= 1.3"),
        ("cache build over bare decode and resize, in CPU time", busy["one"] / busy["resize"], "x", ""),
        (f"cache build, {workers} workers over 1", rate["more"] / rate["one"], "x", ">= 1.8"),
    ]


def loader_rows(frame: pd.DataFrame, folder: Path, *, batch_size: int = 32, repeats: int = 3) -> list[Row]:
    """Films/s of batches from a packed array against the paper's way (its Fig. 3), and of the bare gather."""
    films = np.stack([prepare((folder / path).read_bytes())[0] for path in frame["path"]])
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "films.npy"
        np.save(packed, films)
        n = len(films)
        targets = np.zeros((n, 19), np.float32)
        ids = tuple(frame["image_id"])
        labels = tuple(f"label {i}" for i in range(19))
        images = np.load(packed, mmap_mode="r")
        split = Split(images, ids, ids, labels, targets, np.ones((n, 19), bool), {"split": "train"})
        rows, mask = plan(order(0, 0, n), batch_size)
        paper = PaperLoader(Path(scratch) / "paper", films)
        resident = {name: feed(split, residency=name) for name in ("host", "device")}

        def ours(name: str) -> Callable[[], None]:
            def run() -> None:
                for batch in resident[name].batches(rows, mask):
                    batch.images.block_until_ready()

            return run

        def gather() -> None:
            for step in rows:
                images[step]

        jobs: dict[str, Callable[[], object]] = {"host": ours("host"), "device": ours("device"), "gather": gather}
        jobs["paper"] = lambda: [paper.batch(step) for step in rows]
        jobs["paper, 1 thread"] = lambda: [paper.batch(step, threads=1) for step in rows]
        rate = {name: rows.size / value for name, value in _side_by_side(jobs, repeats=repeats).items()}
        paper.close()
    best = max(rate["paper"], rate["paper, 1 thread"])
    return [
        ("paper-style loader, joblib threads", rate["paper"], "films/s", ""),
        ("paper-style loader, 1 thread", rate["paper, 1 thread"], "films/s", ""),
        ("batches, host residency", rate["host"], "films/s", ""),
        ("batches, device residency", rate["device"], "films/s", ""),
        ("gather from the memory map, one core", rate["gather"], "films/s", ">= 50,000"),
        ("batches (host) over the better paper-style loader", rate["host"] / best, "x", ">= 20"),
    ]


def augment_rows(*, batch_size: int = 32, side: int = 224, repeats: int = 7) -> list[Row]:
    """Milliseconds of flip, rotation and normalisation of a batch, compiled; and with dm_pix's rotation."""
    images = np.random.default_rng(0).integers(0, 256, (batch_size, side, side), dtype=np.uint8)
    rows = jnp.arange(batch_size)
    angles = jnp.linspace(-0.26, 0.26, batch_size)

    @jax.jit
    def ours(images: UInt8[Array, "batch height width"]) -> Float[Array, "batch height width 3"]:
        return normalise(augment(images, film_keys(0, 0, rows)))

    @jax.jit
    def theirs(images: UInt8[Array, "batch height width"]) -> Float[Array, "batch height width 3"]:
        def one(film: Float[Array, "height width"], angle: Float[Array, ""]) -> Float[Array, "height width"]:
            turned = dm_pix.rotate(film[..., None], angle, mode="constant")  # type: ignore[arg-type]  # traced angles too
            return turned[..., 0]

        return normalise(jax.vmap(one)(images.astype(jnp.float32), angles))

    jobs = {
        "ours": lambda: ours(images).block_until_ready(),
        "dm_pix": lambda: theirs(images).block_until_ready(),
    }
    seconds = _side_by_side(jobs, repeats=repeats, warm=True)
    what = f"{batch_size} films of {side} x {side} x 3"
    return [
        (f"augment and normalise {what}", 1e3 * seconds["ours"], "ms", "10 % of ResNet-50's step"),
        (f"the same with dm_pix.rotate (one channel), {what}", 1e3 * seconds["dm_pix"], "ms", ""),
    ]


def size_rows(*, counts: tuple[int, ...] = (2_000, 20_000), side: int = 128, workers: int = 2) -> list[Row]:
    """Peak memory of a cache build (all its processes) at growing numbers of films, and NIH's packed size."""
    rows = [("NIH packed at 224 x 224", NIH_FILMS * 224 * 224 / 1e9, "GB", "<= 6")]
    for n in counts:
        with tempfile.TemporaryDirectory() as scratch:
            draw_films(Path(scratch) / "films", n, side=side)
            command = [sys.executable, "-m", "qcxr.bench.data", "--only-build", scratch, "--workers", str(workers)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            peak = watch(child)
            rate = json.loads(child.communicate()[0])["films_per_second"]
        rows.append((f"peak memory of caching {n:,} films, {workers} workers", peak / 1e9, "GB", "<= 1.5"))
        rows.append((f"rate of caching {n:,} films of {side} x {side}", rate, "films/s", ""))
    return rows


def _only_build(scratch: Path, *, workers: int) -> None:
    folder = scratch / "films"
    frame = manifest_of(sorted(path.stem for path in folder.iterdir()))
    report = build(frame, Films(folder, scratch / "cache"), workers=workers, progress=False)
    print(json.dumps({"films_per_second": report.films_per_second}))


def _side_by_side(
    jobs: Jobs, *, repeats: int, warm: bool = False, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Each job's best time in seconds, the jobs taking turns, so that a busy minute hits them all."""
    best = dict.fromkeys(jobs, float("inf"))
    for turn in range(repeats + warm):
        for name, job in jobs.items():
            started = clock()
            job()
            if not (warm and turn == 0):
                best[name] = min(best[name], clock() - started)
    return best


def run(
    *,
    n_films: int = 192,
    side: int = 1024,
    workers: int = 2,
    counts: tuple[int, ...] = (),
    own: Path | None = None,
) -> pd.DataFrame:
    """All rows as a table with `COLUMNS`. counts: data set sizes of the memory check, which takes minutes.

    own: a folder of PNGs to time the cache on in place of generated films.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "films"
        frame = draw_films(folder, n_films, side=side)
        of_own = manifest_of(sorted(path.stem for path in own.glob("*.png"))) if own else None
        rows = cache_rows(frame if of_own is None else of_own, own or folder, workers=workers)
        rows += loader_rows(frame, folder)
    rows += format_rows() if importlib.util.find_spec("pydicom") else []
    rows += augment_rows() + (size_rows(counts=counts, workers=workers) if counts else [])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def main(argv: list[str] | None = None) -> None:
    """`python -m qcxr.bench.data`: print the table."""
    parser = argparse.ArgumentParser(prog="qcxr bench data", description=__doc__.split("\n")[0])
    parser.add_argument("--films", type=positive, default=192, help="generated films of 1024 x 1024 (default 192)")
    parser.add_argument("--workers", type=positive, default=2)
    parser.add_argument("--memory", action="store_true", help="also cache 2,000 and 20,000 films and watch the memory")
    parser.add_argument("--own", type=Path, metavar="FOLDER", help="time the cache on the PNGs of a folder instead")
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    parser.add_argument("--only-build", metavar="FOLDER", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.only_build:
        _only_build(Path(given.only_build), workers=given.workers)
        return
    counts = (2_000, 20_000) if given.memory else ()
    table = run(n_films=given.films, workers=given.workers, counts=counts, own=given.own)
    print(table.to_string(index=False, float_format=lambda value: f"{value:,.2f}"))
    if given.json:
        write_json(table.to_dict("records"), given.json)


if __name__ == "__main__":
    main()
