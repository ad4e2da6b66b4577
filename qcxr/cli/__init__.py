"""`qcxr ...`: what a person does outside the workflow. Each command imports only what it needs.

One file per command, with `add(commands)` for its words and `run(arguments)` for its work. What `run` calls is imported
inside of it: JAX and pandas take seconds to start, and neither help nor a mistyped word should wait for them.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from qcxr import __version__
from qcxr.cli import (
    archive,
    audit,
    bench,
    cache,
    check,
    config,
    draw,
    evaluate,
    params,
    plan,
    predict,
    runs,
    signal,
    spectrum,
    status,
    train,
    verify,
)
from qcxr.errors import InputError
from qcxr.study import hugepages

COMMANDS = (
    check,
    config,
    params,
    plan,
    status,
    runs,
    train,
    predict,
    evaluate,
    archive,
    spectrum,
    signal,
    audit,
    cache,
    verify,
    draw,
    bench,
)  # in the order of a study's days


COMPUTE = (train.run, predict.run, bench.run)  # what allocates gigabytes again and again


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; bad input is one line on standard error and exit status 1."""
    parser = build_parser()
    arguments, rest = parser.parse_known_args(argv)
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 2
    if rest and arguments.run is not bench.run:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    if argv is None and arguments.run in COMPUTE:
        hugepages.restart()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without our letters still gets the rest
    try:
        arguments.run(arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(prog="qcxr", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--version", action="version", version=f"qcxr {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser
