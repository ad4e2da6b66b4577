"""One peer's row of the table: `python -m qcxr.bench.peers NAME CASE.npz OUT.json`."""

import argparse
from collections.abc import Callable
from importlib import import_module

from qcxr.bench.peers import case as cases

# name -> function, packages whose versions are written down
PEERS = {
    "qcxr": ("ours:auto", ("qcxr", "jax")),
    "default.qubit": ("pennylanes:default_qubit", ("pennylane", "jax")),
    "lightning.qubit": ("pennylanes:lightning", ("pennylane-lightning", "pennylane")),
    "quimb": ("networks:quimb", ("quimb", "cotengra", "jax")),
    "tensorcircuit": ("networks:tensorcircuit", ("tensorcircuit-ng", "jax")),
    "default.tensor": ("pennylanes:tensor", ("pennylane", "quimb")),
    "pauli-prop": ("propagated:pauliprop", ("pauli-prop", "qiskit")),
    "propaq": ("propagated:propaq", ("propaq", "qiskit")),
}


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m qcxr.bench.peers", description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("case", help="an .npz file of weights and angles")
    parser.add_argument("out", help="the row, as JSON")
    parser.add_argument("--seconds", type=float, default=20.0, help="stop timing after so long")
    parser.add_argument("--repeats", type=int, default=30, help="stop timing after so many calls")
    given = parser.parse_args(argv)
    place, packages = PEERS[given.name]
    module, name = place.split(":")
    make: Callable[[cases.Case], cases.Step] = getattr(import_module(f"qcxr.bench.peers.{module}"), name)
    row = cases.timed(make(cases.Case.read(given.case)), seconds=given.seconds, repeats=given.repeats)
    cases.write(given.out, row, packages=packages)


if __name__ == "__main__":
    main()
