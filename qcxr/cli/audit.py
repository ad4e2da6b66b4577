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
    from qcxr.data.page import audit_source

    cfg = configfile.load(arguments)
    source = configfile.source(cfg, arguments.dataset)
    audit_source(
        kind=source.kind,
        dataset=arguments.dataset,
        cache_dir=cfg.data.cache,
        out_dir=arguments.out,
        max_missing=source.max_missing,
        resize=cfg.image.resize,
        crop=cfg.image.crop,
        workers=cfg.resources.workers,
        augmentation=cfg.augment.model_dump(),
        **source.reader_options(),
    )
    print(f"The audit is {arguments.out}/{arguments.dataset}-audit.html")
