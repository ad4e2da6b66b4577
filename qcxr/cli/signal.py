"""`qcxr signal`: what a circuit gives the layer after it, and what gradients its weights get, untrained and trained."""

from __future__ import annotations

import argparse
import sys

from qcxr.cli import spectrum
from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "print how far a run's <Z> spread over films, and how far its gradients do, at its start and at its best"
    parser = command(commands, "signal", run, text)
    spectrum.sample(parser)
    parser.set_defaults(films=256)
    parser.add_argument("--out", metavar="FILE", help="write the CSV there (default: print it)")


def run(arguments: argparse.Namespace) -> None:
    """Print or write a CSV: weights (first, best), quantity, layer, qubit, value."""
    from qcxr.study.files import write_csv
    from qcxr.training.dressed import read
    from qcxr.training.spread import table

    seen = read(arguments.run_folder, dataset=arguments.dataset, films=arguments.films, seed=arguments.seed)
    found = table(seen)
    if arguments.out:
        write_csv(found, arguments.out)
        print(f"The table is {arguments.out}")
    else:
        found.to_csv(sys.stdout, index=False, float_format="%.4g")
