"""A frozen backbone's features, computed once: V views of every film in one memory-mapped array; heads train from it.

View 0 is the film itself; view v >= 1 is the augmentation that epoch v would give (the same key), so that a head that
reads view 1 + (epoch mod (V - 1)) sees what it would see in training, V - 1 different epochs long.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import groups
from qcxr.models.model import Classifier
from qcxr.models.weights import arrays

Prepare = Callable[[jax.Array], jax.Array]  # uint8 or float gray (B, H, W) -> normalised (B, H, W, 3)


class FeatureClassifier(nnx.Module):
    """A head that reads features (B, F) where `Classifier` reads images; it trains in the same loop."""

    def __init__(self, classifier: Classifier):
        self.head = classifier.head

    def __call__(self, features: jax.Array, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        """Logits (B, L); `train` and `mask` change nothing."""
        del train, mask
        return self.head(features)


def key(classifier: Classifier, about: dict) -> str:
    """SHA-256 of all that decides the features: the backbone's arrays and precision, and `about` the films and views.

    about: the films' hash, the preprocessing, the augmentation, its seed, the number of views, as JSON values.
    """
    digest = hashlib.sha256(json.dumps([about, classifier.description["precision"]], sort_keys=True).encode())
    for name, value in sorted(arrays(classifier.backbone).items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value))
    return digest.hexdigest()


def compute(
    classifier: Classifier,
    films: np.ndarray,
    *,
    folder: Path | str,
    about: dict,
    prepare: Prepare,
    augment: Callable[..., jax.Array] | None = None,
    views: int = 1,
    batch_size: int = 32,
) -> np.ndarray:
    """Features of `views` views of films (N, H, W), memory-mapped, read-only: float32 (V, N, F).

    Written to `folder/features-<key>.npy`, and only read if it is there already. `prepare` normalises; `augment` takes
    (gray, view, rows) and is called for views >= 1. Raises InputError if views need an augmentation and have none.
    """
    if films.ndim != 3 or not len(films):
        raise InputError(f"films must be (N, H, W) with N >= 1, got {films.shape}; pack the split first")
    if views < 1 or (views > 1 and augment is None):
        raise InputError(f"views must be >= 1, and 1 without an augmentation, got {views}; set views in the config")
    path = Path(folder) / f"features-{key(classifier, {**about, 'views': views})[:16]}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, classifier, films, prepare=prepare, augment=augment, views=views, batch_size=batch_size)
    return np.load(path, mmap_mode="r")


def _write(path, classifier, films, *, prepare, augment, views, batch_size) -> None:
    graphdef, state = nnx.split(classifier.backbone)

    @jax.jit
    def run(state, gray, view, rows):
        gray = gray if view is None else augment(gray, view, rows)
        return groups.merge(graphdef, state)(prepare(gray), train=False)

    n = len(films)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    shape = (views, n, classifier.backbone.n_features)
    out = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
    try:
        for view in range(views):
            for start in range(0, n, batch_size):
                rows = np.minimum(np.arange(start, start + batch_size), n - 1)  # the last batch has its full shape too
                number = None if view == 0 else jnp.int32(view)
                features = run(state, films[rows], number, rows.astype(np.int32))
                stop = min(start + batch_size, n)
                out[view, start:stop] = np.asarray(features)[: stop - start]
        out.flush()
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
