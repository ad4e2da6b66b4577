"""`qcxr draw --cost`: what a circuit costs on every engine, known without running it.

Multiply-adds are of one film: of value and gradient for an ansatz, whose engines `cost` has fitted times for; of the
values alone for a tape, whose engines have none yet.
"""

from typing import NamedTuple

from qcxr.circuits import cost
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise, damps
from qcxr.circuits.structure import plan
from qcxr.circuits.tapes import simulate
from qcxr.circuits.tapes.tape import Tape


class Line(NamedTuple):
    """An engine: multiply-adds per film and milliseconds per step, None where not known; why it cannot run, if so."""

    engine: str
    products: int | None
    milliseconds: float | None
    obstacle: str | None


class Bill(NamedTuple):
    """chosen: the engine that runs. largest: numbers of the chain's largest environment. of: what products are of."""

    chosen: str
    largest: int | None
    of: str
    lines: tuple[Line, ...]

    def __str__(self) -> str:
        rows = [("engine", f"products per film ({self.of})", "ms per step")]
        for line in self.lines:
            name = line.engine + " *" * (line.engine == self.chosen)
            products = "-" if line.products is None else f"{line.products:,}"
            ms = line.milliseconds
            time = "-" if ms is None else f"{ms:,.0f}" if ms >= 10 else f"{ms:.2g}"
            rows.append((name, line.obstacle or products, "-" if line.obstacle else time))
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        if self.largest is not None:
            table.insert(0, f"largest environment of the chain: {self.largest:,} numbers per film")
        return "\n".join([*table, "* runs it"])


def of_ansatz(
    ansatz: Ansatz, *, engine: str = "auto", noise: Noise | None = None, batch: int = 32, memory_mb: float = 4096
) -> Bill:
    """batch: films of a step. Raises InputError where the engine, or none, can run the circuit."""
    noise = noise or Noise()
    cost.check(engine, ansatz, noise, memory_mb)
    chosen = engine
    if engine == "auto":
        chosen = cost.choose(ansatz, batch, noise=noise, memory_mb=memory_mb)
    why = {name: cost.obstacle(name, ansatz, noise, memory_mb) for name in ("chain", "statevector", "pennylane")}
    n, largest, times = ansatz.n_qubits, None, {}
    products = {"statevector": cost.turns(ansatz)}
    if why["chain"] is None:
        tables = plan(ansatz, damps(noise.one_qubit), damps(noise.two_qubit))
        products["chain"] = n * tables.products
        largest = max(tables.left, tables.right)
        if noise.is_unitary:  # what the rates were fitted to
            times = cost.milliseconds(ansatz, batch)
    lines = [Line(name, products.get(name), times.get(name), why[name]) for name in why]
    return Bill(chosen, largest, "value and gradient", tuple(lines))


def of_tape(tape: Tape, *, engine: str = "auto") -> Bill:
    """Raises InputError where no engine can run the tape."""
    costs = simulate.cost(tape)
    lines = [
        Line(name, found, None, "too large" if found is None else None)
        for name, found in (("chain", costs.chain), ("dense", costs.dense))
    ]
    return Bill(simulate.chosen(tape, engine), costs.largest, "values", tuple(lines))
