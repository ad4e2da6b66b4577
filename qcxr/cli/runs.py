"""`qcxr runs`: every run of a study as one table."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "runs", run, "list every run of a study: state, settings that differ, scores")
    configfile.add(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="all columns, as CSV")
    form.add_argument("--markdown", action="store_true", help="all columns, as a Markdown table")
    parser.add_argument("--out", metavar="FILE", help="write it there; .csv and .md say the form too")


def run(arguments: argparse.Namespace) -> None:
    """Print the table or write it."""
    from qcxr.study.files import write_text
    from qcxr.training import runtext
    from qcxr.training.runtable import rows

    found = rows(configfile.load(arguments))
    plain = not (arguments.csv or arguments.markdown)
    suffix = Path(arguments.out).suffix.lower() if arguments.out and plain else ""
    if arguments.csv or suffix == ".csv":
        text = runtext.as_csv(found)
    elif arguments.markdown or suffix == ".md":
        text = runtext.as_markdown(found)
    else:
        text = runtext.as_text(found, shutil.get_terminal_size((120, 40)).columns)
    if arguments.out:
        write_text(text, arguments.out)
    else:
        print(text, end="")
