"""What the training loop costs over its compiled step, what saving costs, and the circuit over a linear head.

`qcxr bench training`: loop and bare step take turns, epoch by epoch, in one process; so do CDL and DQC, step by step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import pandas as pd

from qcxr.arguments import positive
from qcxr.bench.models import DEMO
from qcxr.bench.steps import training_step
from qcxr.data import batches
from qcxr.data.split import Split
from qcxr.models import backbones, classifier, groups
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training.assemble import Parts
from qcxr.training.inputs import reading
from qcxr.training.keeper import Keeper
from qcxr.training.loop import Loop
from qcxr.training.losses import bce
from qcxr.training.mesh import Layout
from qcxr.training.optimizers import make_optimizer
from qcxr.training.progress import Progress
from qcxr.training.splits import Splits
from qcxr.training.step import TrainState, make_steps

PROTOCOL = Train()
RUN = {"task": "bench", "head": "cdl", "seed": 0}
Row = tuple[str, float, str, str]  # what, value, unit, asked


def make_loop(
    *,
    section: dict,
    films: int,
    size: int,
    n_labels: int,
    head: str = "cdl",
    views: int | None = None,
    residency: str = "device",
) -> Loop:
    """A run on random films (or on random features, of `views` views)."""
    rng = np.random.default_rng(0)
    net = classifier.build(classifier.Architecture(section, head, n_labels, batch_norm="batch"), seed=0)
    described = backbones.describe(section)
    network, inputs = reading(net, views=views, mean=described.mean, std=described.std, augment=Augment())
    if views is None:
        images = rng.integers(0, 256, (films, size, size), np.uint8)
    else:
        images = rng.standard_normal((films, views, described.n_features), np.float32)
    targets = (rng.random((films, n_labels)) < 0.1).astype(np.float32)
    ids = ("x",) * films
    labels = tuple(str(k) for k in range(n_labels))
    split = Split(images, ids, ids, labels, targets, np.ones(targets.shape, bool), {})
    graphdef, trained, frozen, running = groups.split(network)
    optimizer = make_optimizer(PROTOCOL, steps_per_epoch=-(-films // PROTOCOL.batch_size))
    state = TrainState(trained, running, optimizer.init(trained))
    parts = Parts(net, graphdef, frozen, state, make_steps(graphdef, optimizer=optimizer, loss=bce, inputs=inputs))
    return Loop(Splits(split, split), parts, seed=0, protocol=PROTOCOL, residency=residency, layout=Layout())


def overhead(loop: Loop, *, repeats: int, progress_file: Path) -> dict[str, float]:
    """Films/s of the bare compiled step on batches that lie ready, and of the loop with all that it does beside it."""
    rows, mask = batches.plan(batches.order(0, 0, len(loop.train)), PROTOCOL.batch_size)
    ready = jax.block_until_ready(list(loop.feed.batches(rows, mask)))
    progress = Progress(progress_file, run=RUN, steps=len(ready), epochs=repeats)
    loop.validate = lambda: 1.0  # type: ignore[method-assign]  # not part of what is compared
    zero = np.uint32(0)

    def bare() -> float:
        started = time.perf_counter()
        for batch in ready:
            loop.state, loss = loop.steps.train(loop.state, loop.frozen, batch, zero, zero)
        jax.block_until_ready(loss)
        return len(loop.train) / (time.perf_counter() - started)

    def whole() -> float:
        loop.run_epoch(progress, lambda *_: None)
        return loop.history[-1]["films_per_second"]

    bare(), whole()
    pairs = [(bare(), whole()) if k % 2 else tuple(reversed((whole(), bare()))) for k in range(repeats)]
    return {
        "step_films_per_second": statistics.median(step for step, _ in pairs),
        "loop_films_per_second": statistics.median(loop_ for _, loop_ in pairs),
        "overhead_percent": 100 * statistics.median(step / loop_ - 1 for step, loop_ in pairs),
    }


def saving(loop: Loop, *, repeats: int = 5) -> dict[str, float]:
    """Seconds of one checkpoint (all that a run is resumed from) and of writing the best weights."""
    seconds: dict[str, list[float]] = {"checkpoint_seconds": [], "best_weights_seconds": []}
    with tempfile.TemporaryDirectory() as folder:
        keeper = Keeper(Path(folder), Progress(None, run=RUN, steps=1, epochs=1), every_minutes=10)
        for repeat in range(repeats + 1):
            loop.losses.append(0.0)  # checkpoints are numbered by steps
            started = time.perf_counter()
            keeper.save(loop)
            saved = time.perf_counter()
            classifier.save(Path(folder, "best.safetensors"), loop.classifier(loop.weights()))
            if repeat:  # the first one imports Orbax
                seconds["checkpoint_seconds"].append(saved - started)
                seconds["best_weights_seconds"].append(time.perf_counter() - saved)
    return {name: statistics.median(values) for name, values in seconds.items()}


def heads(backbone: str, *, n_labels: int, repeats: int, batch: int, size: int) -> dict[str, float]:
    """Median seconds of a training step with the linear head and with the circuit, and the median of their ratios."""
    section = Backbone(**({"name": "resnet", "config": DEMO["config"]} if backbone == "demo" else {"name": backbone}))
    common = (section, Image(resize=size, crop=size), Augment(), Train(batch_size=batch))
    steps = [training_step(n_labels, Recipe(kind, {}, *common)) for kind in ("cdl", "dqc")]
    for step in steps:
        step()
    pairs = []
    for _ in range(repeats):
        times = []
        for step in steps:
            started = time.perf_counter()
            step()
            times.append(time.perf_counter() - started)
        pairs.append(times)
    return {
        "cdl_step_seconds": statistics.median(cdl for cdl, _ in pairs),
        "dqc_step_seconds": statistics.median(dqc for _, dqc in pairs),
        "dqc_over_cdl": statistics.median(dqc / cdl for cdl, dqc in pairs),
    }


def loop_rows(*, films: int, n_labels: int, repeats: int) -> list[Row]:
    """The loop over its compiled step, films on the device and on the host; then a checkpoint and the best weights."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for residency in ("device", "host"):
            loop = make_loop(section=DEMO, films=films, size=64, n_labels=n_labels, residency=residency)
            found = overhead(loop, repeats=repeats, progress_file=Path(folder, f"{residency}.jsonl"))
            what = f"demo backbone, films on the {residency}"
            rows += [
                (f"{what}: bare step", found["step_films_per_second"], "films/s", ""),
                (f"{what}: the loop", found["loop_films_per_second"], "films/s", ""),
                (f"{what}: overhead of the loop", found["overhead_percent"], "%", "< 3"),
            ]
    cost = saving(loop)
    checkpoint, best = cost["checkpoint_seconds"], cost["best_weights_seconds"]
    epoch = films / found["loop_films_per_second"]
    minutes = Resources().checkpoint_minutes
    return [
        *rows,
        ("demo backbone: one checkpoint", 1e3 * checkpoint, "ms", ""),
        (f"the same over the {minutes:g} minutes between two", 100 * checkpoint / (60 * minutes), "%", "< 2"),
        (f"writing the best weights, over an epoch of {films} films", 100 * best / epoch, "%", "< 2"),
    ]


def feature_rows(*, n_labels: int, repeats: int) -> list[Row]:
    """The loop of both heads on a frozen backbone's features."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for head, asked in (("cdl", "> 20,000"), ("dqc", "")):
            loop = make_loop(
                section={"name": "efficientnet-lite0"}, films=20_000, size=0, n_labels=n_labels, head=head, views=4
            )
            found = overhead(loop, repeats=repeats, progress_file=Path(folder, f"{head}.jsonl"))
            rows.append((f"{head} on features, four views: the loop", found["loop_films_per_second"], "films/s", asked))
    return rows


def head_rows(name: str, *, n_labels: int, repeats: int, batch: int) -> list[Row]:
    """The circuit over a linear head on one backbone."""
    size, asked = (64, "") if name == "demo" else (224, "<= 1.1")
    found = heads(name, n_labels=n_labels, repeats=repeats, batch=batch, size=size)
    return [
        (f"{name}: step of {batch} films with cdl-{n_labels}", found["cdl_step_seconds"], "s", ""),
        (f"{name}: dqc-{n_labels} over cdl-{n_labels}", found["dqc_over_cdl"], "x", asked),
    ]


def run(
    *,
    networks: Sequence[str] = ("resnet50", "efficientnet-lite0", "demo"),
    n_labels: int = 19,
    repeats: int = 7,
    batch: int = 32,
    films: int = 2000,
) -> pd.DataFrame:
    """All measurements as a table: what, value, unit, asked."""
    rows = loop_rows(films=films, n_labels=n_labels, repeats=repeats)
    rows += feature_rows(n_labels=n_labels, repeats=repeats)
    for name in networks:
        rows += head_rows(name, n_labels=n_labels, repeats=repeats, batch=batch)
    return pd.DataFrame(rows, columns=["what", "value", "unit", "asked"])


def main(argv: list[str] | None = None) -> None:
    """Command line: print the table; `--json` writes it too."""
    parser = argparse.ArgumentParser(prog="qcxr bench training", description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="*", default=["resnet50", "efficientnet-lite0", "demo"], dest="networks")
    parser.add_argument("--labels", type=positive, default=19, dest="n_labels")
    parser.add_argument("--repeats", type=positive, default=7)
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--films", type=positive, default=2000, help="of the loop's epoch")
    parser.add_argument("--json", metavar="FILE")
    arguments = vars(parser.parse_args(argv))
    out = arguments.pop("json")
    table = run(**arguments)
    print(table.to_string(index=False, float_format="{:,.2f}".format))
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, jax {jax.__version__}, {jax.devices()[0].device_kind}"
    )
    if out:
        Path(out).write_text(json.dumps(table.to_dict("records"), indent=1) + "\n")
