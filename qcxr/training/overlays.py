"""Saliency pictures of chosen labels, film by film as they are predicted."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from qcxr.data.listing import SUFFIXES
from qcxr.errors import InputError
from qcxr.training.ensemble import Ensemble, known_label
from qcxr.training.filmtable import Film
from qcxr.training.saliency import Map, gradient_times_input, occlusion, patch_of

Draw = Callable[..., None]
LONGEST = 56  # letters of a film's name in a title


class Overlays:
    """Called with each film and its probabilities, writes `{film}-{label}.png` into `folder`.

    patch, stride: of occlusion, in pixels of the preprocessed film; None is `saliency.patch_of`. smooth: what makes a
    map of single pixels readable. draw(film, title, maps, out): what makes the picture.
    Raises InputError: an unknown label, a patch or stride that does not fit.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        labels: Sequence[str],
        folder: Path,
        *,
        patch: int | None,
        stride: int | None,
        smooth: Callable[[Map], Map],
        draw: Draw,
    ) -> None:
        side = ensemble.preprocessing.crop
        usual = patch_of(side)
        self.patch, self.stride = patch or usual[0], stride or (max(1, patch // 2) if patch else usual[1])
        if not 1 <= self.stride <= self.patch <= side:
            raise InputError(
                f"--patch and --stride must be 1 <= stride <= patch <= {side}, the film's side, got patch {self.patch} "
                f"and stride {self.stride}; correct them"
            )
        self._labels = _named(known_label(label, ensemble.labels) for label in labels)
        self._ensemble, self.folder, self._smooth, self._draw = ensemble, folder, smooth, draw
        self._stems: set[str] = set()
        self.written = 0

    def __call__(self, film: Film, probabilities: Mapping[str, float]) -> None:
        """Write one film's pictures."""
        if film.pixels is None:
            return
        hidden = occlusion(self._ensemble, film.pixels, list(self._labels), patch=self.patch, stride=self.stride)
        stem = self._stem(film.shown)
        for label, name in self._labels.items():
            maps = {f"occlusion: by how much p falls\n({self.patch} px squares, every {self.stride} px)": hidden[label]}
            if self._ensemble.differentiable:
                gradient = gradient_times_input(self._ensemble, film.pixels, label)
                maps["gradient x input: logit per pixel\n(smoothed)"] = self._smooth(gradient)
            count = len(self._ensemble.names)
            of = f"mean of {count} runs" if count > 1 else self._ensemble.names[0]
            title = f"{label}: p = {probabilities[label]:.3f} ({of})\n{_short(Path(film.shown).name)}"
            self._draw(film.pixels, title, maps, self.folder / f"{stem}-{name}.png")
            self.written += 1

    def _stem(self, path: str) -> str:
        """The film's name without its suffix; a second one of that name, in another folder, gets a number."""
        name = Path(path).name
        stem, suffix = os.path.splitext(name)
        return _unused(stem if suffix.lower() in SUFFIXES else name, self._stems)


def _short(name: str) -> str:
    """A name that fits above two pictures: whole but for its middle."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}...{name[3 - LONGEST // 2 :]}"


def _named(labels: Iterable[str]) -> dict[str, str]:
    """Label -> its part of a file's name."""
    used: set[str] = set()
    return {label: _unused(re.sub(r"\W+", "_", label), used) for label in dict.fromkeys(labels)}


def _unused(name: str, used: set[str]) -> str:
    """The name, with a number if it was used before: case does not count, as on some disks."""
    found, count = name, 1
    while found.casefold() in used:
        count += 1
        found = f"{name}.{count}"
    used.add(found.casefold())
    return found
