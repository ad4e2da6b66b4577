"""The compiled steps of a run: one of training, one of evaluation, each for one model and one batch shape.

Films stay uint8 until they are on the device; augmentation and normalisation (`qcxr.training.inputs`), forward and
backward pass and the update are one XLA program, whose state is donated. The seed and the epoch are arguments, so that
all seeds share one compilation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from qcxr.data.feed import Batch
from qcxr.models import groups
from qcxr.models.groups import Group
from qcxr.training.inputs import Inputs, Scalar, step_key
from qcxr.training.losses import Loss, covered_mean, covered_sum, masked_mean
from qcxr.training.mesh import Layout


class TrainState(NamedTuple):
    """What a training step changes: trained parameters, BatchNorm statistics, the optimizer's state."""

    trained: Group
    statistics: Group
    optimizer: optax.OptState


class Steps(NamedTuple):
    """`train(state, frozen, batch, seed, epoch)` gives the next state and the batch's loss;
    `evaluate(trained, frozen, statistics, batch)` the sum of the films' losses and the logits. Where labels are not
    covered everywhere it is the sum over films and labels that are."""

    train: Callable[..., tuple[TrainState, Float[Array, ""]]]
    evaluate: Callable[..., tuple[Float[Array, ""], Float[Array, "batch labels"]]]


def make_steps(
    graphdef: Any,
    *,
    optimizer: optax.GradientTransformation,
    loss: Loss,
    inputs: Inputs,
    layout: Layout | None = None,
    partial: bool = False,
) -> Steps:
    """Compile-on-first-use steps for the model of `graphdef` (from `qcxr.models.groups.split`).

    On the several devices of a `layout` the state comes out on each of them, the logits cut over them. `partial`: a
    batch's targets are NaN where a film's source does not cover the label, which then teaches nothing.
    """

    def train(
        state: TrainState, frozen: Group, batch: Batch, seed: Scalar, epoch: Scalar
    ) -> tuple[TrainState, Float[Array, ""]]:
        images = inputs.train(batch, seed, epoch)

        def objective(trained: Group) -> tuple[Float[Array, ""], Group]:
            model = groups.merge(graphdef, trained, frozen, state.statistics)
            logits = model(images, train=True, mask=batch.mask, key=step_key(batch, seed, epoch))
            statistics = groups.statistics(model)
            if partial:
                return covered_mean(loss, logits, batch.targets, batch.mask), statistics
            return masked_mean(loss(logits, batch.targets), batch.mask), statistics

        (value, statistics), gradient = jax.value_and_grad(objective, has_aux=True)(state.trained)
        updates, moments = optimizer.update(gradient, state.optimizer, state.trained)
        return TrainState(optax.apply_updates(state.trained, updates), statistics, moments), value

    def evaluate(
        trained: Group, frozen: Group, statistics: Group, batch: Batch
    ) -> tuple[Float[Array, ""], Float[Array, "batch labels"]]:
        model = groups.merge(graphdef, trained, frozen, statistics)
        logits = model(inputs.evaluate(batch), train=False)
        if partial:
            return covered_sum(loss, logits, batch.targets, batch.mask)[0], logits
        per_film = loss(logits, batch.targets).mean(axis=1)
        return jnp.sum(per_film * batch.mask), logits

    if layout is None or layout.whole is None:
        return Steps(jax.jit(train, donate_argnums=0), jax.jit(evaluate))
    return Steps(
        jax.jit(train, donate_argnums=0, out_shardings=layout.whole),
        jax.jit(evaluate, out_shardings=(layout.whole, layout.films)),
    )
