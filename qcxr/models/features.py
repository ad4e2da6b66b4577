"""A frozen backbone's features, computed once: V views of every film in one memory-mapped array; heads train from it.

View 0 is the film itself; the others are augmentations of it, fixed once, equal for every head and seed. A head that
draws a view per film and epoch sees the films augmented in V ways, at the cost of reading F numbers a film.
"""

import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from tqdm import tqdm

from qcxr.errors import InputError
from qcxr.models import groups
from qcxr.models.arrays import collect
from qcxr.models.classifier import Classifier
from qcxr.study.files import said_plainly

Prepare = Callable[[jax.Array], jax.Array]  # uint8 or float gray (B, H, W) -> normalised (B, H, W, 3)


class FeatureClassifier(nnx.Module):
    """A head that reads features (B, F) where `Classifier` reads images; it trains in the same loop."""

    def __init__(self, classifier: Classifier):
        self.head = classifier.head

    def __call__(self, features: jax.Array, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        """Logits (B, L); `train` and `mask` change nothing."""
        del train, mask
        return self.head(features)


def fingerprint(classifier: Classifier) -> str:
    """SHA-256 of what computes the features: the backbone's shape and arrays, and its precision."""
    made_of = [classifier.description["backbone"], classifier.description["precision"]]
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode())
    for name, value in sorted(collect(classifier.backbone).items()):
        digest.update(f"{name} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value))
    return digest.hexdigest()


def check(classifier: Classifier, about: dict) -> None:
    """Raises InputError unless the packed split with JSON `about` holds features of this classifier's backbone."""
    if "backbone" not in about:
        raise InputError(
            "a run with backbone.views reads features, got a packed split of films; give it the features' split"
        )
    if about["backbone"] != fingerprint(classifier):
        raise InputError(
            "the features are of another backbone than the model's; delete them and run the features step again"
        )


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
) -> Path:
    """The file with the features of `views` views of films (N, H, W): .npy, float32 (N, V, F).

    Its name in `folder` has the hash of all that decides it: the backbone's `fingerprint` and `about`, which names the
    films, preprocessing, augmentation and code. It is written once; an interrupted computation goes on where it
    stopped, and a second process waits for the first. `prepare` normalises; `augment` takes (gray, view, rows) for
    views >= 1. Raises InputError if views need an augmentation and have none, or if the disk is full (what is done is
    kept).
    """
    if films.ndim != 3 or not len(films):
        raise InputError(f"films must be (N, H, W) with N >= 1, got {films.shape}; pack the split first")
    if views < 1 or (views > 1 and augment is None):
        raise InputError(
            f"views must be >= 1, and 1 without an augmentation, got {views}; set backbone.views in the config"
        )
    decides = [about, fingerprint(classifier), views, films.shape, batch_size]
    key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(folder) / f"features-{key}.npy"
    with said_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.is_file():
                _write(path, classifier, films, prepare=prepare, augment=augment, views=views, batch_size=batch_size)
    return path


def _write(path, classifier, films, *, prepare, augment, views, batch_size) -> None:
    graphdef, state = nnx.split(classifier.backbone)

    @jax.jit
    def run(state, gray, view, rows):
        gray = gray if view is None else augment(gray, view, rows)
        return groups.merge(graphdef, state)(prepare(gray), train=False)

    n, shape = len(films), (len(films), views, classifier.backbone.n_features)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    offset, film_bytes = header.tell(), views * shape[2] * 4
    part = path.with_name(f"{path.name}.part")  # appended to, batch by batch: its length says how far it is
    done = max(0, part.stat().st_size - offset) // film_bytes if part.exists() else 0
    done -= done % batch_size  # whole batches, so that the bits do not depend on where it was stopped
    with open(part, "r+b" if done else "wb") as file, tqdm(
        total=n, initial=done, desc="features", unit="film", disable=None
    ) as bar:  # fmt: skip
        if done:
            file.truncate(offset + done * film_bytes)
            file.seek(0, os.SEEK_END)
        else:
            file.write(header.getvalue())
        for start in range(done, n, batch_size):
            rows = np.minimum(np.arange(start, start + batch_size), n - 1)  # the last batch has its full shape too
            gray, rows = films[rows], rows.astype(np.int32)
            seen = [run(state, gray, None if view == 0 else jnp.int32(view), rows) for view in range(views)]
            batch = np.stack(jax.device_get(seen), axis=1).astype("<f4")[: n - start]
            file.write(batch.tobytes())
            file.flush()
            bar.update(len(batch))
        os.fsync(file.fileno())
    os.replace(part, path)
