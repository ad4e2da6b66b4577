"""One run of a study in this process: its lock, its cards, its hosts, then the training.

JAX is imported only when the process has its cards.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qcxr.errors import InputError
from qcxr.study import digests, runs
from qcxr.study.config import Config
from qcxr.study.runs import Run
from qcxr.training import devices, energy, exhausted, lock, progress, resumable, sinks
from qcxr.training.named import name_of

log = logging.getLogger("qcxr.train")
LEFT = ("best.safetensors", "history.csv", "steps.csv", "run.json")  # by a finished run


def train(run: Run, cfg: Config, *, films: tuple[Path | str, Path | str], threads: int, afresh: bool = False) -> None:
    """Hold the run and as many cards as `train.devices` asks for, and train it from its packed films (train, val).

    A second trainer of the run waits for the first, and has nothing to do if that one finished it. Started by `srun`
    with several tasks, these train together: each host brings its share of the cards, the first writes. `afresh`:
    from the first step, whatever was saved. Raises `InputError`.
    """
    hosts, count = devices.hosts(), run.recipe.train.devices
    if count % hosts:
        raise InputError(f"train.devices must be a multiple of the {hosts} hosts of this run, got {count}; set it")
    taken = cfg.resources.cards(count // hosts)
    alone = lock.held(run) if devices.is_first_host() else contextlib.nullcontext(False)
    fits = exhausted.memory_said(exhausted.of_training(run.recipe, cfg.resources))
    with alone as waited, devices.lease(taken, slots=cfg.resources.gpu_slots) as cards, fits:
        devices.configure(
            threads=threads,
            compilation_cache=f"{cfg.data.cache}/jax",
            deterministic=cfg.resources.deterministic,
        )
        if devices.is_first_host():
            if afresh:
                shutil.rmtree(run.work, ignore_errors=True)
            resumable.mend(run.work)
        devices.join_hosts()  # after which the others look for what is saved
        # JAX reads its environment when it is imported: not before the cards are held
        from qcxr.training import record, splits
        from qcxr.training.fit import fingerprint, fit

        devices.confirm(cards)
        loaded = splits.load(*films, run, unlearnable=cfg.data.unlearnable)
        marks = fingerprint(run, loaded)
        whole = all((run.out / name).is_file() for name in LEFT)  # Snakemake removes files before it starts a job
        if waited and whole and record.is_of(run.out, marks):
            log.info("%s was finished by the process that held it: nothing to do", run)
            return
        counts = cfg.resources.energy and devices.is_first_host()
        measured = energy.measured(run.out, marks, cards=cards) if counts else contextlib.nullcontext()
        watched = run.progress if devices.is_first_host() else None
        folder = run.work / name_of(marks)

        def sealed(event: dict[str, Any]) -> None:
            if event["state"] == "saved":
                resumable.seal(folder)

        with measured, sinks.following(watched, cfg.resources.sinks), progress.listening(sealed):
            fit(run, loaded, resources=cfg.resources, cards=cards)


def train_in_place(
    run: Run, cfg: Config, *, threads: int, configfiles: Sequence[str] = (), afresh: bool = False
) -> Path:
    """Train one run of the study where its rule would, from the study's packed films; returns its folder.

    `configfiles`, where `cfg` is from, is for the way out of an error. Raises `InputError` if the films are not packed
    or looked at for leaks yet or are damaged, or the run is there already.
    """
    if threads < 1:
        raise InputError(f"threads must be >= 1, got {threads}; set --threads")
    stem = runs.films(cfg, run.recipe)
    suffix = "npy" if len(cfg.data.training) == 1 else "json"
    films = (stem / f"{cfg.data.trained_on}-train.{suffix}", stem / f"{cfg.data.trained_on}-val.{suffix}")
    needed = (*films, Path(cfg.results, "leaks", "before-training.csv"))  # the latter is there if nothing leaks
    if gone := [str(path) for path in needed if not path.is_file()]:
        laid = f" --configfile {' '.join(configfiles)}" if configfiles else ""
        raise InputError(f"{gone[0]} does not exist; make it first: snakemake --cores {threads} {' '.join(gone)}{laid}")
    if (run.out / "run.json").is_file():
        raise InputError(f"{run.out} is a finished run; remove it to train it again")
    made = [run.out / name for name in LEFT]
    digests.forget(made)
    read = digests.check(_read(stem, cfg, needed[2]))
    train(run, cfg, films=films, threads=threads, afresh=afresh)
    if devices.is_first_host():
        digests.seal(made, read)
    return run.out


def _read(stem: Path, cfg: Config, leaks: Path) -> list[Path]:
    """The files that a training reads: as the inputs of its rule."""
    names = dict.fromkeys((*cfg.data.training, cfg.data.trained_on))
    suffixes = ("npy", "parquet", "json")
    return [
        *(stem / f"{name}-{split}.{suffix}" for split in ("train", "val") for name in names for suffix in suffixes),
        leaks,
    ]
