"""Expectation values from shots, and their gradients as hardware would estimate them: from more shots.

Nothing here differentiates through a simulator. `parameter_shift` runs two circuits for every gate with a parameter and
is unbiased; `spsa` runs two circuits in all and is unbiased up to the square of its step.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from qcxr.circuits.engine import Engine
from qcxr.circuits.sampling import sample
from qcxr.errors import InputError

Weights = Float[Array, "layers qubits"]
Angles = Float[Array, "films qubits"]
Values = Float[Array, "films qubits"]
Measure = Callable[[Weights, Angles, PRNGKeyArray], Values]  # estimates of <Z_k>
# from a measurement, the place, the cotangent of the values and a key to the gradients of weights and angles
Rule = Callable[[Measure, Weights, Angles, Values, PRNGKeyArray], tuple[Weights, Angles]]
RULES = ("parameter_shift", "spsa")


def estimator(engine: Engine, *, shots: int, gradient: str = "parameter_shift", step: float = 0.1) -> Measure:
    """(weights, angles, key) -> the mean of `shots` joint samples of every qubit, which `jax.grad` can go through.

    gradient: by which rule of RULES; each circuit that it runs has `shots` shots of its own. step: of spsa, in radians.
    The same key gives the same values and the same gradient. Weights and angles are of one dtype.
    Raises InputError for what no chain can run, and for an unknown rule or a step that is not positive.
    """
    if gradient not in RULES:
        raise InputError(f"gradient must be one of {', '.join(RULES)}, got {gradient!r}; set gradient to one of them")
    if not step > 0:
        raise InputError(f"step must be > 0, got {step!r}; set step to some tenth of a radian")
    repeats = engine.ansatz.n_layers if engine.ansatz.reupload else 1
    rule: Rule = partial(parameter_shift, repeats=repeats) if gradient == RULES[0] else partial(spsa, step=step)

    def measure(weights: Weights, angles: Angles, key: PRNGKeyArray) -> Values:
        bits = sample(engine, weights, angles, shots=shots, key=key)
        return 1 - 2 * bits.mean(-2, dtype=angles.dtype)

    @jax.custom_vjp
    def estimate(weights: Weights, angles: Angles, key: PRNGKeyArray) -> Values:
        return measure(weights, angles, key)

    def forward(
        weights: Weights, angles: Angles, key: PRNGKeyArray
    ) -> tuple[Values, tuple[Weights, Angles, PRNGKeyArray]]:
        first, later = jax.random.split(key)
        return measure(weights, angles, first), (weights, angles, later)

    def backward(saved: tuple[Weights, Angles, PRNGKeyArray], g: Values) -> tuple[Weights, Angles, None]:
        weights, angles, key = saved
        return *rule(measure, weights, angles, g, key), None

    estimate.defvjp(forward, backward)
    return estimate


def parameter_shift(
    measure: Measure, weights: Weights, angles: Angles, g: Values, key: PRNGKeyArray, *, repeats: int = 1
) -> tuple[Weights, Angles]:
    """Each gradient from the same circuit with one parameter shifted, exact for exact values.

    A rotation's weight: half of the difference at +- pi/2 (Schuld et al. 2019, arXiv 1811.11184). An angle that enters
    `repeats` times: 2 * repeats shifts (Wierichs et al. 2022, arXiv 2107.12390, eq. 28), for repeats = 1 the same two.
    """
    first, second = jax.random.split(key)

    def of_weight(site: tuple[Array, PRNGKeyArray]) -> Float[Array, ""]:
        index, key = site
        shift = jnp.zeros(weights.size, weights.dtype).at[index].set(np.pi / 2).reshape(weights.shape)
        up, down = jax.random.split(key)
        return jnp.sum(g * (measure(weights + shift, angles, up) - measure(weights - shift, angles, down))) / 2

    def of_angle(site: tuple[Array, PRNGKeyArray]) -> Float[Array, " films"]:
        index, key = site

        def share(point: tuple[Array, Array, PRNGKeyArray]) -> Float[Array, " films"]:
            shift, factor, key = point
            return factor * jnp.sum(g * measure(weights, angles.at[:, index].add(shift), key), -1)

        number = np.arange(2 * repeats)
        shifts = (2 * number + 1) * np.pi / (2 * repeats)
        factors = (1 - 2 * (number % 2)) / (4 * repeats * np.sin(shifts / 2) ** 2)
        points = jnp.asarray(shifts, angles.dtype), jnp.asarray(factors, angles.dtype)
        return jax.lax.map(share, (*points, jax.random.split(key, 2 * repeats))).sum(0)

    slopes = jax.lax.map(of_weight, (jnp.arange(weights.size), jax.random.split(first, weights.size)))
    n = angles.shape[1]
    turns = jax.lax.map(of_angle, (jnp.arange(n), jax.random.split(second, n)))
    return slopes.reshape(weights.shape), turns.T


def spsa(
    measure: Measure, weights: Weights, angles: Angles, g: Values, key: PRNGKeyArray, *, step: float = 0.1
) -> tuple[Weights, Angles]:
    """Every gradient from one random direction of +1 and -1, along which all parameters move by `step` radians.

    Spall 1992 (IEEE Trans. Autom. Control 37, eq. 2.2). The weights are shared by all films, so their direction is.
    """
    keys = jax.random.split(key, 4)
    along = jax.random.rademacher(keys[0], weights.shape, weights.dtype)
    turning = jax.random.rademacher(keys[1], angles.shape, angles.dtype)
    ahead = measure(weights + step * along, angles + step * turning, keys[2])
    behind = measure(weights - step * along, angles - step * turning, keys[3])
    slopes = jnp.sum(g * (ahead - behind), -1) / (2 * step)  # of every film, along the direction
    return slopes.sum() * along, slopes[:, None] * turning
