"""`qcxr status`: where every run of a study stands."""

from __future__ import annotations

import argparse
import sys
import time

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "status", run, "show where every run of a study stands")
    configfile.add(parser)
    parser.add_argument("--watch", action="store_true", help="show again every few seconds until interrupted")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="with --watch (default 5)")


def run(arguments: argparse.Namespace) -> None:
    """Print the table, once or again and again."""
    from qcxr.training.status import table

    if not arguments.every > 0:
        raise InputError(f"--every must be > 0 seconds, got {arguments.every:g}; set it")
    cfg = configfile.load(arguments)
    while True:
        text = table(cfg)
        print(f"\033[2J\033[H{text}" if arguments.watch and sys.stdout.isatty() else text, flush=True)
        if not arguments.watch:
            return
        time.sleep(arguments.every)
