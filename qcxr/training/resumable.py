"""What a run is resumed from is what was saved: every file of a checkpoint, its position too, and the best weights.

A checkpoint has a digest of arrays and position (`qcxr.training.checkpoint`), which takes JAX and Orbax to compare; the
best weights beside it have none. Here each save leaves a seal, and what does not fit it is put back or removed before a
run resumes, so that what is lost is computed again. Nothing of this changes a bit of a result, so no rule's code hash
knows it. Must not import JAX.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qcxr.study.files import replacing, write_json
from qcxr.study.provenance import digest_file
from qcxr.training.named import STAMP, name_of

log = logging.getLogger("qcxr.train")
SEAL, BEST, SPARE = "seal.json", "best.safetensors", "best-as-sealed.safetensors"


def seal(folder: Path) -> None:
    """Say what the files of a work folder are now; those of a checkpoint that was sealed before keep what was said.

    The best weights get a spare copy: a run that goes on may replace them and be killed before it saves.
    """
    before = _sealed(folder)
    steps = {
        step.name: before.get("steps", {}).get(step.name) or {path: digest_file(step / path) for path in _files(step)}
        for step in _steps(folder)
    }
    best = digest_file(folder / BEST) if (folder / BEST).is_file() else None
    if best is not None and (best != before.get("best") or not (folder / SPARE).is_file()):
        with replacing(folder / SPARE) as temporary:
            shutil.copyfile(folder / BEST, temporary)
    write_json({"steps": steps, "best": best}, folder / SEAL)


def mend(base: Path) -> None:
    """Take out of the work folders below `base` what is not as it was sealed; each is said in the log."""
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        if re.fullmatch(r"[0-9a-f]{12}", folder.name):
            _mend_stamp(folder)
            _mend_best(folder)
            _mend_steps(folder)


def damages(folder: Path) -> Iterator[tuple[Path, str]]:
    """Of a work folder: each file that is not as it was sealed, and what of it."""
    found = _sealed(folder)
    for step, files in found.get("steps", {}).items():
        if (where := folder / "checkpoints" / step).is_dir():
            yield from ((where / path, "not what was saved") for path in _other(where, files))
    if found.get("best") and _digest(folder / BEST) != found["best"]:
        yield folder / BEST, "not what was saved"
    if (stamp := _json(folder / STAMP)) is None or name_of(stamp) != folder.name:
        yield folder / STAMP, "not the fingerprint that its folder is named by"


def _mend_stamp(folder: Path) -> None:
    """A stamp that reads well and is not its folder's would be taken for another run's."""
    stamp = _json(folder / STAMP)
    if stamp is not None and name_of(stamp) != folder.name:
        log.warning("%s is damaged; the folder is known by its name all the same", folder / STAMP)
        (folder / STAMP).unlink()


def _mend_best(folder: Path) -> None:
    best = _sealed(folder).get("best")
    if best is None or _digest(folder / BEST) == best:
        return
    if _digest(folder / SPARE) == best:
        log.warning("%s is not what was saved with the checkpoint: put back from its copy", folder / BEST)
        with replacing(folder / BEST) as temporary:
            shutil.copyfile(folder / SPARE, temporary)
        return
    log.warning("%s is damaged, and so is its copy: the run starts again from its first step", folder / BEST)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for path in (folder / BEST, folder / SPARE, folder / SEAL):
        path.unlink(missing_ok=True)


def _mend_steps(folder: Path) -> None:
    for step, files in _sealed(folder).get("steps", {}).items():
        where = folder / "checkpoints" / step
        if where.is_dir() and (other := _other(where, files)):
            log.warning("checkpoint of step %s is damaged (%s): falling back to the one before", step, other[0])
            shutil.rmtree(where, ignore_errors=True)


def _other(step: Path, files: Mapping[str, str]) -> list[str]:
    """The files of a checkpoint that are not those that were sealed, and those that are gone."""
    return [path for path, digest in files.items() if _digest(step / path) != digest]


def _steps(folder: Path) -> list[Path]:
    """The finished checkpoints: Orbax writes under another name first."""
    saved = folder / "checkpoints"
    return sorted(path for path in saved.iterdir() if path.name.isdigit()) if saved.is_dir() else []


def _files(step: Path) -> list[str]:
    return sorted(os.path.relpath(path, step) for path in step.rglob("*") if path.is_file())


def _sealed(folder: Path) -> dict[str, Any]:
    """The seal; empty if there is none. A damaged one says nothing: what was saved is then read without it."""
    found = _json(folder / SEAL) or {}
    steps = found.get("steps")
    return found if isinstance(steps, dict) and all(isinstance(each, dict) for each in steps.values()) else {}


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _digest(path: Path) -> str | None:
    return digest_file(path) if path.is_file() else None
