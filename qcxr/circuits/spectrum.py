"""The exact Pauli-weight spectrum: which share of <Z_k> comes from how many encoded qubits at once.

In the Heisenberg picture Z_k is a sum of Pauli strings on the encoded qubits, and <Z_k> is the sum of each string's
coefficient times the product of the Bloch components that it reads. A string's weight is the number of qubits that it
reads. Scale every encoded qubit's Bloch vector by s and a string of weight w is multiplied by s^w: <Z_k> becomes a
polynomial E(s) = sum_w s^w E_w. The chain takes a complex s as well as a real one, so n + 1 evaluations at the roots of
unity and one Fourier transform give every E_w, without listing strings, at any width, with noise.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Complex, Float

from qcxr.circuits import chain
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.engine import Engine
from qcxr.circuits.noise import Noise
from qcxr.errors import InputError

_FILMS = 64  # evaluated at once: their environments are still in cache
Scaled = Callable[[Complex[Array, ""]], Complex[Array, "batch qubits"]]


def spectrum(
    circuit: Engine | Ansatz,
    weights: Float[Array | np.ndarray, "layers qubits"],
    angles: Float[Array | np.ndarray, "*films qubits"],
    *,
    told: Callable[[int], object] | None = None,
) -> Float[np.ndarray, "*films qubits+1 qubits"]:
    """Part w of <Z_k> in [..., w, k], for w = 0 .. n: the parts add up to what the engine returns.

    weights, angles: radians. The encoded qubits are those after H, the (first) encoding rotation and its noise; what
    comes later, angles that enter again included, belongs to the circuit that is read. An engine's noise counts; its
    read-out error adds its constant to weight 0. Computed in float64 whatever is given (complex64 would round parts to
    about 1e-7), outside of jit. told: called with the number of films each time that some are done.
    Raises InputError for what no chain can run, and as engines do for wrong shapes.
    """
    ansatz, noise = (circuit.ansatz, circuit.noise) if isinstance(circuit, Engine) else (circuit, Noise())
    n, noise = ansatz.n_qubits, jax.tree.map(float, noise)
    engine = Engine("chain", ansatz, noise, None, {})  # refuses what is no chain
    with jax.enable_x64(True):
        weights, angles = (a.astype(jnp.float64) for a in engine.check(weights, angles))
        films = np.asarray(angles).reshape(-1, n)
        at_roots = np.zeros((len(films), (n + 1) // 2 + 1, n), complex)
        for chunk in range(0, len(films), _FILMS):
            here = films[chunk : chunk + _FILMS]
            filled = np.pad(here, ((0, min(_FILMS, len(films)) - len(here)), (0, 0)))  # one shape, one compilation
            at_roots[chunk : chunk + _FILMS] = np.asarray(_at_roots(ansatz, noise, weights, filled))[: len(here)]
            if told is not None:
                told(len(here))
    parts = np.fft.irfft(at_roots, n + 1, axis=1)
    if noise.has_readout:
        parts *= 1 - noise.readout_0 - noise.readout_1
        parts[:, 0] += noise.readout_1 - noise.readout_0
    return parts.reshape(*angles.shape[:-1], n + 1, n)


def truncated(
    circuit: Engine | Ansatz,
    weights: Float[Array | np.ndarray, "layers qubits"],
    angles: Float[Array | np.ndarray, "*films qubits"],
    weight: int,
) -> Float[np.ndarray, "*films qubits"]:
    """<Z_k> of every qubit from Pauli strings of at most that weight; what it raises: as `spectrum`.

    Not a state's expectation value any more: it may leave [-1, 1].
    """
    n = (circuit.ansatz if isinstance(circuit, Engine) else circuit).n_qubits
    if not 0 <= weight <= n:
        raise InputError(f"weight must be in 0 .. {n}, one per qubit at most, got {weight}; set weight to one of them")
    return spectrum(circuit, weights, angles)[..., : weight + 1, :].sum(-2)


@partial(jax.jit, static_argnums=(0, 1))
def _at_roots(
    ansatz: Ansatz,
    noise: Noise,
    weights: Float[Array, "layers qubits"],
    angles: Float[Array | np.ndarray, "films qubits"],
) -> Complex[Array, "films roots qubits"]:
    """E(s) at half of the roots of unity of order n + 1, as `irfft` reads them: E(s*) = E(s)*."""
    n = ansatz.n_qubits
    roots = np.exp(-2j * np.pi * np.arange((n + 1) // 2 + 1) / (n + 1))
    at = scaled(ansatz, weights, jnp.asarray(angles), noise)
    return jnp.moveaxis(jax.lax.map(at, jnp.asarray(roots)), 0, 1)


def scaled(
    ansatz: Ansatz, weights: Float[Array, "layers qubits"], angles: Float[Array, "batch qubits"], noise: Noise
) -> Scaled:
    """<Z_k> as a function of the scale s of the encoded qubits' Bloch vectors."""
    return lambda scale: chain.expectations(ansatz, weights, angles, noise, scale)
