"""`qcxr verify`: whether every file of a study is what was written, and was made from what is there."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from qcxr.cli import configfile
from qcxr.cli.commands import Commands, command
from qcxr.errors import InputError

if TYPE_CHECKING:
    from qcxr.study.config import Config
    from qcxr.training.inventory import Finding, Inventory

TEXT = "check every file of a study: what is damaged, what is stale, which runs are orphaned"
ABOUT = f"""{TEXT.capitalize()}. Damaged: its bytes are not those that were written. Stale: made from other bytes than
are there now. Orphaned: a run that the configuration does not ask for (not looked for where RESULTS is given without
--configfile). Gone: its record is all that is left. The exit status is 1 if anything is damaged or stale, else 0."""


def add(commands: Commands) -> None:
    """Name the command and its words."""
    parser = command(commands, "verify", run, TEXT)
    parser.description = ABOUT
    parser.add_argument("results", nargs="?", metavar="RESULTS", help="a study's folder (default: the configuration's)")
    parser.add_argument("--films", action="store_true", help="each film and its cache entry too, as qcxr cache verify")
    parser.add_argument("--json", action="store_true", help="all of it, for programs")
    configfile.add(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print what is not as it should be, and the command that makes it again; status 1 where there is some."""
    from qcxr.training.inventory import DAMAGED, STALE, take

    alone = arguments.results is not None and arguments.configfile == [configfile.FIRST]
    cfg = None if alone else configfile.load(arguments)
    results = Path(arguments.results if cfg is None or arguments.results else cfg.results)
    if not results.is_dir():
        raise InputError(f"{results} is no folder; give a study's results")
    found = take(results, cfg)
    if arguments.films:
        found.findings += _films(configfile.load(arguments), results)
    print(json.dumps(found.to_json(), indent=1) if arguments.json else _text(found))
    if bad := found.of(DAMAGED, STALE):
        raise InputError(f"{len(bad)} of the study's files are damaged or stale; {_way_out(bad, arguments, results)}")


def _text(found: Inventory) -> str:
    lines = [f"{each.state:<8}  {each.file}: {each.why}" for each in found.findings]
    counts = f"{found.sound} files ({found.bytes:,} bytes) are what was written"
    if found.unrecorded:
        counts += f"; {found.unrecorded} have no record (made by an earlier version, or by no job)"
    return "\n".join([*lines, counts])


def _way_out(bad: list[Finding], arguments: argparse.Namespace, results: Path) -> str:
    """The command that makes the files again; what Snakemake knows as a folder is removed as one."""
    tables = results / "tables"
    remade = dict.fromkeys(
        str(tables) if tables in Path(each.file).parents else each.file for each in bad if each.remade
    )
    if not remade:
        return "the lines above say what becomes of them"
    files = shlex.join(remade)
    given = [path for path in arguments.configfile if path != configfile.FIRST]
    laid = f" --configfile {shlex.join(given)}" if given else ""
    return f"make them again: rm -r {files} && snakemake --cores 2 {files}{laid}"


def _films(cfg: Config, results: Path) -> list[Finding]:
    """Films that are not cached as they are on disk."""
    from qcxr.data import films
    from qcxr.data.manifest import read_manifest
    from qcxr.data.verify import verify
    from qcxr.training.inventory import DAMAGED, Finding

    found = []
    for name in cfg.splits():
        report = verify(
            read_manifest(results / "manifest" / f"{name}.parquet"),
            films.of_study(cfg, name),
            repair=False,
            workers=cfg.resources.workers,
        )
        for row in report.problems.itertuples():
            why = f"{row.issue} {row.detail}".rstrip() + f" in {cfg.data.cache}; qcxr cache verify {name} mends it"
            found.append(Finding(row.path, DAMAGED, why, remade=False))
    return found
