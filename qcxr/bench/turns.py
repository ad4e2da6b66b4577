"""Timed value-and-gradient steps of circuits that take turns: what the circuits' benchmarks share."""

import dataclasses
import statistics
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from qcxr.bench import machine as described
from qcxr.circuits import Engine

PEERS = ("default.qubit", "lightning.qubit")  # PennyLane by backprop through JAX, and by adjoint differentiation

Key = tuple[str, str]  # an engine's name and its noise


@dataclasses.dataclass(frozen=True)
class Workload:
    """The step that is timed, value and gradient of so many layers and samples, and how often."""

    n_layers: int = 3
    batch: int = 32
    repeats: int = 200
    peer_repeats: int = 3


USUAL = Workload()


@dataclasses.dataclass
class Timing:
    """One engine at one width. Milliseconds and seconds of wall time; `ratios`: the peers' medians over this one's."""

    engine: str
    n_qubits: int
    noise: str
    compile_s: float
    median_ms: float
    p10_ms: float
    p90_ms: float
    repeats: int
    ratios: dict[str, float] = dataclasses.field(default_factory=dict)
    target_ms: float | None = None


def step(engine: Engine) -> jax.stages.Wrapped:
    """Value and gradient of the sum of <Z>, as one compiled function of (weights, angles)."""
    return jax.jit(jax.value_and_grad(lambda w, x: jnp.sum(engine(w, x)), (0, 1)))


def example(n: int, n_layers: int, batch: int) -> tuple[Float[Array, "layers qubits"], Float[Array, "batch qubits"]]:
    """Weights and angles as at the start of training."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2 * np.pi, (n_layers, n))
    angles = rng.uniform(-np.pi / 2, np.pi / 2, (batch, n))
    return jnp.asarray(weights, jnp.float32), jnp.asarray(angles, jnp.float32)


def times(group: dict[Key, Engine], n: int, workload: Workload) -> list[Timing]:
    """Steps of all engines, which take turns; a peer's are fewer."""
    inputs = example(n, workload.n_layers, workload.batch)
    steps: dict[Key, jax.stages.Compiled] = {}
    compiles: dict[Key, float] = {}
    seconds: dict[Key, list[float]] = {key: [] for key in group}
    for key, engine in group.items():
        start = time.perf_counter()
        steps[key] = step(engine).lower(*inputs).compile()
        compiles[key] = time.perf_counter() - start
        for _ in range(1 if key[0] in PEERS else 5):
            jax.block_until_ready(steps[key](*inputs))
    for i in range(workload.repeats):
        for key, compiled in steps.items():
            if key[0] in PEERS and i >= workload.peer_repeats:
                continue
            start = time.perf_counter()
            jax.block_until_ready(compiled(*inputs))
            seconds[key].append(time.perf_counter() - start)
    rows = []
    for (name, noise), taken in seconds.items():
        p10, p90 = np.quantile(taken, [0.1, 0.9])
        median = statistics.median(taken)
        rows.append(
            Timing(name, n, noise, compiles[name, noise], 1e3 * median, 1e3 * float(p10), 1e3 * float(p90), len(taken))
        )
    return rows


def machine() -> dict[str, Any]:
    """What the times were taken on."""
    here = described.describe()
    kept = {key: here[key] for key in ("processor", "cores", "python")}
    return kept | {"load": described.load(), "jax": jax.__version__, "backend": jax.default_backend()}
