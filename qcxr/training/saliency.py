"""Where on a film a probability comes from: two maps that answer two questions, neither of them "where the finding is".

Occlusion (Zeiler & Fergus 2014): by how much the probability falls when a square is hidden. Gradient x input (Shrikumar
et al. 2016): by how much each pixel's gray level moves the logit, to first order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from qcxr.training.ensemble import Ensemble, known_label

Film = UInt8[np.ndarray, "height width"]
Map = Float[np.ndarray, "height width"]


def patch_of(side: int) -> tuple[int, int]:
    """(side of the hidden square, step) for films of that side: a seventh and a fourteenth, 32 and 16 at 224."""
    return max(1, side // 7), max(1, side // 14)


def starts(side: int, patch: int, stride: int) -> list[int]:
    """Where hidden squares start along a side: every `stride` pixels, and flush with the end."""
    return sorted({*range(0, side - patch + 1, stride), side - patch})


def occlusion(
    ensemble: Ensemble, film: Film, labels: Sequence[str], *, patch: int, stride: int, batch_size: int = 32
) -> dict[str, Map]:
    """For each label: probability of the film minus that with a square hidden, averaged over the squares on a pixel.

    A hidden square has the film's mean gray level, rounded. Probabilities are means over the ensemble's members.
    """
    columns = [ensemble.labels.index(known_label(label, ensemble.labels)) for label in labels]
    height, width = film.shape
    corners = [(y, x) for y in starts(height, patch, stride) for x in starts(width, patch, stride)]
    squares = [np.s_[:0, :0], *(np.s_[y : y + patch, x : x + patch] for y, x in corners)]  # the first hides nothing
    gray = round(float(film.mean()))
    seen: list[Float[np.ndarray, " labels"]] = []
    for first in range(0, len(squares), batch_size):
        hidden = np.repeat(film[None], batch_size, axis=0)  # the last batch has its full shape too
        for row, square in zip(hidden, squares[first : first + batch_size], strict=False):
            row[square] = gray
        seen.extend(ensemble.probabilities(hidden).mean(axis=0, dtype=np.float64)[:, columns])
    total, times = np.zeros((len(labels), height, width)), np.zeros((height, width))
    for square, probability in zip(squares[1:], seen[1:], strict=False):
        total[:, *square] += (seen[0] - probability)[:, None, None]
        times[square] += 1
    return dict(zip(labels, total / times, strict=True))


def gradient_times_input(ensemble: Ensemble, film: Film, label: str) -> Map:
    """d logit / d gray level times the gray level, of each pixel: what a black pixel shows counts nothing."""
    return ensemble.gradient(film, label).astype(np.float64) * film
