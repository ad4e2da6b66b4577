"""A trained run's circuit with what its films give it, for what looks into it: `qcxr spectrum` and `qcxr signal`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from tqdm import tqdm

from qcxr.data import split
from qcxr.data.augment import normalise
from qcxr.data.split import Split
from qcxr.errors import InputError
from qcxr.models import classifier, features
from qcxr.models.classifier import Classifier
from qcxr.models.heads.create import create
from qcxr.models.heads.dressed import DressedHead

BATCH = 32  # films that go through a backbone at once


class Dressed(NamedTuple):
    """The circuit of a run's head, and a sample of films as it sees them.

    circuit: (weights, angles) -> expectation values; logits are these times `kernel` plus `bias`. first: the weights
    that it was drawn with, and first_angles the angles from the layer before it as that was drawn. Angles are radians,
    one row per film. Targets count where `covered`.
    """

    name: str
    circuit: Callable[[Array, Array], Array]
    weights: Float[np.ndarray, "*shape"]
    first: Float[np.ndarray, "*shape"]
    angles: Float[np.ndarray, "films qubits"]
    first_angles: Float[np.ndarray, "films qubits"]
    kernel: Float[np.ndarray, "values labels"]
    bias: Float[np.ndarray, " labels"]
    labels: tuple[str, ...]
    targets: Float[np.ndarray, "films labels"]
    covered: Bool[np.ndarray, "films labels"]


def read(run: Path | str, *, dataset: str | None = None, films: int = 1000, seed: int = 0) -> Dressed:
    """The circuit of a run's folder, with as many of a data set's test films as `films`, drawn by the seed.

    A run under way has its best weights so far in its work folder, from its first checkpoint on.

    dataset: by default the first that the run has predicted. Features are those of the run's own backbone as it is now:
    read where the study has packed them, and else computed from its packed films.
    Raises InputError for a folder that is no run of a study, a head without a circuit, and films that are not
    there.
    """
    run = Path(run)
    if not (run / "best.safetensors").is_file():
        raise InputError(f"{run} must be a run's folder, with its best.safetensors; give another one")
    model, metadata = classifier.trained(run / "best.safetensors")
    head, architecture = model.head, model.architecture
    if not isinstance(head, DressedHead) or head.engine is None:
        raise InputError(
            f"{run} must be a run whose head has a circuit, such as dqc or random, got the head "
            f"{architecture.head}; give another one"
        )
    labels = tuple(metadata["labels"])
    whole = split.load(_films(run, model, dataset), labels)
    seen = np.sort(np.random.default_rng(seed).permutation(len(whole))[:films])
    found = _features(model, whole, seen, metadata["image"])
    key = jax.random.fold_in(jax.random.key(metadata["seed"]), 1)  # as `classifier.build` draws it
    first = create(architecture.head, found.shape[1], len(labels), key=key, options=architecture.head_options)
    assert isinstance(first, DressedHead)  # as the trained one is
    angles, first_angles = (np.asarray(jax.jit(h.angles)(found)) for h in (head, first))
    return Dressed(
        name="/".join(str(metadata[name]) for name in ("task", "head", "variant", "seed") if name in metadata),
        circuit=head.engine,
        weights=np.asarray(head.quantum[...]),
        first=np.asarray(first.quantum[...]),
        angles=angles,
        first_angles=first_angles,
        kernel=np.asarray(head.last.kernel[...], np.float64),
        bias=np.asarray(head.last.bias[...], np.float64),
        labels=labels,
        targets=whole.targets[seen],
        covered=whole.covered[seen],
    )


def _films(run: Path, model: Classifier, dataset: str | None) -> Path:
    """Where the study has the test films that the run reads: its backbone's features, or packed films."""
    above = run.resolve().parents[:5]  # at most: seed, variant, head, task, work
    root = next((folder.parent for folder in above if folder.name in ("runs", "work")), None)
    if root is None:
        raise InputError(
            f"{run} must lie in a study's folder `runs` (or `work`), beside its packed films; give it there"
        )
    predicted = sorted(path.stem for path in run.glob("predictions/*.parquet") if path.stem != "validation")
    if dataset is None:
        if not predicted:
            raise InputError(
                f"{run} has no predictions, which would say the data set; predict first, or give --dataset"
            )
        dataset = predicted[0]
    own = features.fingerprint(model.extractor)
    for path in sorted(root.glob(f"features/**/{dataset}-test.npy")):
        about = path.with_suffix(".json")
        if about.is_file() and json.loads(about.read_text(encoding="utf-8")).get("backbone") == own:
            return path
    packed = root / "packed" / f"{dataset}-test.npy"
    if not packed.is_file():
        known = f"; the run has predicted {', '.join(predicted)}" if predicted else ""
        raise InputError(f"{packed} does not exist, nor features of the run's backbone: run the workflow{known}")
    return packed


def _features(
    model: Classifier, whole: Split, rows: np.ndarray, image: dict[str, Any]
) -> Float[Array, "films features"]:
    if "features" in whole.about:
        return jnp.asarray(whole.images[rows, 0])  # view 0 is the film itself
    run = jax.jit(lambda films: model.features(normalise(films, mean=image["mean"], std=image["std"])))
    found = []
    for start in tqdm(range(0, len(rows), BATCH), desc="features", unit="batch", disable=None, leave=False):
        here = rows[start : start + BATCH]
        padded = np.pad(here, (0, BATCH - len(here)), mode="edge")  # one shape, one compilation
        found.append(np.asarray(run(whole.images[padded]))[: len(here)])
    return jnp.asarray(np.concatenate(found))
