"""The analysis of an archived study, done again from what the archive holds, and compared with what lies in it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qcxr.analysis.reanalysis import Reanalysis
from qcxr.archive import bundle, checksums
from qcxr.archive.bundle import FORMAT
from qcxr.errors import InputError
from qcxr.study import folders
from qcxr.study.studied import Studied, read


def evaluate_archive(
    archive: Path,
    out: Path,
    *,
    threads: int = 2,
    plugins: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Check an archive, do its analysis again into the new folder `out`, and say which files differ; the summary.

    plugins: metrics and figures of the archive's own plug-ins may run, which is to run its authors' code. `out` appears
    whole or not at all. Raises `InputError` for what is no archive, is damaged, or holds no predictions, and for one
    that needs `plugins`.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not empty; give a new folder with --out")
    if not archive.exists():
        raise InputError(f"{archive} does not exist; give an archive's folder or .zip, or a list of runs (CSV)")
    with folders.whole(out.absolute()) as partial, bundle.opened(archive.absolute()) as root:
        checksums.check(root)
        with contextlib.chdir(root / "study" if (root / "study").is_dir() else root):  # plug-ins are named from there
            study, said = _read(root, archive)
            if study.own and not plugins:
                raise InputError(
                    f"{archive} has metrics or figures of its own ({', '.join(study.own)}), whose code would run; "
                    "look into its study/ and give --run-plugins"
                )
            summary = Reanalysis(study, root / "results", partial, said, threads).run()
        say(compared(partial, root / "results"))
    return summary


def compared(made: Path, there: Path) -> str:
    """In a sentence, how many files are the same as in the archive, and which are not."""
    files = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    other = [path for path in files if not _same(made / path, there / path)]
    if not other:
        return f"All {len(files)} files are the archive's, byte for byte."
    named = ", ".join(path.as_posix() for path in other[:5]) + (", ..." if len(other) > 5 else "")
    return f"{len(files) - len(other)} of {len(files)} files are the archive's, byte for byte; these are not: {named}"


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _read(root: Path, archive: Path) -> tuple[Studied, dict[str, Any]]:
    """What of the study its analysis must know, and the configuration as the report shows it."""
    head, config = _object(root / "archive.json"), _object(root / "config.json")
    if head.get("format") != FORMAT:
        raise InputError(
            f"{archive} is an archive of format {head.get('format')}, and this version reads {FORMAT}; evaluate it "
            f"with {head.get('written_by')}"
        )
    if not head.get("films"):
        raise InputError(
            f"{archive} holds no predictions (it was written with --without-films): its tables are in results/"
        )
    study = head.get("study")
    if not isinstance(study, dict):
        raise InputError(f"{root / 'archive.json'} says nothing of a study; take the archive from its source again")
    return read(study, source=f"{archive}: archive.json"), {key: v for key, v in config.items() if key != "resources"}


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} holds no JSON object; take the archive from its source again")
    return found
