"""The two packed splits that a run reads: one trains it, the other stops it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.data import split
from qcxr.data.learnable import lacking, refuse
from qcxr.data.split import Split
from qcxr.study.runs import Run

log = logging.getLogger("qcxr.train")


@dataclass(frozen=True)
class Splits:
    """A training split and a validation split of the same labels: of films, or of a frozen backbone's features."""

    train: Split
    validation: Split

    @property
    def digests(self) -> list[str]:
        """What the run's data are known by: the SHA-256s that lie beside the two splits."""
        return ["-".join(sorted(part.about["sha256"].values())) for part in (self.train, self.validation)]

    @property
    def partial(self) -> bool:
        """Some film's source does not cover some label: such pairs are left out of the loss."""
        return not (self.train.covered.all() and self.validation.covered.all())

    def permuted(self, seed: int) -> Splits:
        """The control that must end at AUROC 0.5: each label shuffled among the films of a split that cover it.

        Validation too, or the best epoch would be chosen by true labels; each label by itself, or all would lean the
        way in which "abnormal" happens to be learned (LOG.md).
        """
        rng = np.random.default_rng([seed, 0x9E37])
        return Splits(*(_shuffled(part, rng) for part in (self.train, self.validation)))


def _shuffled(part: Split, rng: np.random.Generator) -> Split:
    if part.covered.all():
        return replace(part, targets=rng.permuted(part.targets, axis=0))
    targets = np.zeros_like(part.targets)
    for label, films in enumerate(part.covered.T):
        targets[films, label] = rng.permutation(part.targets[films, label])
    return replace(part, targets=targets)


def load(train: Path | str, validation: Path | str, run: Run, *, unlearnable: str = "refuse") -> Splits:
    """Open the packed splits of a run, and of the training split the run's part of the patients.

    Raises `InputError` if one of them does not cover a label, and for a label of which no training film is positive, or
    none negative, unless `unlearnable` is "allow". A label that is in no film of the part is said.
    """
    whole, judged = (split.load(path, run.labels, training=True) for path in (train, validation))
    found = lacking(_table(whole), _table(judged), run.labels)
    refuse(found, task=run.task, films=len(whole), allowed=unlearnable == "allow")
    for line in found.lines(len(whole), len(judged)):
        log.warning("%s: %s", run, line)
    part = split.of_patients(whole, run.recipe.data.fraction, run.seed)
    sums = part.targets.sum(0)
    gone = [label for label, n in zip(part.labels, sums, strict=True) if not n and label not in found.no_positive]
    if gone and part is not whole:
        log.warning(
            "%s: no training film of the %d drawn shows %s; nothing can be learned of it (data.fraction %g)",
            run,
            len(part),
            ", ".join(gone),
            run.recipe.data.fraction,
        )
    return Splits(part, judged)


def _table(films: Split) -> pd.DataFrame:
    return pd.DataFrame(films.truth, columns=list(films.labels))
