"""`make_engine`: one name, one function from weights and angles to expectation values."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Num, PRNGKeyArray

from qcxr.circuits import chain, cost, forms, statevector
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise, Rate, present
from qcxr.circuits.simulator import Simulator
from qcxr.errors import InputError
from qcxr.study.blind import blindness

ENGINES = ("pennylane", "statevector", "chain", "auto")
_ANSATZ = tuple(field.name for field in dataclasses.fields(Ansatz))[2:]
_OPTIONS = {"pennylane": ("device", "diff_method"), "statevector": ("memory_mb",), "chain": ("form",)}

Options = tuple[tuple[str, Any], ...]  # an engine's own, of all simulators that it may be


def make_engine(
    name: str,
    n_qubits: int,
    n_layers: int,
    *,
    noise: Noise | Mapping[str, Any] | None = None,
    shots: int | None = None,
    **options: Any,
) -> "Engine":
    """The circuit as a pure function of weights and angles, in radians, to <Z_i> of every qubit.

    name: `pennylane` (the oracle, any PennyLane device), `statevector`, `chain` (exact and linear in n) or `auto`
    (whichever of the last two `cost` expects to be faster for the batch it is given).
    noise: a `Noise`, or a mapping for `Noise.of`. shots: how often each qubit is measured; None is exact.
    options: fields of `Ansatz` (encoding, rotation, entangler, pattern, reupload, permutation_seed); for `pennylane`
    also device and diff_method, for `statevector` memory_mb, for `chain` form (see `forms`).

    Raises InputError for an unknown engine or option, for a circuit that the engine cannot run, and for one whose
    outputs ignore the angles or the weights.
    """
    if name not in ENGINES:
        raise InputError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}; set engine to one of them")
    own = [key for kind in ENGINES[:-1] if name in (kind, "auto") for key in _OPTIONS[kind]]
    unknown = sorted(set(options) - set(_ANSATZ) - set(own))
    if unknown:
        raise InputError(
            f"engine {name!r} takes the options {', '.join([*_ANSATZ, *own])}, got {unknown[0]!r}; leave it out"
        )
    if shots is not None and (isinstance(shots, bool) or not isinstance(shots, int) or shots < 1):
        raise InputError(f"shots must be a whole number >= 1 or None (exact), got {shots!r}; set shots to one of them")
    ansatz = Ansatz(n_qubits, n_layers, **{key: value for key, value in options.items() if key in _ANSATZ})
    blind = blindness(ansatz, n_qubits, n_layers)
    if blind is not None:
        raise InputError(
            f"encoding and rotation must leave the circuit something to learn, got {ansatz.encoding} and "
            f"{ansatz.rotation}: {blind}"
        )
    options = {key: _option(key, value) for key, value in options.items() if key not in _ANSATZ}
    return Engine(name, ansatz, Noise.of(noise), shots, options)


class Engine:
    """See `make_engine`. May stand inside jit, grad, vmap and scan; forward-mode differentiation is not supported.

    Under vmap, `auto` sees one sample at a time: give the samples as axes of `angles` instead, or name the engine.
    """

    def __init__(self, name: str, ansatz: Ansatz, noise: Noise, shots: int | None, options: dict[str, Any]) -> None:
        self.name, self.ansatz, self.noise, self.shots = name, ansatz, noise, shots
        self._options = options
        self._check_cost(noise)
        if name != "auto":
            _built(name, ansatz, tuple(options.items()))  # raises what it has to say now, not at the first call

    def _check_cost(self, noise: Noise) -> None:
        cost.check(self.name, self.ansatz, noise, self._options.get("memory_mb", 4096))
        if "form" in self._options:
            forms.check(self._options["form"], self.ansatz, noise)

    def __repr__(self) -> str:
        return f"Engine({self.name!r}, {self.ansatz}, {self.noise}, shots={self.shots})"

    def __call__(
        self,
        weights: Float[Array | np.ndarray, "layers qubits"],
        angles: Float[Array | np.ndarray, "*batch qubits"],
        *,
        noise: Noise | Mapping[str, Any] | None = None,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "*batch qubits"]:
        """<Z_i> of every qubit, in [-1, 1].

        noise: instead of the engine's own; its rates may be traced and differentiated. key: a `jax.random.key`, needed
        if and only if the engine has shots: every expectation value is drawn by itself from a binomial distribution
        (marginals only: correlations between qubits are not sampled); gradients are those of the exact value.
        Raises InputError for wrong shapes and, outside jit, for NaN, infinity and rates out of [0, 1].
        """
        noise = self.noise if noise is None else Noise.of(noise)
        self._check_cost(noise)
        weights, angles = self.check(weights, angles)
        if (key is None) != (self.shots is None):
            need = "needs" if key is None else "takes no"
            raise InputError(f"an engine with shots={self.shots} {need} key, got {key!r}; pass key with shots only")
        batch = angles.shape[:-1]
        flat = angles.reshape(math.prod(batch), self.ansatz.n_qubits)
        z = self._simulate(weights, flat, noise) if len(flat) else flat
        if noise.has_readout:
            z = noise.readout(z)
        if self.shots is not None and key is not None:
            z = _sample(key, self.shots, z)
        return z.reshape(*batch, self.ansatz.n_qubits)

    def check(
        self, weights: Array | np.ndarray, angles: Array | np.ndarray
    ) -> tuple[Float[Array, "layers qubits"], Float[Array, "*batch qubits"]]:
        n = self.ansatz.n_qubits
        weights, angles = _floating("weights", weights), _floating("angles", angles)
        if weights.shape != (self.ansatz.n_layers, n):
            raise InputError(
                f"weights must have shape (layers, qubits) = ({self.ansatz.n_layers}, {n}), got {weights.shape}; "
                "make the engine with the shape of your weights"
            )
        if angles.ndim < 1 or angles.shape[-1] != n:
            raise InputError(
                f"angles must have shape (..., {n}), one per qubit, got {angles.shape}; "
                "make the engine with as many qubits as there are angles"
            )
        dtype = jnp.result_type(weights, angles)
        return weights.astype(dtype), angles.astype(dtype)

    def _simulate(
        self, weights: Float[Array, "layers qubits"], angles: Float[Array, "batch qubits"], noise: Noise
    ) -> Float[Array, "batch qubits"]:
        names = (self.name,) * 2
        if self.name == "auto":
            given = {"noise": noise, "memory_mb": self._options.get("memory_mb", 4096)}
            cpu, gpu = (cost.choose(self.ansatz, len(angles), platform=p, **given) for p in ("cpu", "gpu"))
            names = cpu, gpu
        options = tuple(self._options.items())
        if "pennylane" in names:  # whether a device can stand inside jit is the device's matter
            return _built("pennylane", self.ansatz, options)(weights, angles, noise)
        rates = jax.tree.leaves(noise)
        own = noise is self.noise  # numbers of a call would compile it anew for each
        fixed = tuple(rate if isinstance(rate, int | float) and (own or not present(rate)) else None for rate in rates)
        free = [rate if known is None else None for rate, known in zip(rates, fixed, strict=True)]
        return _compiled(names, self.ansatz, options, fixed, weights, angles, free)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _compiled(
    names: tuple[str, str],
    ansatz: Ansatz,
    options: Options,
    fixed: tuple[float | None, ...],
    weights: Float[Array, "layers qubits"],
    angles: Float[Array, "batch qubits"],
    rates: list[Rate | None],
) -> Float[Array, "batch qubits"]:
    """A simulator's call as one program, shared by engines of the same options.

    names: of the simulator on a CPU and of that on a GPU, chosen when the program is lowered for a platform, which need
    not be JAX's own. fixed, rates: `Noise`'s, those that are numbers in the program and those that enter it.
    """
    every = [rate if known is None else known for known, rate in zip(fixed, rates, strict=True)]
    noise = jax.tree.unflatten(jax.tree.structure(Noise()), every)

    def run(name: str) -> Callable[[Array, Array], Array]:
        return lambda weights, angles: _built(name, ansatz, options)(weights, angles, noise)

    cpu, gpu = names
    if cpu == gpu:
        return run(cpu)(weights, angles)
    z: Array = jax.lax.platform_dependent(weights, angles, cpu=run(cpu), default=run(gpu))
    return z


def _option(key: str, value: Any) -> Any:
    """An engine's own option. Raises InputError for what cannot be one."""
    if key == "memory_mb":
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise InputError(f"memory_mb must be a number of megabytes > 0, got {value!r}; set memory_mb to one")
    elif key == "form":
        forms.known(value)
    elif not isinstance(value, str) and not (key == "device" and value is None):
        raise InputError(f"{key} must be one of PennyLane's names, got {value!r}; set {key} to one of them")
    return value


def _built(name: str, ansatz: Ansatz, options: Options) -> Simulator:
    """The simulator of that name, with those of the options that are its own."""
    return _builder(name)(ansatz, **{key: value for key, value in options if key in _OPTIONS[name]})


def _builder(name: str) -> Callable[..., Simulator]:
    if name == "pennylane":
        from qcxr.circuits import (
            pennylane,
        )  # here: PennyLane takes seconds to import, and its own engine alone needs it

        return pennylane.build
    known: dict[str, Callable[..., Simulator]] = {"statevector": statevector.build, "chain": chain.build}
    return known[name]


def _sample(key: PRNGKeyArray, shots: int, z: Float[Array, "batch qubits"]) -> Float[Array, "batch qubits"]:
    """Mean of `shots` outcomes +1 or -1 with expectation z; the gradient passes straight to z."""
    ones = jax.random.binomial(key, shots, jnp.clip((1 + jax.lax.stop_gradient(z)) / 2, 0, 1), dtype=z.dtype)
    return z + jax.lax.stop_gradient(2 * ones / shots - 1 - z)


def _floating(name: str, value: Num[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
    """An array of float32 or float64; finite, where that can be seen (not under jit)."""
    value = jnp.asarray(value)
    if jnp.iscomplexobj(value):
        raise InputError(f"{name} must be real, got {value.dtype}; pass angles in radians")
    if not jnp.issubdtype(value.dtype, jnp.floating) or jnp.finfo(value.dtype).bits < 32:
        value = value.astype(jnp.float32)
    if not isinstance(value, jax.core.Tracer) and not np.isfinite(np.asarray(value)).all():
        raise InputError(f"{name} must be finite, got NaN or infinity; look at the step before the circuit")
    return value
