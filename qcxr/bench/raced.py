"""`qcxr bench peers`: the head's circuit in every peer's hands at some widths, printed as a table."""

import argparse
from pathlib import Path

from qcxr import arguments
from qcxr.bench import environment, tables
from qcxr.bench.peers.known import CIRCUITS, NOISY, OURS
from qcxr.bench.race import Turns
from qcxr.bench.suite import Axis, along
from qcxr.errors import InputError
from qcxr.study.files import write_json


def main(argv: list[str] | None = None) -> None:
    """Command line of this benchmark."""
    parser = argparse.ArgumentParser(prog="qcxr bench peers", description="Race other simulators of the circuit.")
    parser.add_argument("--widths", type=arguments.widths, metavar="N,N,...", default=(8, 14, 19))
    parser.add_argument("--layers", type=arguments.widths, metavar="L,L,...", default=(3,))
    parser.add_argument("--batch", type=arguments.positive, default=32)
    parser.add_argument("--noise", type=float, default=0.0, help="depolarizing probability after every gate")
    parser.add_argument("--peers", type=lambda text: text.split(","), metavar="NAME,...", help="default: all that can")
    parser.add_argument("--environments", type=Path, help="folder of the peers' environments, made there if need be")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds until a peer is stopped (default 600)")
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    given = parser.parse_args(argv)
    able = NOISY if given.noise else tuple(peer for peer in CIRCUITS if peer != "default.mixed")
    peers = given.peers or [*able]
    if unknown := [peer for peer in peers if peer not in able]:
        raise InputError(f"--peers must be of {', '.join(able)}, got {unknown[0]!r}; correct --peers or --noise")
    pythons = environment.pythons({CIRCUITS[peer].environment for peer in (OURS, *peers)}, given.environments)
    axis = Axis(given.widths, given.layers, given.batch, given.noise)
    rows = along(axis, peers, Turns(seconds=20, limit=given.limit), pythons)
    if given.json:
        write_json(rows, given.json)
    print(tables.case_table(rows, ("n_qubits", "n_layers")))
    if said := tables.explained(rows):
        print(f"\n{said}")


if __name__ == "__main__":
    main()
