"""`qcxr plan`: what `snakemake` would run, and why."""

from __future__ import annotations

import argparse
import json
import sys

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "plan", run, "show what snakemake would run, why, and how long it may take")
    configfile.add(parser)
    parser.add_argument("--cores", type=int, metavar="N", help="cores to share (default: this machine's)")
    parser.add_argument(
        "--resources", nargs="+", default=[], metavar="NAME=N", help="as snakemake takes them, like gpu=4"
    )
    parser.add_argument("--json", action="store_true", help="every job with all its reasons")


def run(arguments: argparse.Namespace) -> None:
    """Print the plan."""
    from qcxr.study.explain import text
    from qcxr.study.plan import Asking, plan

    if arguments.cores is not None and arguments.cores < 1:
        raise InputError(f"--cores must be at least 1, got {arguments.cores}; set it")
    cfg = configfile.load(arguments)
    if len(cfg.data.training) > 1:
        from qcxr.training.coverage import described  # pandas, for several training sources only

        for line in described(cfg):
            print(line, file=sys.stderr)
    given = [path for path in arguments.configfile if path != configfile.FIRST]
    found = plan(cfg, Asking(given, arguments.cores, arguments.resources))
    print(json.dumps(found.to_json(), indent=1) if arguments.json else text(found))
