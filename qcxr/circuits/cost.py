"""What `auto` goes by: the expected time of one value-and-gradient step, from operation counts and fitted rates.

chain: RATE_CHAIN * batch * n * (products per site, read off the plan) + a cost per site and per layer;
statevector: RATE_STATE * batch * n * layers * 2^n (each amplitude meets matrices of up to six qubits) + a cost per
layer. The CPU rates were fitted to lower quartiles of steps on two cores (Xeon, shared; jax 0.10.2, float32): 137
circuits, n = 3 .. 45, layers 1 .. 5, batch 1, 32, 256. Of these times 82 % are met to a factor of two, 94 % to three;
where both engines run, the one that is named took 1.01 times as long as the faster one in the mean, 1.85 times at
worst. The GPU row is an estimate from launch latency, not a measurement.
"""

from typing import NamedTuple

from qcxr.circuits import statevector
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise, damps
from qcxr.circuits.structure import plan
from qcxr.circuits.support import MOST_PRODUCTS
from qcxr.errors import InputError
from qcxr.study.circuit import DENSITY_QUBITS, chain_layers


class Rates(NamedTuple):
    """Milliseconds: per layer, per site of the chain, per product of the chain, per amplitude, qubit and layer."""

    layer: float
    site: float
    product: float
    amplitude: float


RATES = {"cpu": Rates(0.05, 0.0032, 4.9e-7, 1.7e-6), "gpu": Rates(0.1, 0.04, 4e-9, 2e-8)}
LARGEST_STATE, LARGEST_DENSITY = 24, DENSITY_QUBITS  # qubits for which PennyLane is worth naming
LARGEST_STATE_MB = 64  # one state vector of one sample; `auto` goes no further


def choose(ansatz: Ansatz, batch: int, *, noise: Noise, memory_mb: float = 4096, platform: str = "cpu") -> str:
    """`chain`, `statevector` or (noise on gates between far wires) `pennylane`, which can run the circuit.

    batch: samples of one call. memory_mb: of the state vector. platform: `cpu` or `gpu`, for which it is asked: a
    program may be lowered for another one than JAX's own.
    Raises InputError where none can.
    """
    able = [name for name in ("chain", "statevector") if obstacle(name, ansatz, noise, memory_mb) is None]
    if not able:
        if not noise.is_unitary and obstacle("pennylane", ansatz, noise, memory_mb) is None:
            return "pennylane"
        check("auto", ansatz, noise, memory_mb)
    state_mb = 2.0**ansatz.n_qubits * (4 if ansatz.is_real else 8) / 2**20
    if len(able) == 1 or not ansatz.pairs or state_mb > LARGEST_STATE_MB:
        return able[0]
    expected = milliseconds(ansatz, batch, platform)
    return min(able, key=expected.__getitem__)


def obstacle(name: str, ansatz: Ansatz, noise: Noise, memory_mb: float) -> str | None:
    """Why an engine cannot run a circuit, to stand after its name; None if it can."""
    n, noisy = ansatz.n_qubits, not noise.is_unitary
    if name == "pennylane":  # whose own limits are its devices', except where it would be chosen for the user
        largest = LARGEST_DENSITY if noisy else LARGEST_STATE
        return None if n <= largest else f"holds {4 if noisy else 2}^{n} numbers per sample"
    if name == "statevector":
        needed = statevector.state_mb(ansatz) * statevector.COPIES
        if noisy:
            return "knows no noise on gates, got rates"
        if needed > memory_mb:
            return f"needs {needed:,.0f} MB for one sample of {n} qubits, more than memory_mb = {memory_mb:,.0f}"
        return None
    if ansatz.pattern == "all_to_all" or (ansatz.pairs and ansatz.permutation_seed is not None):
        got = "'all_to_all'" if ansatz.pattern == "all_to_all" else f"permutation_seed {ansatz.permutation_seed}"
        return f"takes gates between neighbours only, got {got}"
    most = chain_layers(ansatz, damps=damps(noise.one_qubit) or damps(noise.two_qubit))
    if ansatz.pairs and ansatz.n_layers > most:
        seconds = RATES["cpu"].product * MOST_PRODUCTS * 32 * n / 1000
        return (
            f"takes at most {most} layers of these gates, got {ansatz.n_layers} (more than {MOST_PRODUCTS:,} products "
            f"per qubit and sample: over {seconds:.1g} s a step of 32 samples)"
        )
    return None


def check(name: str, ansatz: Ansatz, noise: Noise, memory_mb: float = 4096) -> None:
    """Raises InputError for an engine that cannot run the circuit; it names one that can, or says that none can."""
    why = {other: obstacle(other, ansatz, noise, memory_mb) for other in ("chain", "statevector", "pennylane")}
    able = [other for other, reason in why.items() if reason is None]
    if name == "auto":
        if able:
            return
        raise InputError(
            "no engine can run the circuit: "
            + "; ".join(f"{other!r} {reason}" for other, reason in why.items())
            + "; take fewer layers or qubits"
        )
    if name == "pennylane" or why[name] is None:  # PennyLane's limits are its devices'
        return
    advice = f"use engine {able[0]!r}" if able else "no other engine can either: take fewer layers or qubits"
    if not able and "memory_mb" in (why["statevector"] or ""):
        advice += ", or raise memory_mb"
    raise InputError(f"engine {name!r} {why[name]}; {advice}")


def milliseconds(ansatz: Ansatz, batch: int, platform: str = "cpu") -> dict[str, float]:
    """Expected time of one step without noise, by engine."""
    rates = RATES["cpu" if platform == "cpu" else "gpu"]
    n, layers = ansatz.n_qubits, ansatz.n_layers
    return {
        "statevector": rates.layer * (layers + 1) / 2 + rates.amplitude * batch * turns(ansatz),
        "chain": rates.layer * layers + rates.site * n + rates.product * batch * n * products(ansatz),
    }


def products(ansatz: Ansatz, damps: bool = False) -> int:
    """Multiply-adds per inner site and sample of value and gradient on the chain; damps: with amplitude damping."""
    return plan(ansatz, damps, damps).products


def turns(ansatz: Ansatz) -> int:
    """What the state vector's time goes by: a sample's amplitudes, for each qubit and layer; complex ones count 4."""
    return (1 if ansatz.is_real else 4) * ansatz.n_qubits * ansatz.n_layers * 2**ansatz.n_qubits
