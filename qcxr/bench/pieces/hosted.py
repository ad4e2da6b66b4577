"""Suspects that wait for the host: leaves of a state at dispatch, features without overlap, a float() per batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx

from qcxr.bench.pieces.features import extractor
from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Once
from qcxr.data.augment import normalise
from qcxr.models import classifier, groups
from qcxr.study.sections import Train
from qcxr.training.optimizers import make_optimizer
from qcxr.training.step import TrainState

Makers = Mapping[str, Callable[[], Once]]
BATCHES = 16


def pairs(size: Size) -> dict[str, Callable[[], Makers]]:
    """By title, what makes the ways of each."""
    batch = size.batches[0]
    return {
        "dispatch of a training state": partial(_dispatch, size),
        f"features of {BATCHES} batches of {batch}": partial(_features, size, batch),
        f"validation loss of {BATCHES} batches of {batch}": partial(_validation, size, batch),
    }


def _dispatch(size: Size) -> Makers:
    """A program that does nothing but take a state and give it back."""
    architecture = classifier.Architecture(dict(size.section), "dqc", size.labels, batch_norm="batch")
    _, trained, _, running = groups.split(classifier.build(architecture, seed=0))
    optimizer = make_optimizer(Train(), steps_per_epoch=1)
    state = TrainState(trained, running, optimizer.init(trained))
    leaves = jax.tree.leaves(state)

    def made(tree: Any) -> Once:
        pass_on = jax.jit(lambda tree: tree, donate_argnums=0)
        held = jax.device_put(jax.tree.map(np.array, tree))

        def once() -> jax.Array:
            nonlocal held
            held = pass_on(held)
            return jax.tree.leaves(held)[0] + 0  # a result that is not given away at the next call

        return once

    return {f"as it is, {len(leaves)} leaves": partial(made, state), "as a list": partial(made, leaves)}


def _seen(size: Size, batch: int) -> tuple[Callable[[np.ndarray], jax.Array], list[np.ndarray]]:
    """A frozen backbone on gray films, compiled, and batches of films on the host."""
    frozen, described = extractor(next(iter(size.extractors.values())), "float32")
    graphdef, state = nnx.split(frozen.network)

    @jax.jit
    def run(state: nnx.State, gray: jax.Array) -> jax.Array:
        images = normalise(gray, mean=described.mean, std=described.std)
        return nnx.merge(graphdef, state, copy=True)(images, train=False)

    rng = np.random.default_rng(0)
    films = [rng.integers(0, 256, (batch, size.pixels, size.pixels), np.uint8) for _ in range(BATCHES)]
    return partial(run, state), films


def _features(size: Size, batch: int) -> Makers:
    run, films = _seen(size, batch)

    def each() -> np.ndarray:
        return np.stack([np.asarray(run(film)) for film in films])

    def behind() -> np.ndarray:
        found, waiting = [], run(films[0])
        for film in films[1:]:
            following = run(film)
            found.append(np.asarray(waiting))
            waiting = following
        return np.stack([*found, np.asarray(waiting)])

    return {"each waited for": lambda: each, "one ahead": lambda: behind}


def _validation(size: Size, batch: int) -> Makers:
    run, films = _seen(size, batch)
    loss = jax.jit(lambda features: features.mean())
    resident = jax.device_put(films)

    def each() -> np.ndarray:
        return np.float64(sum(float(loss(run(film))) for film in resident)) + np.zeros(1)

    def last() -> np.ndarray:
        return np.sum(jax.device_get([loss(run(film)) for film in resident]), dtype=np.float64) + np.zeros(1)

    return {"a float() per batch": lambda: each, "all at the end": lambda: last}
