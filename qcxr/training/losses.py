"""Losses for many-labelled, long-tailed targets: per element, unreduced; the step does the (masked) mean.

Targets are 0 or 1; those of a whole split are NaN where a film's source does not cover the label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from qcxr.errors import InputError
from qcxr.study import execution, plugged
from qcxr.study.pluginfile import Registered

Elements = Float[Array, "*elements"]  # one number per film and label
PerLabel = Float[Array, "batch labels"]
Loss = Callable[[Elements, Elements], Elements]  # (logits, targets) -> losses


def bce(logits: Elements, targets: Elements) -> Elements:
    """Binary cross entropy (paper III-F), from logits without overflow: max(x, 0) - x y + log(1 + exp(-|x|))."""
    return jnp.maximum(logits, 0) - logits * targets + jnp.log1p(jnp.exp(-jnp.abs(logits)))


def class_weighted_bce(positive_weight: Float[Array, " labels"]) -> Loss:
    """BCE whose positives of label l count `positive_weight[l]` times: negatives / positives in training."""

    def loss(logits: Elements, targets: Elements) -> Elements:
        return bce(logits, targets) * (1 + (positive_weight - 1)[None, :] * targets)

    return loss


def focal(gamma: float = 2.0, alpha: float = 0.25) -> Loss:
    """Focal loss: easy elements fade as (1 - p_t)^gamma (Lin et al. 2017, Eq. 5; gamma 2, alpha 0.25 there)."""

    def loss(logits: Elements, targets: Elements) -> Elements:
        p = jax.nn.sigmoid(logits)
        p_t = p * targets + (1 - p) * (1 - targets)
        alpha_t = alpha * targets + (1 - alpha) * (1 - targets)
        return alpha_t * _power(1 - p_t, gamma) * bce(logits, targets)

    return loss


def asymmetric(gamma_positive: float = 0.0, gamma_negative: float = 4.0, clip: float = 0.05) -> Loss:
    """Asymmetric loss (ASL): shifted negatives that fade faster than positives (Ridnik et al. 2021, Eq. 7)."""

    def loss(logits: Elements, targets: Elements) -> Elements:
        p = jax.nn.sigmoid(logits)
        shifted = jnp.maximum(p - clip, 0.0)
        positive = _power(1 - p, gamma_positive) * bce(logits, jnp.ones_like(logits))
        # the shifted probability is at most 1 - clip, so its logarithm is finite whenever clip > 0
        negative = -_power(shifted, gamma_negative) * jnp.log(jnp.maximum(1 - shifted, 1e-8))
        return targets * positive + (1 - targets) * negative

    return loss


def _power(base: Elements, exponent: float) -> Elements:
    """base**exponent for base in [0, 1] with a finite gradient at 0, where that of base**0 and base**0.5 is not."""
    return jnp.ones_like(base) if exponent == 0 else jnp.maximum(base, 1e-12) ** exponent


def _weighted(targets: Float[np.ndarray, "films labels"]) -> Loss:
    positives = np.nansum(targets, axis=0)
    films = np.isfinite(targets).sum(axis=0).astype(np.float32)  # that cover the label
    return class_weighted_bce(jnp.asarray((films - positives) / np.maximum(positives, 1), jnp.float32))


LOSSES: Mapping[str, Callable[..., Loss]] = {
    "bce": lambda targets: bce,
    "weighted_bce": _weighted,
    "focal": lambda targets, **options: focal(**options),
    "asymmetric": lambda targets, **options: asymmetric(**options),
}


def make_loss(name: str, options: Mapping[str, Any], targets: Float[np.ndarray, "films labels"]) -> Loss:
    """The loss of that name; the training split's `targets` (NaN: not covered) give the class weights.

    Raises `InputError`.
    """
    if written := plugged.find("loss", name):
        return _own(written, options, targets)
    if name not in LOSSES:
        raise InputError(f"train.loss must be one of {', '.join(LOSSES)}, got {name}; set train.loss in the config")
    try:
        return LOSSES[name](targets, **options)
    except TypeError as error:
        raise InputError(
            f"train.loss_options do not fit {name}: {error}; set train.loss_options in the config"
        ) from None


def check_loss(name: str, options: Mapping[str, Any], *, n_labels: int = 1, partly: bool = False) -> None:
    """Raise `InputError` now for what `make_loss` would refuse later. partly: not every film covers every label."""
    make_loss(name, options, _few(n_labels, partly))


def _own(written: Registered, options: Mapping[str, Any], targets: Float[np.ndarray, "films labels"]) -> Loss:
    """A plug-in's loss, tried on a few numbers. Raises `InputError` with the file's line."""
    make = execution.load(written)
    with execution.saying(written):
        loss = make(targets.copy(), **options)  # those of the run: what it does to its own changes no label
        if not callable(loss):
            raise InputError(
                f"loss {written.name} must give a function of logits and targets, got {type(loss).__name__}; return one"
            )
        _try(written.name, loss, targets.shape[1])
    return loss


def _few(n_labels: int, partly: bool) -> Float[np.ndarray, "films labels"]:
    """Targets of four films; of several labels one is never positive, as a rare one may be. partly: one is NaN."""
    targets = np.eye(4, n_labels, dtype=np.float32)
    if n_labels > 1:
        targets[:, -1] = 0
    if partly:
        targets[-1, 0] = np.nan
    return targets


def _try(name: str, loss: Loss, n_labels: int) -> None:
    """Raise `InputError` unless it gives a finite number for each film and label, with a finite slope.

    Every label has films with it and without: those of validation may have what those of training have not.
    """
    targets = jnp.asarray(np.indices((4, n_labels)).sum(0) % 2, jnp.float32)
    logits = jnp.linspace(-20, 20, targets.size, dtype=jnp.float32).reshape(targets.shape)
    value = loss(logits, targets)
    if getattr(value, "shape", None) != targets.shape or value.dtype != jnp.float32:
        found = f"{value.dtype} {value.shape}" if hasattr(value, "shape") else type(value).__name__
        raise InputError(
            f"loss {name} must give one float32 for each film and label, {targets.shape} here, got {found}; "
            "leave the mean to the training step"
        )
    slope = jax.grad(lambda x: jnp.sum(loss(x, targets)))(logits)
    for what, array in (("losses", value), ("gradients", slope)):
        numbers, x, y = (np.asarray(part).ravel() for part in (array, logits, targets))
        if not np.isfinite(numbers).all():
            at = int(np.argmin(np.isfinite(numbers)))
            raise InputError(
                f"loss {name} must give finite {what}, got {numbers[at]:g} at the logit {x[at]:g} and the target "
                f"{y[at]:g}; keep its logarithms and quotients from 0, also for a label without positive films, and "
                "leave out training labels that are NaN"
            )


def masked_mean(elements: Float[Array, "batch labels"], mask: Shaped[Array, " batch"]) -> Float[Array, ""]:
    """Mean over labels and unmasked rows; the mask is of 0 and 1, at least one 1."""
    return jnp.sum(elements * mask[:, None]) / (jnp.sum(mask) * elements.shape[1])


def covered_sum(
    loss: Loss,
    logits: PerLabel,
    targets: PerLabel,
    mask: Shaped[Array, " batch"],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Sum of the losses of unmasked rows where targets are not NaN (their source covers the label), and their number.

    What stands elsewhere reaches neither value nor gradient.
    """
    covered = ~jnp.isnan(targets) & mask.astype(bool)[:, None]
    elements = loss(logits, jnp.where(covered, targets, 0))
    return jnp.sum(jnp.where(covered, elements, 0)), jnp.sum(covered, dtype=logits.dtype)


def covered_mean(
    loss: Loss,
    logits: PerLabel,
    targets: PerLabel,
    mask: Shaped[Array, " batch"],
) -> Float[Array, ""]:
    """Mean over what `covered_sum` sums, each film and label alike; 0 for a batch that covers nothing."""
    total, count = covered_sum(loss, logits, targets, mask)
    return total / jnp.maximum(count, 1)
