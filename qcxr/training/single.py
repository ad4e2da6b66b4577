"""One run of a study in this process: its cards, its hosts, then the training. JAX is imported when it has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qcxr.errors import InputError
from qcxr.study import slices
from qcxr.study.config import Config
from qcxr.training import devices


def train(
    cfg: Config, *, task: str, head: str, seed: int, train_films: Path | str, val_films: Path | str, out: Path | str,
    threads: int, slice_text: str, code: str,
) -> None:  # fmt: skip
    """Hold as many cards as `train.devices` asks for and train one (task, head, seed) from packed films to `out`.

    Started by `srun` with several tasks, these train together: each host brings its share of the cards, the first
    writes. Raises `InputError`.
    """
    hosts = devices.hosts()
    if cfg.train.devices % hosts:
        raise InputError(
            f"train.devices must be a multiple of the {hosts} hosts of this run, got {cfg.train.devices}; set it"
        )
    run = f"{task}/{head}/seed{seed}"
    with devices.lease(cfg.train.devices // hosts, slots=cfg.resources.gpu_slots) as cards:
        devices.configure(threads=threads, compilation_cache=f"{cfg.data.cache}/jax")
        devices.join_hosts()
        from qcxr.training import study

        study.train(
            cfg, task=task, head=head, seed=seed, train_films=train_films, val_films=val_films, out=out,
            work=Path(cfg.results, "work", run), progress=Path(cfg.results, "progress", f"{run}.jsonl"),
            slice_text=slice_text, code=code, cards=cards,
        )  # fmt: skip


def train_in_place(
    cfg: Config, task: str, head: str, seed: int, *, threads: int, configfiles: Sequence[str] = ()
) -> Path:
    """Train one run of the study where its rule would, from the study's packed films; returns its folder.

    `configfiles`, where `cfg` is from, is for the way out of an error. Raises `InputError` if the films are not packed
    yet or the run is there already.
    """
    for name, value, allowed in (("task", task, cfg.tasks), ("head", head, cfg.heads), ("seed", seed, cfg.seeds)):
        if value not in allowed:
            raise InputError(f"{name} must be one of {', '.join(map(str, allowed))} (the study's), got {value}")
    if threads < 1:
        raise InputError(f"threads must be >= 1, got {threads}; set --threads")
    stem = Path(cfg.results, "features" if cfg.backbone.views else "packed")
    films = [stem / f"{cfg.data.train_on}-{split}.npy" for split in ("train", "val")]
    for path in films:
        if not path.is_file():
            laid = f" --configfile {' '.join(configfiles)}" if configfiles else ""
            raise InputError(f"{path} does not exist; make it first: snakemake --cores {threads} {path}{laid}")
    out = Path(cfg.results, "runs", task, head, f"seed{seed}")
    if (out / "run.json").is_file():
        raise InputError(f"{out} is a finished run; remove it to train it again")
    train(
        cfg, task=task, head=head, seed=seed, train_films=films[0], val_films=films[1], out=out, threads=threads,
        slice_text=slices.training(cfg, task, head), code=slices.training_code(head),
    )  # fmt: skip
    return out
