"""Timed value-and-gradient steps of the circuit engines, with PennyLane side by side in the same process.

`python -m qcxr.bench.circuits --help`. Medians of many calls; the calls of all engines for one n take turns, so that a
busy machine hurts them alike, and ratios are of medians in the same run.
"""

import argparse
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax

from qcxr import arguments
from qcxr.bench import forms
from qcxr.bench.turns import PEERS, USUAL, Timing, Workload, machine, times
from qcxr.circuits import Noise, Rates, cost, make_engine
from qcxr.study.files import write_json

NOISE = Noise(Rates(depolarizing=0.001, amplitude_damping=0.001), Rates(depolarizing=0.01, amplitude_damping=0.001))
# of value and gradient with 3 layers, 32 samples, on two quiet cores of an EPYC; no other workload has one
TARGET_MS = {8: 0.2, 14: 0.35, 19: 0.45, 45: 0.8, 100: 1.8}
NOISY_TARGET_MS = {19: 1.8}


@dataclasses.dataclass(frozen=True)
class Widths:
    """Numbers of qubits.

    ours: of the engines asked for. peer: where PennyLane runs too (14 takes a minute, 19 some minutes). noisy: of the
    chain with depolarizing and amplitude damping after every gate.
    """

    ours: tuple[int, ...] = (8, 14, 19, 45, 100)
    peer: tuple[int, ...] = (8, 14)
    noisy: tuple[int, ...] = (8, 19)


def run(
    widths: Widths = Widths(),
    workload: Workload = USUAL,
    *,
    engines: tuple[str, ...] = ("auto",),
    memory: bool = False,
    json_path: str | Path | None = None,
) -> tuple[dict, str]:
    """Times the engines: (everything as one mapping, a table to print); with `json_path` also written there.

    memory: also the peak memory of a fresh process at the largest width.
    """
    n_layers, batch = workload.n_layers, workload.batch
    timings = [row for n in widths.ours for row in _at(n, widths, workload, engines)]
    here = jax.default_backend()
    chosen = {
        n: cost.choose(make_engine("auto", n, n_layers).ansatz, batch, noise=Noise(), platform=here)
        for n in widths.ours
    }
    result: dict[str, Any] = {
        "setting": {"n_layers": n_layers, "batch": batch, "dtype": "float32", "what": "value and gradient, jit"},
        "machine": machine(),
        "chosen": {str(n): engine for n, engine in chosen.items()},
        "timings": [dataclasses.asdict(row) for row in timings],
    }
    if memory:
        result["peak_memory_mb"] = peak_memory_mb(max(widths.ours), n_layers, batch)
    if json_path is not None:
        write_json(result, json_path)
    return result, table(result)


def _at(n: int, widths: Widths, workload: Workload, engines: tuple[str, ...]) -> list[Timing]:
    """The rows of one width."""
    group = {(name, "none"): make_engine(name, n, workload.n_layers) for name in engines}
    if n in widths.noisy:
        group["chain", "depolarizing + damping"] = make_engine("chain", n, workload.n_layers, noise=NOISE)
    if n in widths.peer:
        group["default.qubit", "none"] = make_engine("pennylane", n, workload.n_layers)
        group["lightning.qubit", "none"] = make_engine(
            "pennylane", n, workload.n_layers, device="lightning.qubit", diff_method="adjoint"
        )
    rows = times(group, n, workload)
    peers = {row.engine: row.median_ms for row in rows if row.engine in PEERS}
    for row in rows:
        row.target_ms = _target(row, workload)
        if row.noise == "none" and row.engine not in PEERS:
            row.ratios = {name: median / row.median_ms for name, median in peers.items()}
    return rows


def _target(row: Timing, workload: Workload) -> float | None:
    """Milliseconds, for the workload that has one."""
    if (workload.n_layers, workload.batch) != (3, 32):
        return None
    if row.noise != "none":
        return NOISY_TARGET_MS.get(row.n_qubits)
    return TARGET_MS.get(row.n_qubits) if row.engine == "auto" else None


def peak_memory_mb(n: int, n_layers: int = 3, batch: int = 32) -> float:
    """Largest resident memory of a fresh process that compiles and runs one step; about 200 MB of it is JAX."""
    code = (
        "from qcxr.bench.turns import example, step; from qcxr.circuits import make_engine\n"
        "from qcxr.study import memory\n"
        f"step(make_engine('auto', {n}, {n_layers}))(*example({n}, {n_layers}, {batch}))[0].block_until_ready()\n"
        "print(memory.peak_memory_mb())"
    )
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def table(result: dict) -> str:
    """The timings as aligned text."""
    head = [
        "n",
        "engine",
        "noise",
        "compile s",
        "median ms",
        "p10",
        "p90",
        "target ms",
        *(f"x {peer}" for peer in PEERS),
    ]
    rows = [head]
    for t in result["timings"]:
        engine = f"auto ({result['chosen'][str(t['n_qubits'])]})" if t["engine"] == "auto" else t["engine"]
        target = "" if t["target_ms"] is None else f"{t['target_ms']:g}"
        ratios = [f"{t['ratios'][peer]:,.0f}" if peer in t["ratios"] else "" for peer in PEERS]
        times = [f"{t[key]:.2f}" for key in ("compile_s", "median_ms", "p10_ms", "p90_ms")]
        rows.append([str(t["n_qubits"]), engine, t["noise"], *times, target, *ratios])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    if "peak_memory_mb" in result:
        lines.append(f"peak memory of one step at the largest n: {result['peak_memory_mb']:.0f} MB")
    machine = result["machine"]
    lines.append(f"{machine['cores']} cores, load {machine['load']:.1f}, jax {machine['jax']}, {machine['backend']}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Command line of this benchmark."""
    parser = argparse.ArgumentParser(prog="qcxr bench circuits", description="Time the circuit engines.")

    def several(flag: str, default: tuple[int, ...], said: str | None = None) -> None:
        parser.add_argument(flag, type=arguments.widths, metavar="N,N,...", default=default, help=said)

    several("--widths", Widths.ours)
    several("--peer-widths", Widths.peer, "where PennyLane runs too (19: minutes)")
    several("--noisy-widths", Widths.noisy)
    parser.add_argument("--engines", default=("auto",), type=lambda text: tuple(text.split(",")))
    parser.add_argument("--layers", type=arguments.positive, default=Workload.n_layers)
    parser.add_argument("--batch", type=arguments.positive, default=Workload.batch)
    parser.add_argument("--repeats", type=arguments.positive, default=Workload.repeats)
    parser.add_argument("--peer-repeats", type=arguments.positive, default=Workload.peer_repeats)
    parser.add_argument("--memory", action="store_true", help="also measure peak memory at the largest width")
    said = "time the forms of the engine chain instead (head.dqc.form), and say which is the fastest on this device"
    parser.add_argument("--forms", action="store_true", help=said)
    parser.add_argument("--json", metavar="FILE", help="write everything there")
    given = parser.parse_args(argv)
    widths = Widths(given.widths, given.peer_widths, given.noisy_widths)
    workload = Workload(given.layers, given.batch, given.repeats, given.peer_repeats)
    if given.forms:
        print(forms.run(given.widths, workload, json_path=given.json)[1])
        return
    print(run(widths, workload, engines=given.engines, memory=given.memory, json_path=given.json)[1])


if __name__ == "__main__":
    main()
