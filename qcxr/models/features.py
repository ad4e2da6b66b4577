"""A frozen backbone's features, computed once: V views of every film in one memory-mapped array; heads train from it.

View 0 is the film itself; the others are augmentations of it, fixed once, equal for every head and seed. A head that
draws a view per film and epoch sees the films augmented in V ways, at the cost of reading a film's features.
"""

import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Float, UInt8
from tqdm import tqdm

from qcxr.errors import InputError
from qcxr.models.arrays import collect
from qcxr.models.description import Backbone
from qcxr.study.files import said_plainly

Run = Callable[..., jax.Array | np.ndarray]  # (gray, view, rows) -> features


@dataclass(frozen=True)
class Extractor:
    """What computes features: a backbone, its section with nothing left to be chosen, and its precision."""

    network: Backbone
    section: dict[str, Any]
    precision: str


@dataclass(frozen=True)
class Views:
    """What a backbone sees of each film: `count` views in gray, each normalised by `prepare`.

    View 0 is the film itself, view v >= 1 is `augment(gray, v, rows)`, with the films' rows in the split. Raises
    InputError if there are to be such views and no `augment`.
    """

    prepare: Callable[[jax.Array], jax.Array]
    count: int = 1
    augment: Callable[[jax.Array, jax.Array, jax.Array], jax.Array] | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or (self.count > 1 and self.augment is None):
            raise InputError(
                f"views must be >= 1, and 1 without an augmentation, got {self.count}; set backbone.views in the config"
            )


def fingerprint(extractor: Extractor) -> str:
    """SHA-256 of what computes the features: the backbone's shape and arrays, and its precision."""
    section = {key: value for key, value in extractor.section.items() if key != "weights"}  # where it lies is no matter
    made_of = [section, extractor.precision]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    for name, value in sorted(collect(extractor.network).items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()


def check(extractor: Extractor, about: dict[str, Any]) -> None:
    """Raises InputError unless the packed split with JSON `about` holds features of this very backbone."""
    if "backbone" not in about:
        raise InputError(
            "a run with backbone.views reads features, got a packed split of films; give it the features' split"
        )
    if about["backbone"] != fingerprint(extractor):
        raise InputError(
            "the features are of another backbone than the model's; delete them and run the features step again"
        )


def compute(
    extractor: Extractor,
    films: UInt8[np.ndarray, "films height width"],
    *,
    folder: Path | str,
    about: dict[str, Any],
    views: Views,
    batch_size: int = 32,
) -> Path:
    """The .npy file with the features of all views of the films, float32 (films, views, features).

    Its name in `folder` has the hash of all that decides it: the backbone's `fingerprint` and `about`, which names the
    films, preprocessing, augmentation and code. It is written once; an interrupted computation goes on where it
    stopped, and a second process waits for the first. Raises InputError if there are no films or the disk is full
    (what is done is kept).
    """
    if films.ndim != 3 or not len(films):
        raise InputError(f"films must be (N, H, W) with N >= 1, got {films.shape}; pack the split first")
    decides = [about, fingerprint(extractor), views.count, films.shape, batch_size]
    key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(folder) / f"features-{key}.npy"
    with said_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.is_file():
                _write(path, extractor, films, views, batch_size)
    return path


def _write(path: Path, extractor: Extractor, films: np.ndarray, views: Views, batch_size: int) -> None:
    """Append to a partial file, batch by batch, so that its length says how far it is; then rename it."""
    n, shape = len(films), (len(films), views.count, extractor.network.n_features)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    offset, film_bytes = header.tell(), shape[1] * shape[2] * 4
    part = path.with_name(f"{path.name}.part")
    done = max(0, part.stat().st_size - offset) // film_bytes if part.exists() else 0
    done -= done % batch_size  # whole batches, so that the bits do not depend on where it was stopped
    progress = tqdm(total=n, initial=done, desc="features", unit="film", disable=None)
    with open(part, "r+b" if done else "wb") as file, progress:
        if done:
            file.truncate(offset + done * film_bytes)
            file.seek(0, os.SEEK_END)
        else:
            file.write(header.getvalue())
        for batch in _batches(extractor, films, views, batch_size, done):
            file.write(batch.tobytes())
            file.flush()
            progress.update(len(batch))
        os.fsync(file.fileno())
    os.replace(part, path)


def _batches(
    extractor: Extractor, films: np.ndarray, views: Views, batch_size: int, start: int
) -> Iterator[Float[np.ndarray, "films views features"]]:
    """The features of all views of the films from `start` on, little-endian float32."""
    # what torch computes (`qcxr.models.hub`, which is not named here: its code counts for no other run)
    outside = getattr(extractor.network, "run", None)
    run = _compiled(extractor, views) if outside is None else _outside(outside, views)
    n, width = len(films), extractor.network.n_features
    for first in range(start, n, batch_size):
        rows = np.minimum(np.arange(first, first + batch_size), n - 1)  # the last batch has its full shape too
        gray, rows = films[rows], rows.astype(np.int32)
        seen = [run(gray, None if view == 0 else jnp.int32(view), rows) for view in range(views.count)]
        found = np.stack(jax.device_get(seen), axis=1).astype("<f4")[: n - first]
        if found.shape[2:] != (width,):  # the file has place for so many: rows of others would shift all behind them
            raise InputError(
                f"the backbone must give {width} features of a film, got {found.shape[2:]}; set backbone.weights to "
                "another checkpoint"
            )
        yield found


def _compiled(extractor: Extractor, views: Views) -> Run:
    """A view of a batch of films, and the network on it, in one compiled function."""
    graphdef, state = nnx.split(extractor.network)

    @jax.jit
    def run(state: nnx.State, gray: jax.Array, view: jax.Array | None, rows: jax.Array) -> jax.Array:
        return nnx.merge(graphdef, state, copy=True)(_view(views, gray, view, rows), train=False)

    return partial(run, state)


def _outside(network: Callable[[np.ndarray], np.ndarray], views: Views) -> Run:
    """The same where torch is the network: only the view is compiled."""
    seen = jax.jit(partial(_view, views))
    return lambda gray, view, rows: network(np.asarray(seen(gray, view, rows)))


def _view(views: Views, gray: jax.Array, view: jax.Array | None, rows: jax.Array) -> jax.Array:
    if view is not None:
        assert views.augment is not None  # said to mypy: Views sees to it
        gray = views.augment(gray, view, rows)
    return views.prepare(gray)
