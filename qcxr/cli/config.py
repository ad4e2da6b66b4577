"""`qcxr config`: the configuration's documentation and schema, made from its definition."""

from __future__ import annotations

import argparse

from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "config", run, "print what every key of the configuration means")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--reference", action="store_true", help="as Markdown: docs/configuration.md")
    what.add_argument("--schema", action="store_true", help="as JSON Schema, for editors: config/schema.json")


def run(arguments: argparse.Namespace) -> None:
    """Print one of the two."""
    from qcxr.study import reference

    print(reference.markdown() if arguments.reference else reference.schema(), end="")
