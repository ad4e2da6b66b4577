"""A table of probabilities for any number of film files, a batch at a time: one row a film, also for those unread."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8
from tqdm import tqdm

from qcxr.data.film import Facts, FilmError, MissingCodec
from qcxr.data.images import Preprocessing, prepare
from qcxr.data.likeness import unlike
from qcxr.errors import InputError
from qcxr.training.ensemble import Ensemble

MAX_BYTES = 1 << 30  # a larger file is no film, and would be read whole
Pixels = UInt8[np.ndarray, "crop crop"]


@dataclass(frozen=True)
class Film:
    """A film's file, read and prepared; `error` says why it is not."""

    path: str
    pixels: Pixels | None = None
    facts: Facts | None = None
    error: str = ""

    @property
    def shown(self) -> str:
        """Its path as text: bytes of a name that are no UTF-8, which no table can hold, are written as \\xff."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


def table(
    ensemble: Ensemble,
    paths: Sequence[str],
    *,
    thresholds: Mapping[str, float],
    seen: Mapping[str, Any] | None,
    batch_size: int = 32,
    each: Callable[[Film, Mapping[str, float]], None] | None = None,
) -> pd.DataFrame:
    """Columns: film; p_<label>, the mean over members; with several sd_<label>, their standard deviation (n - 1);
    positive_<label>, p >= the label's threshold (empty without one); unlike (`qcxr.data.likeness`); error.

    seen: what training films are like. each: called with every film that was read, and its probabilities. No more than
    two batches of films are held. Raises InputError as `read` does.
    """
    size = min(batch_size, 1 << (len(paths) - 1).bit_length())  # one film is not computed as if it were 32
    rows: list[dict[str, Any]] = []
    with tqdm(total=len(paths), unit="film", desc="predict", disable=None) as bar:
        for films in _batches(paths, size, ensemble.preprocessing):
            readable = [film for film in films if film.pixels is not None]
            found = iter(_predicted(ensemble, readable, size))
            for film in films:
                row: dict[str, Any] = {"film": film.shown, "unlike": ""}
                if film.pixels is not None and film.facts is not None:
                    values = _values(ensemble.labels, next(found), thresholds)
                    row |= values | {"unlike": unlike(film.pixels, film.facts, seen)}
                    if each is not None:
                        each(film, {label: values[f"p_{label}"] for label in ensemble.labels})
                rows.append(row | {"error": film.error})
                bar.update()
    return _framed(rows, ensemble)


def read(path: str, to: Preprocessing) -> Film:
    """The film at `path` as the network reads it, or why it cannot be.

    Raises InputError where the film is good and this installation lacks what reads it.
    """
    try:
        if (size := os.stat(path).st_size) > MAX_BYTES:
            return Film(path, error=f"a file of {size:,} bytes")
        with open(path, "rb") as file:
            pixels, facts = prepare(file.read(), to)
        return Film(path, pixels, facts)
    except MissingCodec as error:
        raise InputError(f"film {path}: {error}") from None
    except FilmError as error:
        return Film(path, error=str(error))
    except OSError as error:
        return Film(path, error=error.strerror or str(error))


def _batches(paths: Sequence[str], size: int, to: Preprocessing) -> Iterator[list[Film]]:
    for first in range(0, len(paths), size):
        yield [read(path, to) for path in paths[first : first + size]]


def _predicted(ensemble: Ensemble, films: Sequence[Film], size: int) -> Float32[np.ndarray, "films members labels"]:
    """Of films that were read, in their order; the batch is filled up with the first."""
    if not films:
        return np.zeros((0, len(ensemble.names), len(ensemble.labels)), np.float32)
    pixels = [film.pixels for film in films if film.pixels is not None]
    batch = np.stack(pixels + pixels[:1] * (size - len(pixels)))
    return ensemble.probabilities(batch).transpose(1, 0, 2)[: len(pixels)]


def _values(
    labels: Sequence[str], of_members: Float32[np.ndarray, "members labels"], thresholds: Mapping[str, float]
) -> dict[str, Any]:
    exact = of_members.astype(np.float64)
    mean = exact.mean(axis=0)
    row: dict[str, Any] = {f"p_{label}": float(value) for label, value in zip(labels, mean, strict=True)}
    if len(exact) > 1:
        row |= {f"sd_{label}": float(value) for label, value in zip(labels, exact.std(axis=0, ddof=1), strict=True)}
    chosen = {label: mean[i] >= thresholds[label] for i, label in enumerate(labels) if label in thresholds}
    return row | {f"positive_{label}": int(value) for label, value in chosen.items()}


def _framed(rows: list[dict[str, Any]], ensemble: Ensemble) -> pd.DataFrame:
    kinds = ["p", "sd", "positive"] if len(ensemble.names) > 1 else ["p", "positive"]
    columns = ["film", *(f"{kind}_{label}" for kind in kinds for label in ensemble.labels), "unlike", "error"]
    frame = pd.DataFrame(rows, columns=columns)
    flags = [column for column in columns if column.startswith("positive_")]
    frame[flags] = frame[flags].astype("Int8")
    return frame
