"""Labels of which nothing can be learned, or nothing judged: no positive film, or no negative one."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from qcxr.errors import InputError


@dataclass(frozen=True)
class Lacking:
    """Labels without a positive, or without a negative, among the films that cover them: in training, in validation."""

    no_positive: tuple[str, ...]
    no_negative: tuple[str, ...]
    val_no_positive: tuple[str, ...]
    val_no_negative: tuple[str, ...]

    def lines(self, training: int, validation: int) -> list[str]:
        """What is to be said before training, a line for each; the numbers are of films."""
        texts = []
        for labels, word in ((self.no_positive, "positive"), (self.no_negative, "negative")):
            if labels:
                texts.append(f"none of {training} training films is {word} for {', '.join(labels)}: nothing is learned")
        for labels, word in ((self.val_no_positive, "positive"), (self.val_no_negative, "negative")):
            if labels:
                texts.append(
                    f"none of {validation} validation films is {word} for {', '.join(labels)}: no threshold is chosen"
                )
        return texts


def lacking(training: pd.DataFrame, validation: pd.DataFrame, labels: Sequence[str]) -> Lacking:
    """Look for such labels among the columns of two frames of films; a label that no film covers is not told."""
    return Lacking(*_of(training, labels), *_of(validation, labels))


def refuse(found: Lacking, *, task: str, films: int, allowed: bool = False) -> None:
    """Raise InputError for labels of which nothing can be learned, if that is not allowed."""
    gone = [f"{label} (no positive)" for label in found.no_positive]
    gone += [f"{label} (no negative)" for label in found.no_negative]
    if gone and not allowed:
        raise InputError(
            f"{task} needs a positive and a negative training film of each label, got none of {', '.join(gone)} among "
            f"{films} films; choose a task without it, or set data.unlearnable to allow, which the report will say"
        )


def _of(films: pd.DataFrame, labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    known = {label: films[label].dropna() for label in labels if label in films}
    covered = {label: values for label, values in known.items() if len(values)}
    return (
        tuple(label for label, values in covered.items() if not values.any()),
        tuple(label for label, values in covered.items() if values.all()),
    )
