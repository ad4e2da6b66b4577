"""`qcxr audit`: a look through the films and labels of one data set."""

from __future__ import annotations

import argparse

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "look through the films and labels of one data set; writes a page of HTML"
    parser = command(commands, "audit", run, text)
    parser.add_argument("dataset", help="a name under data.sources")
    parser.add_argument("--out", default="audit", metavar="DIR", help="folder of the page (default: audit)")
    configfile.add(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the page."""
    from qcxr.data import films
    from qcxr.data.page import audit_source
    from qcxr.data.sources import Source

    cfg = configfile.load(arguments)
    source = configfile.source(cfg, arguments.dataset)
    audit_source(
        Source(source.kind, source.reader_options(), max_missing=source.max_missing),
        films.of_study(cfg, arguments.dataset),
        dataset=arguments.dataset,
        out_dir=arguments.out,
        workers=cfg.resources.workers,
        augmentation=cfg.augment.model_dump(),
    )
    print(f"The audit is {arguments.out}/{arguments.dataset}-audit.html")
