"""Optimizers and learning-rate schedules by name, from optax, with clipping and gradient accumulation.

A schedule is a mapping: `{name: cosine, warmup: 0.05, final: 0.0}`. `warmup` is the fraction of all updates in which
the rate rises linearly from 0 to `learning_rate`; `final` is the rate at the end, as a fraction of `learning_rate`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from qcxr.errors import InputError
from qcxr.study.sections import Train

Rate = float | Callable[[Any], Any]  # a rate, or a function of the update's number
Make = Callable[[Rate, float], optax.GradientTransformation]  # from a rate and a weight decay


def _added_decay(optimizer: Callable[[Rate], optax.GradientTransformation]) -> Make:
    """Weight decay as an L2 term in the gradient, for optimizers that have none of their own."""

    def make(rate: Rate, decay: float) -> optax.GradientTransformation:
        return optax.chain(optax.add_decayed_weights(decay), optimizer(rate)) if decay else optimizer(rate)

    return make


# name -> (rate, weight decay) -> transformation; the decay is decoupled where the optimizer's definition has it so
OPTIMIZERS: dict[str, Make] = {
    "adam": _added_decay(optax.adam),
    "adamw": lambda rate, decay: optax.adamw(rate, weight_decay=decay),
    "nadam": _added_decay(optax.nadam),
    "adabelief": _added_decay(optax.adabelief),
    "radam": _added_decay(optax.radam),
    "lion": lambda rate, decay: optax.lion(rate, weight_decay=decay),
    "lamb": lambda rate, decay: optax.lamb(rate, weight_decay=decay),
    "rmsprop": _added_decay(optax.rmsprop),
    "sgd": _added_decay(lambda rate: optax.sgd(rate, momentum=0.9, nesterov=True)),
}


def _cosine(rate: float, steps: int, final: float) -> optax.Schedule:
    return optax.cosine_decay_schedule(rate, steps, alpha=final)


def _linear(rate: float, steps: int, final: float) -> optax.Schedule:
    return optax.linear_schedule(rate, rate * final, steps)


def _exponential(rate: float, steps: int, final: float) -> optax.Schedule:
    if final <= 0:
        raise InputError(
            f"an exponential schedule never ends at 0: final must be > 0, got {final}; set train.schedule.final"
        )
    return optax.exponential_decay(rate, steps, final)


def _constant(rate: float, steps: int, final: float) -> optax.Schedule:
    del steps, final
    return optax.constant_schedule(rate)


SCHEDULES: dict[str, Callable[[float, int, float], optax.Schedule]] = {
    "constant": _constant,
    "cosine": _cosine,
    "linear": _linear,
    "exponential": _exponential,
}
FINAL = {"constant": 1.0, "cosine": 0.0, "linear": 0.0, "exponential": 0.01}


def make_schedule(learning_rate: float, schedule: dict[str, Any] | None, updates: int) -> Rate:
    """The learning rate, or a function of the update's number (from 0) over a run of `updates` updates."""
    if schedule is None:
        return learning_rate
    options = dict(schedule)
    name = options.pop("name", None)
    if name not in SCHEDULES:
        raise InputError(
            f"train.schedule.name must be one of {', '.join(SCHEDULES)}, got {name!r}; set train.schedule in the config"
        )
    warmup, final = options.pop("warmup", 0.0), options.pop("final", FINAL[name])
    if options:
        raise InputError(f"train.schedule has no key {sorted(options)[0]!r}; allowed: name, warmup, final")
    for key, value, top in (("warmup", warmup, 1), ("final", final, None)):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or (top and value >= top):
            allowed = f">= 0 and < {top}" if top else ">= 0"
            raise InputError(f"train.schedule.{key} must be a number {allowed}, got {value!r}; set it in the config")
    rising = round(warmup * updates)
    decay = SCHEDULES[name](learning_rate, max(updates - rising, 1), final)
    if not rising:
        return decay
    return optax.join_schedules([optax.linear_schedule(0.0, learning_rate, rising), decay], [rising])


def make_optimizer(protocol: Train, *, steps_per_epoch: int) -> optax.GradientTransformation:
    """The optimizer that the configuration's `train:` section describes, for epochs of so many steps.

    `clip_norm` bounds the gradient's global norm. `accumulate` averages the gradients of so many steps into one update.
    `head_learning_rate` is the rate of what lies under the tree's key `head`, on the same schedule; in the first
    `freeze_epochs` nothing else is updated. Raises `InputError` for a schedule that cannot be.
    """
    accumulate = protocol.accumulate
    updates = max(steps_per_epoch * protocol.epochs // accumulate, 1)
    rate = make_schedule(protocol.learning_rate, protocol.schedule, updates)
    links = [OPTIMIZERS[protocol.optimizer](rate, protocol.weight_decay)]
    if protocol.head_learning_rate is not None:  # every optimizer's update is linear in its rate, which comes last
        links.append(optax.masked(optax.scale(protocol.head_learning_rate / protocol.learning_rate), _in_head))
    if protocol.clip_norm is not None:
        links.insert(0, optax.clip_by_global_norm(protocol.clip_norm))
    if protocol.freeze_epochs:
        joined = steps_per_epoch * protocol.freeze_epochs // accumulate
        gate = optax.masked(optax.scale_by_schedule(lambda n: jnp.where(n < joined, 0.0, 1.0)), _outside_head)
        links.append(gate)  # last: the waiting backbone's moments are ready when it joins, and it does not decay
    chain = optax.chain(*links) if len(links) > 1 else links[0]
    return optax.MultiSteps(chain, every_k_schedule=accumulate).gradient_transformation() if accumulate > 1 else chain


def _in_head(tree: Any) -> Any:
    """True where the path of an array in `tree` begins with `head`."""
    return jax.tree_util.tree_map_with_path(lambda path, _: getattr(path[0], "key", None) == "head", tree)


def _outside_head(tree: Any) -> Any:
    return jax.tree.map(lambda inside: not inside, _in_head(tree))
