"""One training run, from packed films to the best weights: the paper's protocol (III-F), resumable at any step."""

from __future__ import annotations

import logging
import math
import os
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pandas as pd

from qcxr.data import batches
from qcxr.data.feed import feed
from qcxr.data.split import Split
from qcxr.errors import InputError
from qcxr.models import backbones, features, groups, model, parameters, weights
from qcxr.models.model import Classifier
from qcxr.provenance import git_commit, versions, write_json
from qcxr.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training.checkpoint import work_folder
from qcxr.training.inputs import of_features, of_films
from qcxr.training.keeper import Keeper
from qcxr.training.losses import make_loss
from qcxr.training.mesh import Layout
from qcxr.training.optimizers import make_optimizer
from qcxr.training.progress import Progress
from qcxr.training.signals import stop_requests
from qcxr.training.step import Steps, TrainState, make_steps

log = logging.getLogger("qcxr.train")
LOOKBACK = 32  # steps between two looks at the loss: far enough behind the device that looking never makes it wait


class Fit:
    """A run in progress: its state on the device, and its position in the protocol.

    The position (epoch, step, losses so far, best so far) and the state are all there is: saved together and put back,
    the run goes on to the same bits.
    """

    def __init__(self, *, train: Split, validation: Split, seed: int, state: TrainState, frozen: Any, graphdef: Any,
                 steps: Steps, protocol: Train, residency: str, layout: Layout):  # fmt: skip
        self.train, self.validation, self.seed = train, validation, seed
        self.state, self.frozen, self.graphdef, self.steps = (
            layout.repeat(state),
            layout.repeat(frozen),
            graphdef,
            steps,
        )
        self.protocol, self.layout = protocol, layout
        self.feed = feed(train, residency=residency, sharding=layout.films)
        self.validation_feed = feed(validation, residency=residency, sharding=layout.films)
        self.epoch = self.step = 0
        self.losses: list[float] = []  # of every step, all epochs
        self.history: list[dict[str, Any]] = []
        self.best_epoch, self.best_loss = 0, math.inf

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.train) // self.protocol.batch_size)

    @property
    def finished(self) -> str | None:
        """Why the run is over (`patience` or `max_epochs`), or None."""
        if self.history and self.epoch - self.best_epoch >= self.protocol.patience:
            return "patience"
        return "max_epochs" if self.epoch >= self.protocol.epochs else None

    def arrays(self) -> dict[str, np.ndarray]:
        """The state as named host arrays."""
        leaves = jax.tree.leaves(jax.device_get(self.state))
        return {f"{i:05d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}

    def position(self) -> dict[str, Any]:
        """All else that the run is resumed from, as JSON."""
        names = ("epoch", "step", "losses", "history", "best_epoch")
        best = None if math.isinf(self.best_loss) else self.best_loss  # JSON has no infinity
        return {**{name: getattr(self, name) for name in names}, "best_loss": best}

    def resume(self, arrays: dict[str, np.ndarray], position: dict[str, Any]) -> None:
        """Put a saved state and position back. Raises `InputError` if the arrays are not this model's."""
        leaves, tree = jax.tree.flatten(self.state)
        saved = [arrays[name] for name in sorted(arrays)]
        if [(x.shape, x.dtype) for x in saved] != [(np.shape(x), np.asarray(x).dtype) for x in leaves]:
            raise InputError(
                "the checkpoint's arrays are not this model's; remove the run's work folder to start afresh"
            )
        self.state = self.layout.repeat(jax.tree.unflatten(tree, [np.asarray(x) for x in saved]))
        for name, value in position.items():
            setattr(self, name, value)
        self.best_loss = math.inf if position["best_loss"] is None else position["best_loss"]

    def run_epoch(self, progress: Progress, pause: Any) -> None:
        """Train from the current step to the epoch's end, validate, and advance to the next epoch.

        `pause(self)` is called after every step with the losses settled on demand; it may save, or raise to stop.
        """
        size, started, first = self.protocol.batch_size, time.perf_counter(), self.step
        rows, mask = batches.plan(batches.order(self.seed, self.epoch, len(self.train)), size)
        seed, epoch = np.uint32(self.seed), np.uint32(self.epoch)
        pending: list[jax.Array] = []
        progress.start_epoch(self.epoch, self.step)
        for batch in self.feed.batches(rows[first:], mask[first:]):
            self.state, loss = self.steps.train(self.state, self.frozen, batch, seed, epoch)
            pending.append(loss)
            self.step += 1
            if len(pending) >= 2 * LOOKBACK:
                self._settle(pending, LOOKBACK)
            progress.advance(1)
            pause(self, lambda: self._settle(pending, len(pending)))
        self._settle(pending, len(pending))
        trained = time.perf_counter() - started
        train_loss = float(np.mean(self.losses[-len(rows) :], dtype=np.float64))
        val_loss = self.validate()
        if not math.isfinite(val_loss):
            self._diverged(val_loss, "validation")
        best = val_loss < self.best_loss
        self.epoch, self.step = self.epoch + 1, 0
        if best:
            self.best_epoch, self.best_loss = self.epoch, val_loss
        films = min(len(self.train), (len(rows) - first) * size)
        self.history.append(
            {
                "epoch": self.epoch,
                "train_loss": train_loss,
                "val_loss": val_loss,
                "seconds": round(time.perf_counter() - started, 3),
                "films_per_second": round(films / trained, 1),
                "best": best,
            }
        )
        progress.end_epoch(self.history[-1])

    def validate(self) -> float:
        """Validation loss: the mean over films, not over batches, so that a padded last batch weighs what it holds."""
        rows, mask = batches.plan(np.arange(len(self.validation), dtype=np.int32), self.protocol.batch_size)
        total = 0.0
        for batch in self.validation_feed.batches(rows, mask):
            value, _ = self.steps.evaluate(self.state.trained, self.frozen, self.state.statistics, batch)
            total += float(value)
        return total / len(self.validation)

    def classifier(self, net: Classifier) -> Classifier:
        """The whole classifier with the current weights; a run on features brings only the head, `net` has the rest."""
        model = groups.merge(self.graphdef, *jax.device_get((self.state.trained, self.frozen, self.state.statistics)))
        return model if isinstance(model, Classifier) else Classifier(net.backbone, model.head, net.description)

    def _settle(self, pending: list[jax.Array], count: int) -> None:
        for value in jax.device_get(pending[:count]):
            if not math.isfinite(value):
                self._diverged(float(value), "training")
            self.losses.append(float(value))
        del pending[:count]

    def _diverged(self, value: float, which: str) -> None:
        last = self.losses[-1] if self.losses else math.nan
        raise InputError(
            f"{which} loss became {value} at epoch {self.epoch + 1}, step {len(self.losses) + 1} (last finite loss "
            f"{last:.6g}); lower train.learning_rate or set train.clip_norm in the config"
        )


def fit(
    *, train: Split, validation: Split, run: dict[str, Any], backbone: Backbone, head_options: dict[str, Any],
    image: Image, augment: Augment, protocol: Train, resources: Resources, out: Path, work: Path,
    progress_file: Path | None, fingerprint: dict[str, Any], device: str = "cpu",
) -> None:  # fmt: skip
    """Train one (task, head, seed) and write `best.safetensors`, `history.csv`, `steps.csv` and `run.json` to `out`.

    `run` has task, head, seed and labels. Resumes from `work` if a checkpoint with an equal `fingerprint` lies there.
    SIGTERM, SIGINT and SIGUSR1 save at the next step and exit with 128 + the signal's number. Raises `InputError`.
    """
    started, seed = time.perf_counter(), run["seed"]
    chosen = backbone.model_dump(include={"name", "weights", "config"})
    own = backbones.describe(chosen)
    image = image.model_copy(update={"mean": list(image.mean or own.mean), "std": list(image.std or own.std)})
    if protocol.permute_labels:
        # The control that must end at AUROC 0.5. Validation too, or the best epoch would be chosen by true labels; each
        # label by itself, or all would lean the way in which "abnormal" happens to be learned (LOG.md).
        rng = np.random.default_rng([seed, 0x9E37])
        train, validation = (replace(part, targets=rng.permuted(part.targets, axis=0)) for part in (train, validation))
    targets = train.targets
    layout = Layout(protocol.devices, batch_size=protocol.batch_size)
    net = model.build(
        backbone=chosen, head=run["head"], head_options=head_options,
        n_labels=len(run["labels"]), seed=seed, batch_norm=backbone.batch_norm, precision=protocol.precision,
        remat=backbone.remat,
    )  # fmt: skip
    log.info("%s", groups.table(net, backbone.trainable))
    counts = parameters.count(net)
    on_features = backbone.views is not None
    if on_features:
        for part in (train, validation):
            features.check(net, part.about)
    network = features.FeatureClassifier(net) if on_features else net
    graphdef, trained, frozen, statistics = groups.split(network, backbone.trainable)
    per_epoch = -(-len(train) // protocol.batch_size)
    optimizer = make_optimizer(
        protocol.optimizer, protocol.learning_rate, schedule=protocol.schedule, weight_decay=protocol.weight_decay,
        clip_norm=protocol.clip_norm, accumulate=protocol.accumulate, total_steps=per_epoch * protocol.epochs,
    )  # fmt: skip
    loss = make_loss(protocol.loss, protocol.loss_options, targets)
    reads = of_features() if on_features else of_films(mean=image.mean, std=image.std, augment=augment)
    steps = make_steps(graphdef, optimizer=optimizer, loss=loss, inputs=reads, whole=layout.whole, films=layout.films)
    state = TrainState(trained, statistics, optimizer.init(trained))
    going = Fit(train=train, validation=validation, seed=seed, state=state, frozen=frozen, graphdef=graphdef,
                steps=steps, protocol=protocol, residency=resources.residency, layout=layout)  # fmt: skip

    folder = work_folder(work, fingerprint)
    progress = Progress(
        progress_file, run={k: run[k] for k in ("task", "head", "seed")}, steps=per_epoch, epochs=protocol.epochs
    )
    keeper = Keeper(folder, progress, every_minutes=resources.checkpoint_minutes)
    keeper.restore(going)
    out.mkdir(parents=True, exist_ok=True)
    with stop_requests() as request:

        def pause(fit: Fit, settle: Any) -> None:
            if request.signum is not None or keeper.due():
                settle()
                keeper.save(fit)
            if request.signum is not None:
                progress.event("stopped", epoch=fit.epoch, step=fit.step)
                log.info("stopped at epoch %d, step %d and saved; start again to resume", fit.epoch + 1, fit.step)
                raise request.exit()

        try:
            while going.finished is None:
                going.run_epoch(progress, pause)
                if going.history[-1]["best"]:
                    weights.save(folder / "best.safetensors", going.classifier(net), metadata=_metadata(run, image))
        except InputError as error:
            progress.event("failed", reason=str(error))
            raise
    wall = keeper.seconds_before + time.perf_counter() - started
    _write(going, out, folder, run={**run, "parameters": counts, "device": device, "wall_seconds": round(wall, 1)},
           fingerprint=fingerprint)  # fmt: skip
    progress.event("done", epoch=going.epoch, best_epoch=going.best_epoch, best_val_loss=going.best_loss)
    keeper.clear()


def _metadata(run: dict[str, Any], image: Image) -> dict[str, Any]:
    return {
        "labels": run["labels"],
        "task": run["task"],
        "head": run["head"],
        "seed": run["seed"],
        "image": image.model_dump(),
    }


def _write(fit: Fit, out: Path, folder: Path, *, run: dict[str, Any], fingerprint: dict[str, Any]) -> None:
    history = pd.DataFrame(fit.history)
    per_epoch = fit.steps_per_epoch
    step = np.arange(1, len(fit.losses) + 1)
    losses = pd.DataFrame({"step": step, "epoch": (step - 1) // per_epoch + 1, "loss": fit.losses})
    for name, frame in (("history.csv", history), ("steps.csv", losses)):
        partial = out / f".{name}.partial"
        frame.to_csv(partial, index=False)
        os.replace(partial, out / name)
    partial = out / ".best.safetensors.partial"
    partial.write_bytes((folder / "best.safetensors").read_bytes())
    os.replace(partial, out / "best.safetensors")
    seconds = history["seconds"].sum()
    write_json(
        out / "run.json",
        {
            **run,
            **fingerprint,
            "versions": versions(),
            "git": git_commit(),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "films_per_second": round(float(history["films_per_second"].median()), 1),
            "training_seconds": round(float(seconds), 1),
            "epochs": fit.epoch,
            "best_epoch": fit.best_epoch,
            "best_val_loss": fit.best_loss,
            "stopped": fit.finished,
        },
    )
