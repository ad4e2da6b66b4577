"""`qcxr params`: Table II of a study, which also builds every model once."""

from __future__ import annotations

import argparse

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "print the parameter counts of every task and head (Table II)"
    configfile.add(command(commands, "params", run, text))


def run(arguments: argparse.Namespace) -> None:
    """Print the table."""
    from qcxr.models.parameters import table
    from qcxr.training.preflight import counted

    counts = counted(configfile.load(arguments))
    print(table({f"{task}/{head}": parts for (task, head), parts in counts.items()}))
