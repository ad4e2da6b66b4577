"""One training run, from packed films to the best weights: the paper's protocol (III-F), resumable at any step."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax

from qcxr.errors import InputError
from qcxr.models import classifier, features, parameters
from qcxr.study.runs import Run
from qcxr.study.sections import Resources
from qcxr.training import record
from qcxr.training.assemble import assemble
from qcxr.training.backbone import normalisation
from qcxr.training.checkpoint import work_folder
from qcxr.training.keeper import Keeper
from qcxr.training.loop import Diverged, Loop, Weights
from qcxr.training.mesh import Layout
from qcxr.training.progress import Progress
from qcxr.training.signals import stop_requests
from qcxr.training.splits import Splits

log = logging.getLogger("qcxr.train")


def fit(run: Run, films: Splits, *, resources: Resources, cards: Sequence[str] = ()) -> None:
    """Train one (task, head, seed) and write `best.safetensors`, `history.csv`, `steps.csv` and `run.json`.

    Resumes from the run's work folder if a checkpoint of equal configuration, code, data and device lies there. `cards`
    are the names of those held, for the record. SIGTERM, SIGINT and SIGUSR1 save at the next step and exit with
    128 + the signal's number. Raises `InputError`.
    """
    started = time.perf_counter()
    marks = fingerprint(run, films)
    protocol = run.recipe.train
    if protocol.permute_labels:
        films = films.permuted(run.seed)
    layout = Layout(protocol.devices)
    parts = assemble(run, films, layout)
    facts: dict[str, Any] = {
        "parameters": parameters.count(parts.net),
        "backbone_sha256": features.fingerprint(parts.net.extractor),
        "device": device(protocol.devices, cards),
    }
    loop = Loop(films, parts, seed=run.seed, protocol=protocol, residency=resources.residency, layout=layout)
    folder = work_folder(run.work, marks, make=layout.writes)
    progress = Progress(
        run.progress if layout.writes else None,
        run={**run.keys, "device": facts["device"]},
        steps=loop.steps_per_epoch,
        epochs=protocol.epochs,
        tensorboard=resources.tensorboard,
    )
    keeper = Keeper(folder, progress, every_minutes=resources.checkpoint_minutes, writes=layout.writes)
    keeper.restore(loop)
    run.out.mkdir(parents=True, exist_ok=True)
    best = Best(folder / "best.safetensors", run)
    if run.searched and not loop.losses:
        best.keep(loop)  # a run that diverges at once is scored as it started
    _to_its_end(loop, progress, keeper, best, goes_on=run.searched)
    if not layout.writes:
        return
    facts["wall_seconds"] = round(keeper.seconds_before + time.perf_counter() - started, 1)
    best.write(loop)
    record.write(loop, run.out, best.path, facts={**run.keys, "labels": list(run.labels), **facts, **marks})
    progress.event(
        "done", epoch=loop.epoch, best_epoch=loop.best_epoch, best_val_loss=loop.best_loss if loop.best_epoch else None
    )
    keeper.clear()


def fingerprint(run: Run, films: Splits) -> dict[str, Any]:
    """What decides a run's bits: only a checkpoint with equal marks is resumed."""
    return {
        **run.keys,
        "config": run.config,
        "code_hash": run.code,
        "data_hash": films.digests,
        "device_kind": jax.devices()[0].device_kind,
    }


def device(count: int, cards: Sequence[str]) -> str:
    """What the run computes on, in words."""
    kind = jax.devices()[0].device_kind
    kind = kind if count == 1 else f"{count} x {kind}"
    return f"{kind} ({', '.join(cards)})" if cards else kind


class Best:
    """The weights of the best epoch so far: in memory, and in a file of the work folder once the run is saved or over.

    A head on features finds better ones every few milliseconds, and writing the whole classifier took longer. What a
    kill loses of them is made again from the checkpoint that the run is resumed from.
    """

    def __init__(self, path: Path, run: Run):
        self.path, self._run = path, run
        self._held: Weights | None = None

    def keep(self, loop: Loop) -> None:
        """Remember the current weights."""
        self._held = loop.weights()

    def write(self, loop: Loop) -> None:
        """Write what was remembered since the last time."""
        if self._held is None:
            return
        run, (mean, std) = self._run, normalisation(self._run.recipe.backbone, self._run.recipe.image)
        image = run.recipe.image.decides() | {"mean": mean, "std": std}
        about = {**run.keys, "labels": list(run.labels), "image": image}
        classifier.save(self.path, loop.classifier(self._held), metadata=about)
        self._held = None


def _to_its_end(loop: Loop, progress: Progress, keeper: Keeper, best: Best, *, goes_on: bool = False) -> None:
    """Epoch by epoch until the protocol is over, saving when it is due and when a signal asks for a stop.

    `goes_on`: a run that diverges is over, with the best it had: where a search chose the settings that is a result,
    and no error of the configuration's.
    """
    with stop_requests() as request:

        def pause(settle: Callable[[], None]) -> None:
            """Between two steps: save if it is due; if a stop was asked for, save and raise it."""
            stop = request.signum is not None and keeper.writes  # of several hosts the first stops, and so all do
            if stop or keeper.due():
                settle()
                best.write(loop)
                keeper.save(loop)
            if stop:
                progress.event("stopped", epoch=loop.epoch, step=loop.step)
                log.info("stopped at epoch %d, step %d and saved; start again to resume", loop.epoch + 1, loop.step)
                raise request.exit()

        try:
            while loop.finished is None:
                loop.run_epoch(progress, pause)
                if loop.history[-1]["best"] and keeper.writes:
                    best.keep(loop)
        except Diverged as error:
            if not goes_on:
                progress.event("failed", reason=str(error))
                raise
            log.warning("%s; its settings are a search's, so it ends here with the best it had", error)
            loop.diverged = True
        except InputError as error:
            progress.event("failed", reason=str(error))
            raise
