"""One tidy JSON file per machine under `docs/benchmarks`, and what is made of it: there, and in pages that show it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qcxr.bench import curves, machine, pages, short
from qcxr.errors import InputError
from qcxr.study.files import write_json, write_text

FOLDER = Path("docs/benchmarks")
SHOWING = (Path("README.md"), Path("docs/benchmarks.md"), Path("docs/circuits.md"))
MARKED = re.compile(r"(<!-- made by `qcxr bench pages`: (\S+) -->).*?(<!-- /made -->)", re.DOTALL)


def collect(groups: Iterable[str | Path], out: str | Path) -> None:
    """Write the groups' files (`qcxr.bench.suite.run`) and the machine that this is as one."""
    told = [json.loads(Path(group).read_text(encoding="utf-8")) for group in groups]
    found = {one["group"]: {key: value for key, value in one.items() if key != "group"} for one in told}
    write_json({"machine": machine.describe(), "groups": found}, out)


def publish(file: str | Path) -> list[Path]:
    """Write the page and the figure of a machine's file beside it; returns what was written."""
    file = Path(file)
    found = pages.read(file)
    written = [file.with_suffix(".md")]
    write_text(pages.page(found, file.stem), written[0])
    if axes := pages.axes(found):
        written.append(file.with_suffix(".png"))
        curves.draw(axes, written[1])
    return written


def insert(text: str, found: Mapping[str, Any]) -> str:
    """A page's text with the tables of a machine's benchmarks between its marks, each of which names a table.

    Raises InputError for a text without marks, and for a mark that names none.
    """

    def made(mark: re.Match[str]) -> str:
        begin, name, end = mark.groups()
        if name not in short.TABLES:
            raise InputError(f"a mark of a page must name one of {', '.join(short.TABLES)}, got {name!r}; correct it")
        return f"{begin}\n\n{short.TABLES[name](found)}\n\n{end}"

    new, marks = MARKED.subn(made, text)
    if not marks:
        raise InputError("no mark of a table in it: <!-- made by `qcxr bench pages`: NAME -->; put it back")
    return new


def main(argv: list[str] | None = None) -> None:
    """Command line of `qcxr bench pages`."""
    text = "Make the pages of docs/benchmarks, and the tables that other pages show, of the machines' JSON files."
    parser = argparse.ArgumentParser(prog="qcxr bench pages", description=text)
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if a page is not as made")
    parser.add_argument("--shown", metavar="MACHINE", help="the machine of other pages' tables, by its file's name")
    given = parser.parse_args(argv)
    stale = []
    files = sorted(FOLDER.glob("*.json"))
    for file in files:
        page = file.with_suffix(".md")
        if given.check:
            made = pages.page(pages.read(file), file.stem)
            stale += [] if page.exists() and page.read_text(encoding="utf-8") == made else [page]
        else:
            publish(file)
    if shown := _shown(files, given.shown):
        found = pages.read(shown)
        for page in SHOWING:
            before = page.read_text(encoding="utf-8")
            try:
                after = insert(before, found)
            except InputError as error:
                raise InputError(f"{page}: {error}") from None
            if given.check:
                stale += [page] if after != before else []
            elif after != before:
                write_text(after, page)
    if stale:
        sys.exit(f"error: {', '.join(map(str, stale))} not as made of docs/benchmarks/*.json; run qcxr bench pages")


def _shown(files: list[Path], named: str | None) -> Path | None:
    """The file of other pages' tables: the one named, else the one that has the training steps, the first by name."""
    if named:
        if not (file := FOLDER / f"{named}.json").exists():
            raise InputError(f"--shown must be one of {', '.join(f.stem for f in files)}, got {named!r}")
        return file
    return next((file for file in files if any(g.startswith("frameworks-") for g in pages.read(file)["groups"])), None)


if __name__ == "__main__":
    main()
