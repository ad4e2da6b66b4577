"""The two packed splits that a run reads: one trains it, the other stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qcxr.data import split
from qcxr.data.split import Split


@dataclass(frozen=True)
class Splits:
    """A training split and a validation split of the same labels: of films, or of a frozen backbone's features."""

    train: Split
    validation: Split

    @property
    def digests(self) -> list[str]:
        """What the run's data are known by: the SHA-256s that lie beside the two splits."""
        return ["-".join(sorted(part.about["sha256"].values())) for part in (self.train, self.validation)]

    def permuted(self, seed: int) -> Splits:
        """The control that must end at AUROC 0.5: each label shuffled among the films of a split.

        Validation too, or the best epoch would be chosen by true labels; each label by itself, or all would lean the
        way in which "abnormal" happens to be learned (LOG.md).
        """
        rng = np.random.default_rng([seed, 0x9E37])
        return Splits(
            *(replace(part, targets=rng.permuted(part.targets, axis=0)) for part in (self.train, self.validation))
        )


def load(train: Path | str, validation: Path | str, labels: Sequence[str]) -> Splits:
    """Open the packed splits of a run. Raises `InputError` if one of them does not cover a label."""
    return Splits(split.load(train, labels, training=True), split.load(validation, labels, training=True))
