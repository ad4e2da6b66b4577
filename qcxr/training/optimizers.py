"""Optimizers by name, from optax, with schedules, clipping and gradient accumulation."""

from __future__ import annotations

from typing import Any

import optax

from qcxr.errors import InputError

# name -> (learning_rate, weight_decay) -> transformation; decay is decoupled where optax has it so, else added before
OPTIMIZERS = {
    "adam": lambda rate, decay: (
        optax.chain(optax.add_decayed_weights(decay), optax.adam(rate)) if decay else optax.adam(rate)
    ),
    "adamw": lambda rate, decay: optax.adamw(rate, weight_decay=decay),
    "lion": lambda rate, decay: optax.lion(rate, weight_decay=decay),
    "lamb": lambda rate, decay: optax.lamb(rate, weight_decay=decay),
    "sgd": lambda rate, decay: optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate, momentum=0.9)),
}


def make_optimizer(
    name: str, learning_rate: float, *, schedule: dict[str, Any] | None = None, weight_decay: float = 0.0,
    clip_norm: float | None = None, accumulate: int = 1, total_steps: int = 1,
) -> optax.GradientTransformation:  # fmt: skip
    """The optimizer of that name; raises `InputError` for an unknown one."""
    if name not in OPTIMIZERS:
        raise InputError(
            f"train.optimizer must be one of {', '.join(OPTIMIZERS)}, got {name}; set train.optimizer in the config"
        )
    chain = OPTIMIZERS[name](learning_rate, weight_decay)
    if clip_norm is not None:
        chain = optax.chain(optax.clip_by_global_norm(clip_norm), chain)
    return optax.MultiSteps(chain, every_k_schedule=accumulate).gradient_transformation() if accumulate > 1 else chain
