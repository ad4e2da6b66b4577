"""Writing the demo's label and metadata files as the official ones are written."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from qcxr.phantom.cohort import Cohort


def visits(cohort: Cohort) -> list[tuple[int, int]]:
    """(patient, number of the film among the patient's, from 0) of each film."""
    seen: dict[int, int] = {}
    out = []
    for patient in cohort.patient.tolist():
        out.append((patient, seen.get(patient, 0)))
        seen[patient] = out[-1][1] + 1
    return out


def label_cells(columns: Iterable[str], present: Mapping[str, bool]) -> list[int]:
    """0 or 1 per column."""
    return [int(present[name]) for name in columns]


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence], newline: str = "\n") -> None:
    """A CSV file with the given line end; a `.gz` one carries no time stamp, so that equal tables are equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(header)
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
