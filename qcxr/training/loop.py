"""A run in progress: epochs of compiled steps, losses looked at late, validation, early stopping (paper III-F)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from qcxr.data import batches
from qcxr.data.feed import feed
from qcxr.errors import InputError
from qcxr.models import groups
from qcxr.models.classifier import Classifier
from qcxr.models.groups import Group
from qcxr.study.sections import Train
from qcxr.training.assemble import Parts
from qcxr.training.mesh import Layout
from qcxr.training.progress import Progress
from qcxr.training.splits import Splits

Weights = tuple[Group, Group]  # trained, statistics
HISTORY = ("epoch", "train_loss", "val_loss", "seconds", "films_per_second", "best")  # of every epoch
LOOKBACK = 32  # steps between two looks at the loss: far enough behind the device that looking never makes it wait


class Diverged(InputError):
    """A loss that is no number any more."""


class Loop:
    """A run's state on the device, and its position in the protocol.

    The position (epoch, step, losses so far, best so far) and the state are all there is: saved together and put back,
    the run goes on to the same bits.
    """

    def __init__(self, films: Splits, parts: Parts, *, seed: int, protocol: Train, residency: str, layout: Layout):
        self.train, self.validation, self.seed = films.train, films.validation, seed
        self.partial = films.partial
        self.net, self.graphdef, self.steps = parts.net, parts.graphdef, parts.steps
        self.state, self.frozen = layout.repeat(parts.state), layout.repeat(parts.frozen)
        self.protocol, self.layout = protocol, layout
        self.feed = feed(films.train, residency=residency, sharding=layout.films)
        self.validation_feed = feed(films.validation, residency=residency, sharding=layout.films)
        self.epoch = self.step = 0
        self.losses: list[float] = []  # of every step, all epochs
        self.history: list[dict[str, Any]] = []
        self.best_epoch, self.best_loss = 0, math.inf
        self.diverged = False

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.train) // self.protocol.batch_size)

    @property
    def finished(self) -> str | None:
        """Why the run is over (`patience`, `max_epochs` or `diverged`), or None."""
        if self.diverged:
            return "diverged"
        since = max(self.best_epoch, self.protocol.freeze_epochs)  # the backbone must have had its turn
        if self.history and self.epoch - since >= self.protocol.patience:
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

    def run_epoch(self, progress: Progress, pause: Callable[[Callable[[], None]], None]) -> None:
        """Train from the current step to the epoch's end, validate, and advance to the next epoch.

        `pause(settle)` is called after every step; it may call `settle()`, which reads all losses so far, then save, or
        raise to stop.
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
            pause(lambda: self._settle(pending, len(pending)))
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
        """Validation loss: the mean over films, not over batches, so that a padded last batch weighs what it holds.

        Where not every film's source covers every label, the mean over the pairs of film and label that are covered.
        """
        rows, mask = batches.plan(np.arange(len(self.validation), dtype=np.int32), self.protocol.batch_size)
        total = 0.0
        for batch in self.validation_feed.batches(rows, mask):
            value, _ = self.steps.evaluate(self.state.trained, self.frozen, self.state.statistics, batch)
            total += float(value)
        return total / (int(self.validation.covered.sum()) if self.partial else len(self.validation))

    def weights(self) -> Weights:
        """A copy on the host of what the run has learned so far: the trained parameters and the statistics."""
        learned = (self.state.trained, self.state.statistics)
        return jax.tree.map(np.array, jax.device_get(learned))  # a copy: the state's memory is used again

    def classifier(self, weights: Weights) -> Classifier:
        """The whole classifier with those weights; a run on features trains only the head, `net` has the rest."""
        trained, statistics = weights
        model = groups.merge(self.graphdef, trained, jax.device_get(self.frozen), statistics)
        if isinstance(model, Classifier):
            return model
        return Classifier(self.net.backbone, model.head, self.net.architecture)

    def _settle(self, pending: list[jax.Array], count: int) -> None:
        for value in jax.device_get(pending[:count]):
            if not math.isfinite(value):
                self._diverged(float(value), "training")
            self.losses.append(float(value))
        del pending[:count]

    def _diverged(self, value: float, which: str) -> None:
        last = self.losses[-1] if self.losses else math.nan
        raise Diverged(
            f"{which} loss became {value} at epoch {self.epoch + 1}, step {len(self.losses) + 1} (last finite loss "
            f"{last:.6g}); lower train.learning_rate or set train.clip_norm in the config"
        )
