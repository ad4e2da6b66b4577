"""`fourier`, random Fourier features in the circuit's place: what any smooth function of the angles is worth."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead

DQC_LAYERS = 3  # of the dqc head by default


def fourier(
    n_features: int,
    n_labels: int,
    *,
    key: PRNGKeyArray,
    features: int | None = None,
    bandwidth: float | None = None,
) -> Head:
    """Linear -> tanh * pi / 2 -> fixed random Fourier features of a Gaussian kernel -> linear.

    A circuit's layer has one weight per label, and so has a feature more in the last layer: with labels + L `features`
    the head has exactly as many trained parameters as `dqc` with L layers; None is as many as with dqc's default L.
    `bandwidth`, in radians, is the kernel's standard deviation; None is the square root of the number of labels,
    so that the features turn by about one radian from film to film, however many labels there are.
    """
    features = n_labels + DQC_LAYERS if features is None else features
    bandwidth = n_labels**0.5 if bandwidth is None else bandwidth
    if type(features) is not int or features < 1:
        raise InputError(f"features must be an integer >= 1, got {features!r}; set features in the head's options")
    if not 0 < bandwidth < float("inf"):
        raise InputError(f"bandwidth must be > 0 and finite, got {bandwidth!r}; set bandwidth in the head's options")
    draw = partial(draws, features=features, n_labels=n_labels, bandwidth=bandwidth)
    core = Core(random_features, draw, trained=False, width=features)
    return DressedHead(n_features, n_labels, key=key, core=core)


def draws(
    key: PRNGKeyArray, *, features: int, n_labels: int, bandwidth: float
) -> Float[Array, "features labels_and_phase"]:
    """Of every feature its frequencies, from the kernel's Fourier transform, and its phase in radians."""
    frequencies = jax.random.normal(jax.random.fold_in(key, 0), (features, n_labels)) / bandwidth
    phases = jax.random.uniform(jax.random.fold_in(key, 1), (features, 1), maxval=2 * jnp.pi)
    return jnp.concatenate([frequencies, phases], axis=1)


def random_features(
    drawn: Float[Array, "features labels_and_phase"], angles: Float[Array, "batch labels"]
) -> Float[Array, "batch features"]:
    """sqrt(2) cos(w.x + b) of every feature: the mean of a film's times another's is about exp(-|x - y|^2 / 2 s^2).

    Rahimi & Recht 2007, algorithm 1, with every feature at unit variance as the layer after it expects.
    """
    return jnp.sqrt(2.0) * jnp.cos(angles @ drawn[:, :-1].T + drawn[:, -1])
