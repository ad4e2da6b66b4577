"""`qcxr draw`: the circuit as text, and as a picture."""

from __future__ import annotations

import argparse

from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "draw", run, "draw the circuit as text, and as a PNG")
    parser.add_argument("--qubits", type=int, default=8)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--png", metavar="FILE")


def run(arguments: argparse.Namespace) -> None:
    """Print it."""
    from qcxr.circuits import Ansatz
    from qcxr.circuits.drawing import draw

    print(draw(Ansatz(arguments.qubits, arguments.layers), png=arguments.png))
