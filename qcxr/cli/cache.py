"""`qcxr cache verify`: whether every cached film is what is on disk."""

from __future__ import annotations

import argparse

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "verify: check every cached film of a data set and rebuild the bad ones"
    parser = command(commands, "cache", run, text)
    parser.add_argument("what", choices=["verify"])
    parser.add_argument("dataset", help="a name under data.sources")
    parser.add_argument("--dry-run", action="store_true", help="report only")
    configfile.add(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the bad films; exit status 1 if any is left."""
    from qcxr.data import films, sources
    from qcxr.data.verify import verify

    cfg = configfile.load(arguments)
    source = configfile.source(cfg, arguments.dataset)
    report = verify(
        sources.read(source.kind, **source.reader_options()),
        films.of_study(cfg, arguments.dataset),
        repair=not arguments.dry_run,
        workers=cfg.resources.workers,
    )
    for row in report.problems.itertuples():
        print(f"{row.path}: {row.issue} {row.detail}".rstrip())
    print(f"{report.n_films} films checked, {len(report.problems)} bad, {report.rebuilt} rebuilt")
    if not report.ok:
        raise InputError(f"{len(report.problems)} films are not cached as they are on disk; run it without --dry-run")
