"""`make_engine`: one name, one function `(weights (L, n), angles (..., n)) -> (..., n)`."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from qcxr.circuits import chain, statevector
from qcxr.circuits.ansatz import Ansatz
from qcxr.errors import InputError

ENGINES = ("pennylane", "statevector", "chain", "auto")


def make_engine(name: str, n_qubits: int, n_layers: int, *, noise=None, **options) -> Callable:
    """The circuit as a pure function of `weights` (L, n) and `angles` (..., n), both radians, to <Z_i>, (..., n).

    name: `pennylane` (the oracle: any PennyLane device), `statevector`, `chain` (exact, linear in n) or `auto`.
    options: the other fields of `Ansatz`. The function may stand inside jit, grad, vmap and scan.
    Raises InputError for an unknown engine, and when an array has the wrong shape or, outside jit, is not finite.
    """
    ansatz = Ansatz(n_qubits, n_layers, **options)
    if noise is not None:
        raise InputError(f"noise is not available yet, got {noise!r}; leave it out")
    if name not in ENGINES:
        raise InputError(
            f"engine must be one of {', '.join(ENGINES)}, got {name!r}; set head.dqc.engine to one of them"
        )
    if name == "auto":
        name = "statevector" if n_qubits < 6 else "chain"
    if name == "pennylane":
        from qcxr.circuits import pennylane as room
    else:
        room = {"statevector": statevector, "chain": chain}[name]
    expectations = room.build(ansatz)

    def engine(weights: jax.Array, angles: jax.Array) -> jax.Array:
        weights, angles = _check("weights", weights), _check("angles", angles)
        if weights.shape != (n_layers, n_qubits):
            raise InputError(
                f"weights must have shape (layers, qubits) = ({n_layers}, {n_qubits}), got {weights.shape}; "
                "make the engine with the shape of your weights"
            )
        if angles.ndim < 1 or angles.shape[-1] != n_qubits:
            raise InputError(
                f"angles must have shape (..., {n_qubits}), one per qubit, got {angles.shape}; "
                "make the engine with as many qubits as there are angles"
            )
        dtype = jnp.result_type(weights, angles)
        batch = angles.shape[:-1]
        flat = angles.astype(dtype).reshape(math.prod(batch), n_qubits)
        return expectations(weights.astype(dtype), flat).reshape(*batch, n_qubits)

    return engine


def _check(name, value):
    """An array of float32 or float64; finite, where that can be seen (not under jit)."""
    value = jnp.asarray(value)
    if not jnp.issubdtype(value.dtype, jnp.floating) or jnp.finfo(value.dtype).bits < 32:
        value = value.astype(jnp.float32)
    if not isinstance(value, jax.core.Tracer) and not np.isfinite(np.asarray(value)).all():
        raise InputError(f"{name} must be finite, got NaN or infinity; look at the step before the circuit")
    return value
