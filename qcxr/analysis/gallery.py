"""Figures for the report: PNG files put inline, grouped by kind in the registry's order, with sizes and alt text."""

import base64
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qcxr.analysis.facts import Facts, said
from qcxr.analysis.figures import registry
from qcxr.analysis.names import dataset_name, task_name
from qcxr.errors import InputError

CIRCUIT = "Dressed quantum circuit"


def gallery(paths: Sequence[str | Path], facts: Facts) -> list[dict[str, Any]]:
    """Return groups {name, title, caption, figures}, each figure {data (base64), width, height, heading, alt}.

    A file's stem is its figure's name; the circuit drawing comes first, then the registry's order, figures of other
    names last under their own name. facts: of the study, which decide what captions may say. Sizes are in CSS pixels.
    Raises InputError if a file is missing or no PNG.
    """
    # Names of tasks and data sets may hold hyphens, so a file's name alone does not tell where the one ends.
    tasks = sorted(facts.tasks, key=len, reverse=True)
    known = registry()
    order = ["circuit", *known]
    groups: dict[str, dict[str, Any]] = {}
    for path in sorted(map(Path, paths), key=lambda p: order.index(_base(p)) if _base(p) in order else len(order)):
        base = _base(path)
        if base in known:
            title, caption = known[base].title, said(known[base].text, facts)
            if facts.varied and not known[base].whole:
                caption += f" Of what is varied it shows {facts.base}."
        else:
            title = CIRCUIT if base == "circuit" else path.stem.replace("_", " ")
            caption = _of_circuit(facts) if base == "circuit" else ""
        group = groups.setdefault(base, {"name": base, "title": title, "caption": caption, "figures": []})
        group["figures"].append(_figure(path, title, caption, _heading(path, tasks)))
    return list(groups.values())


def _of_circuit(facts: Facts) -> str:
    """Whose circuit is drawn: the first dqc's, or else the first circuit's (`DRAWN` in workflow/rules/analyse.smk)."""
    drawn = (head for kind in ("dqc", "circuit") for head in facts.circuits if facts.kind(head) == kind)
    head = next(drawn, "dqc")
    return f"The circuit of the {head} head." + " Compare with Fig. 2 of the paper." * facts.like_paper


def _base(path: Path) -> str:
    base = path.stem.partition("-")[0]
    if base in registry():  # a figure of a plug-in may be called circuits
        return base
    return "circuit" if base.startswith("circuit") else path.stem


def _heading(path: Path, tasks: Sequence[str]) -> str:
    """The task, and the data set if there is one, that a figure was drawn for."""
    keys = path.stem.partition("-")[2]
    for task in tasks:
        if keys == task or keys.startswith(f"{task}-"):
            dataset = keys.removeprefix(task).removeprefix("-")
            return ", ".join([task_name(task), *([dataset_name(dataset)] if dataset else [])])
    return keys


def _figure(path: Path, title: str, caption: str, heading: str) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path}: no such figure; draw it first")
    content = path.read_bytes()
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise InputError(f"{path}: a figure must be a PNG file; give the .png beside the .pdf")
    width, height = struct.unpack(">II", content[16:24])
    # Drawn at 220 dots per inch and shown at 110, so that screens with fine pixels stay sharp.
    return {
        "data": base64.b64encode(content).decode(),
        "width": width // 2,
        "height": height // 2,
        "heading": heading,
        "alt": ". ".join(part for part in (title, heading, caption.split(". ")[0].rstrip(".")) if part),
    }
