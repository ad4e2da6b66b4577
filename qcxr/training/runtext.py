"""The table of runs as CSV, as Markdown, and as text that fits a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from qcxr.training.runtable import FACTS, KEYS, KWH, Row


def as_csv(rows: Sequence[Row]) -> str:
    """All columns, values in full; what is not known is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def as_markdown(rows: Sequence[Row]) -> str:
    """All columns, numbers to four digits."""
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[_short(value).replace("|", "\\|") for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_text(rows: Sequence[Row], width: int) -> str:
    """As many columns as fit into `width`, the runs' keys and scores first; the last lines count and name the rest.

    A variant that no run has and a kind that every head's name says are left out.
    """
    told = {
        "variant": any(row["variant"] for row in rows),
        "kind": any(row["kind"] != row["head"] for row in rows),
    }
    cells = {column: [column, *(_short(row[column]) for row in rows)] for column in rows[0] if told.get(column, True)}
    widths = {column: max(map(len, each)) for column, each in cells.items()}
    shown, room = set(), width + 2
    for column in _by_worth(list(cells)):
        if column in KEYS or widths[column] + 2 <= room:
            shown.add(column)
            room -= widths[column] + 2
    kept = [column for column in cells if column in shown]
    lines = [
        "  ".join(cells[column][number].ljust(widths[column]) for column in kept).rstrip()
        for number in range(len(rows) + 1)
    ]
    states = [row["state"] for row in rows]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    lines.append(f"{len(rows)} runs: {counts}")
    if left := [column for column in cells if column not in shown]:
        lines.append(f"not shown, for want of room: {', '.join(left)}; all columns: --csv or --markdown")
    return "\n".join(lines) + "\n"


def _by_worth(columns: Sequence[str]) -> list[str]:
    """Keys, then scores, the loss, the settings in which runs differ, and the other facts."""
    keys = [column for column in columns if column in KEYS or column == "trial"]
    scores = [column for column in columns if column.endswith(".auroc")]
    facts = [column for column in columns if column in (*FACTS, KWH) and column != "best_val_loss"]
    settings = [c for c in columns if c not in (*keys, *scores, *facts, "best_val_loss") and not _is_score(c)]
    rest = [column for column in columns if _is_score(column) and column not in scores]
    return [*keys, *scores, "best_val_loss", *settings, *rest, *facts]


def _is_score(column: str) -> bool:
    return column.endswith((".auroc", ".average_precision"))


def _plain(value: Any) -> Any:
    """A value for CSV: lists and mappings as JSON, truth as YAML writes it."""
    if isinstance(value, list | dict | bool):
        return json.dumps(value, sort_keys=True)
    return "" if value is None else value


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(_plain(value))
