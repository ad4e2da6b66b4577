"""Where a training step's time goes: its parts, each compiled by itself, in turns with the whole; then a trace of it.

The parts' sum is not the whole (XLA fuses across them, and a part alone waits for its own end): it says where to look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from qcxr.bench.pieces import traced
from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Once, Row, Spread, rotate, rows, value
from qcxr.data.feed import Batch
from qcxr.models import backbones, classifier, groups
from qcxr.study.sections import Augment, Train
from qcxr.training.inputs import Inputs, reading
from qcxr.training.losses import bce
from qcxr.training.optimizers import make_optimizer
from qcxr.training.step import TrainState, make_steps

QUEUED = 10  # steps that are started before one is waited for
ZERO = np.uint32(0)


class Made(NamedTuple):
    """A study's step and what it is made of."""

    graphdef: Any
    frozen: Any
    state: TrainState
    batch: Batch
    inputs: Inputs
    optimizer: optax.GradientTransformation


def profile(size: Size) -> Iterator[Row]:
    """Of the smallest batch, with the circuit as its head and BatchNorm in training."""
    made = make(size)
    batch = len(made.batch.mask)
    whole, queued, told = _whole(made)
    makers = {"whole step, waited for": lambda: whole, f"whole step, {QUEUED} queued": lambda: queued, **_parts(made)}
    found = rotate(makers, repeats=size.repeats, seconds=size.seconds)
    queue = f"whole step, {QUEUED} queued"
    if isinstance(spread := found[queue], Spread):
        found[queue] = spread._replace(**{key: getattr(spread, key) / QUEUED for key in ("median", "p10", "p90")})
    yield from rows(found, f"batch {batch}")
    yield value(f"batch {batch}: host time of a dispatch", 1e3 * float(np.median(told)), "ms")
    pair = found["whole step, waited for"], found[queue]
    if isinstance(pair[0], Spread) and isinstance(pair[1], Spread):
        yield value("gap: what waiting for every step adds", 100 * (pair[0].median / pair[1].median - 1), "%")
    yield from traced.summary(queued, steps=QUEUED)


def make(size: Size) -> Made:
    """Of random films and weights."""
    architecture = classifier.Architecture(dict(size.section), "dqc", size.labels, batch_norm="batch")
    net, described = classifier.build(architecture, seed=0), backbones.describe(size.section)
    network, inputs = reading(net, views=None, mean=described.mean, std=described.std, augment=Augment())
    graphdef, trained, frozen, running = groups.split(network)
    optimizer = make_optimizer(Train(), steps_per_epoch=1)
    n, rng = size.batches[0], np.random.default_rng(0)
    films = rng.integers(0, 256, (n, size.pixels, size.pixels), np.uint8)
    targets = (rng.random((n, size.labels)) < 0.2).astype(np.float32)
    batch = Batch(*jax.device_put((films, targets, np.ones(n, bool), np.arange(n, dtype=np.int32))))
    return Made(graphdef, frozen, TrainState(trained, running, optimizer.init(trained)), batch, inputs, optimizer)


def _whole(made: Made) -> tuple[Once, Once, list[float]]:
    """The step, waited for and queued, and a list of the seconds until the call was back."""
    train = make_steps(made.graphdef, optimizer=made.optimizer, loss=bce, inputs=made.inputs).train
    state = jax.tree.map(jnp.copy, made.state)
    told: list[float] = []

    def once() -> jax.Array:
        nonlocal state
        started = time.perf_counter()
        state, loss = train(state, made.frozen, made.batch, ZERO, ZERO)
        told.append(time.perf_counter() - started)
        return loss

    def many() -> jax.Array:
        return [once() for _ in range(QUEUED)][-1]

    return once, many, told


def _parts(made: Made) -> dict[str, Callable[[], Once]]:
    """Input, backbone, head, both, and the optimizer; forward and backward where not said otherwise."""
    trained, running = made.state.trained, made.state.statistics
    images = jax.jit(made.inputs.train)(made.batch, ZERO, ZERO)

    def model(trained: Any) -> Any:
        return groups.merge(made.graphdef, trained, made.frozen, running)

    def loss(trained: Any) -> jax.Array:
        logits = model(trained)(images, train=True, mask=made.batch.mask)
        return bce(logits, made.batch.targets).mean()

    def backbone(trained: Any) -> jax.Array:
        return jnp.square(model(trained).features(images, train=True, mask=made.batch.mask)).mean()

    def head(trained: Any, features: jax.Array) -> jax.Array:
        return bce(model(trained).head(features), made.batch.targets).mean()

    def update(trained: Any, moments: Any, slope: Any) -> Any:
        updates, moments = made.optimizer.update(slope, moments, trained)
        return optax.apply_updates(trained, updates), moments

    def compiled(function: Callable[..., Any], *arguments: Any) -> Callable[[], Once]:
        return lambda: partial(jax.jit(function), *arguments)

    features = jax.jit(lambda t: model(t).features(images, train=False))(trained)
    return {
        "input (augmentation, normalisation)": compiled(made.inputs.train, made.batch, ZERO, ZERO),
        "forward pass alone": compiled(loss, trained),
        "backbone": compiled(jax.value_and_grad(backbone), trained),
        "head": compiled(jax.value_and_grad(head, (0, 1)), trained, features),
        "backbone and head": compiled(jax.value_and_grad(loss), trained),
        "optimizer": compiled(update, trained, made.state.optimizer, jax.tree.map(jnp.ones_like, trained)),
    }
