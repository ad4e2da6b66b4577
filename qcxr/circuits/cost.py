"""What `auto` goes by: the expected time of one value-and-gradient step, from operation counts and fitted rates.

chain: RATE_CHAIN * batch * n * (products per site, read off the plan) + a cost per site and per layer;
statevector: RATE_STATE * batch * n * layers * 2^n (each amplitude meets matrices of up to six qubits) + a cost per
layer. The CPU rates were fitted by eye to minima of 30 steps on two cores of an AMD EPYC (jax 0.10, float32; the
machine was busy), n = 4 .. 40, layers 1 .. 5, batch 1 .. 256: right to a factor of two, which moves the crossing by
one qubit. The GPU row is an estimate from launch latency, not a measurement.
"""

from typing import NamedTuple

import jax

from qcxr.circuits import chain
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.structure import Terms, plan


class Rates(NamedTuple):
    """Milliseconds: per layer, per site of the chain, per product of the chain, per amplitude, qubit and layer."""

    layer: float
    site: float
    product: float
    amplitude: float


RATES = {"cpu": Rates(0.1, 0.008, 4e-7, 2e-6), "gpu": Rates(0.1, 0.04, 4e-9, 2e-8)}
LARGEST_STATE_MB = 64  # one state vector of one sample; `auto` goes no further


def choose(ansatz: Ansatz, batch: int, *, noisy: bool, platform: str | None = None) -> str:
    """`chain`, `statevector` or (noise on gates between far wires) `pennylane`.

    batch: samples of one call. platform: `cpu` or `gpu`, by default JAX's own.
    """
    if ansatz.pattern == "all_to_all":
        return "pennylane" if noisy else "statevector"
    if ansatz.permutation_seed is not None and ansatz.pairs:
        return "pennylane" if noisy else "statevector"
    if noisy or not ansatz.pairs:
        return "chain"
    if ansatz.n_layers > chain.MAX_LAYERS:
        return "statevector"
    state_mb = 2.0**ansatz.n_qubits * (4 if ansatz.is_real else 8) / 2**20
    if state_mb > LARGEST_STATE_MB:
        return "chain"
    expected = milliseconds(ansatz, batch, platform or jax.default_backend())
    return min(expected, key=expected.__getitem__)


def milliseconds(ansatz: Ansatz, batch: int, platform: str = "cpu") -> dict[str, float]:
    """Expected time of one step without noise, by engine."""
    rates = RATES["cpu" if platform == "cpu" else "gpu"]
    n, layers = ansatz.n_qubits, ansatz.n_layers
    width = 1 if ansatz.is_real else 4
    return {
        "statevector": rates.layer * (layers + 1) / 2 + rates.amplitude * width * batch * n * layers * 2.0**n,
        "chain": rates.layer * layers + rates.site * n + rates.product * batch * n * products(ansatz),
    }


def products(ansatz: Ansatz, damps: bool = False) -> int:
    """Multiply-adds per inner site and sample of value and gradient on the chain; damps: with amplitude damping."""
    tables = plan(ansatz, damps, damps)
    terms = [value for value in vars(tables).values() if isinstance(value, Terms)]
    return sum(t.a.size for t in terms)
