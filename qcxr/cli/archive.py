"""`qcxr archive`: a finished study as one folder or zip that others can check, cite and evaluate again."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(
        commands, "archive", run, "write a finished study as one folder or zip, with checksums and RO-Crate"
    )
    parser.add_argument(
        "results", nargs="?", metavar="RESULTS", help="the study's results folder, as its configuration says"
    )
    configfile.add(parser)
    parser.add_argument("--out", metavar="DIR|FILE.zip", help="a new folder or zip (default: RESULTS-archive.zip)")
    parser.add_argument(
        "--weights",
        choices=("all", "best", "none"),
        default="best",
        help="of all runs, of the best seed of each task and head (default), or none",
    )
    parser.add_argument(
        "--without-films", dest="films", action="store_false", help="leave out predictions, and all that names films"
    )
    parser.add_argument("--partial", action="store_true", help="archive what there is of an unfinished study")
    parser.add_argument("--paths", action="store_true", help="keep paths of this machine as they are")
    parser.add_argument("--title", default="", help="of the study")
    parser.add_argument(
        "--author", action="append", default=[], metavar="NAME[, ORCID]", help="may be given several times"
    )
    parser.add_argument("--license", metavar="URL|TEXT", help="of the results (default: none is stated)")


def run(arguments: argparse.Namespace) -> None:
    """Write the archive; what would still run refuses it."""
    if importlib.util.find_spec("rocrate") is None:
        raise InputError("qcxr archive needs rocrate, which is not installed; pip install -e '.[archive]'")
    from qcxr.archive.write import UNSTATED, Choice, write
    from qcxr.study.config import laid, parse

    raw = laid(*configfile.files(arguments))
    cfg = parse(raw)
    asked = arguments.results
    if asked is not None and Path(asked).resolve() != Path(cfg.results).resolve():
        raise InputError(
            f"RESULTS must be the results of the configuration, which are {cfg.results}, got {asked}; give the study's "
            "configuration with --configfile"
        )
    out = Path(arguments.out or f"{Path(cfg.results).name}-archive.zip")
    choice = Choice(
        weights=arguments.weights,
        films=arguments.films,
        partial=arguments.partial,
        paths=arguments.paths,
        title=arguments.title,
        authors=arguments.author,
        license=arguments.license or UNSTATED,
    )
    if not arguments.partial:
        _refuse_unfinished(arguments)
    found = write(cfg, raw, out, choice, configfiles=_given(arguments), say=lambda line: print(line, file=sys.stderr))
    left = f"; {len(found.missing):,} of a finished study's are not there" if found.missing else ""
    print(f"{out}: {len(found.there):,} result files{left}")


def _refuse_unfinished(arguments: argparse.Namespace) -> None:
    """Snakemake is asked whether anything would still run: what is there may be of another configuration."""
    from qcxr.study.plan import Asking, ask

    jobs = ask(Asking(_given(arguments)))["jobs"]
    if jobs:
        rules = [job["rule"] for job in jobs]
        named = ", ".join(f"{rule} {rules.count(rule)}" for rule in dict.fromkeys(rules))
        raise InputError(
            f"the study is not finished: snakemake would run {len(jobs)} jobs ({named}; qcxr plan says why); run it, "
            "or archive what there is with --partial"
        )


def _given(arguments: argparse.Namespace) -> list[str]:
    """What was laid over the protocol."""
    return [path for path in arguments.configfile if path != configfile.FIRST]
