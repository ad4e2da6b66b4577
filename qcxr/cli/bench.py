"""`qcxr bench ROOM`: timings side by side with peers; each room's benchmark has its own options."""

from __future__ import annotations

import argparse
from importlib import import_module

from qcxr.cli.commands import Commands, command

ROOMS = {room: room for room in ("circuits", "models", "data", "training", "hub", "card")}
ROOMS |= {"peers": "raced", "pages": "machinefile"}


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "time a room beside its peers, or make the pages of benchmarks; options of each: bench ROOM --options"
    parser = command(commands, "bench", run, text)
    parser.add_argument("room", choices=[*ROOMS])
    parser.add_argument("--options", action="store_true", help="show the options of that benchmark")


def run(arguments: argparse.Namespace) -> None:
    """Hand the words that are left to the room's own parser."""
    rest = ["--help"] if arguments.options else arguments.rest
    import_module(f"qcxr.bench.{ROOMS[arguments.room]}").main(rest)
