"""Noise: channels after one-qubit and two-qubit gates, and read-out errors. Rates are differentiable inputs."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike
from jaxtyping import Float

from qcxr.errors import InputError

Rate = float | Array  # an array of no axes, or of those that vmap or a map over leaves adds
_Class = TypeVar("_Class", bound=type)


def present(rate: Rate) -> bool:
    """Whether a rate may differ from zero: anything but a plain zero."""
    return not (isinstance(rate, int | float) and rate == 0)


def _pytree(cls: _Class) -> _Class:
    names = [field.name for field in dataclasses.fields(cls)]
    return jax.tree_util.register_dataclass(cls, data_fields=names, meta_fields=[])


@_pytree
@dataclasses.dataclass(frozen=True)
class Rates:
    """Channels on one wire, in the order in which they act; each rate is in [0, 1], with PennyLane's meaning.

    depolarizing: probability of X, Y or Z, a third each (3/4 forgets the state). bit_flip, phase_flip: probability of
    X, of Z. amplitude_damping, phase_damping: gamma of |1> to |0>, of lost coherence.
    """

    depolarizing: Rate = 0.0
    bit_flip: Rate = 0.0
    phase_flip: Rate = 0.0
    amplitude_damping: Rate = 0.0
    phase_damping: Rate = 0.0

    def matrix(self, dtype: DTypeLike) -> Float[Array, "4 4"] | Float[np.ndarray, "4 4"]:
        """The channels as one matrix on Pauli coefficients in the order of `pauli`; a constant if all are numbers."""
        known = all(isinstance(rate, int | float) for rate in jax.tree.leaves(self))
        xp: Any = np if known else jnp
        depolarizing, bit_flip, phase_flip, decay, lost = (
            xp.asarray(rate, dtype) for rate in dataclasses.astuple(self)
        )
        mixed, bit, phase = 1 - 4 * depolarizing / 3, 1 - 2 * bit_flip, 1 - 2 * phase_flip
        kept = (1 - decay) * (1 - lost)
        # the root's slope at 0 is infinite, and NaN times a cotangent of 0: nothing flows through a rate of exactly 1
        coherence = xp.where(kept > 0, xp.sqrt(xp.where(kept > 0, kept, 1)), 0)
        ones = xp.ones_like(mixed)
        scale = xp.stack([ones, (1 - decay) * mixed * bit, coherence * mixed * phase, coherence * mixed * bit * phase])
        to_z = np.zeros((4, 4), dtype)
        to_z[1, 0] = 1.0
        return (scale[:, None] * np.eye(4, dtype=dtype) + decay * to_z).astype(dtype)


@_pytree
@dataclasses.dataclass(frozen=True)
class Noise:
    """Noise of the whole circuit.

    one_qubit: after H and after every rotation. two_qubit: on both wires after every CNOT or CZ. readout_0, readout_1:
    probability that a qubit in |0> is read as 1, in |1> as 0.
    A rate may be a JAX array, also a traced one; a rate that is a plain 0.0 is known to be absent and costs nothing.
    """

    one_qubit: Rates = Rates()
    two_qubit: Rates = Rates()
    readout_0: Rate = 0.0
    readout_1: Rate = 0.0

    @classmethod
    def of(cls, given: "Noise | Mapping[str, Any] | None") -> "Noise":
        """From a nested mapping such as `{"one_qubit": {"depolarizing": 0.001}, "readout_1": 0.02}`."""
        if isinstance(given, Noise):
            return given.check()
        given = {} if given is None else given
        _names(cls, given, "noise")
        settings = dict(given)
        for name in ("one_qubit", "two_qubit"):
            if name in settings and not isinstance(settings[name], Rates):
                _names(Rates, settings[name], f"noise.{name}")
                settings[name] = Rates(**settings[name])
        return cls(**settings).check()

    def check(self) -> "Noise":
        """Self. Raises InputError for a rate that is no number in [0, 1] (traced by JAX, it cannot be seen)."""
        for place in ("one_qubit", "two_qubit"):
            rates = getattr(self, place)
            for field in dataclasses.fields(Rates):
                _check_rate(f"noise.{place}.{field.name}", getattr(rates, field.name))
        for name in ("readout_0", "readout_1"):
            _check_rate(f"noise.{name}", getattr(self, name))
        return self

    @property
    def is_unitary(self) -> bool:
        """Whether the gates are known to be free of noise (read-out may still err)."""
        return not any(present(r) for r in jax.tree_util.tree_leaves((self.one_qubit, self.two_qubit)))

    def readout(self, z: Float[Array, "batch qubits"]) -> Float[Array, "batch qubits"]:
        """<Z> as the faulty read-out reports it."""
        p, q = (jnp.asarray(r, z.dtype) for r in (self.readout_0, self.readout_1))
        return (1 - p - q) * z + (q - p)

    @property
    def has_readout(self) -> bool:
        """Whether read-out may err."""
        return present(self.readout_0) or present(self.readout_1)


def damps(rates: Rates) -> bool:
    """Whether I may turn into Z: only then do environments gain entries."""
    return present(rates.amplitude_damping)


def _check_rate(name: str, rate: Any) -> None:
    if isinstance(rate, jax.core.Tracer):
        return
    number = isinstance(rate, int | float | np.generic | np.ndarray | Array) and not isinstance(rate, bool)
    if not number or np.ndim(rate) != 0 or not 0 <= float(rate) <= 1:
        raise InputError(f"{name} must be a rate in [0, 1], got {rate!r}; set it to a probability")


def _names(cls: type, settings: Mapping[str, Any], name: str) -> None:
    allowed = [field.name for field in dataclasses.fields(cls)]
    if not isinstance(settings, Mapping):
        raise InputError(f"{name} must be a mapping of {', '.join(allowed)}, got {settings!r}; write it as name: rate")
    for unknown in sorted(set(settings) - set(allowed)):
        raise InputError(f"{name} may hold {', '.join(allowed)}, got {unknown!r}; take it out of {name}")
