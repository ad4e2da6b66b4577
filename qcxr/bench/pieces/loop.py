"""The loop's films/s over the bare step's, films on the device and on the host; one validation pass."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Row, reason, value
from qcxr.bench.training import make_loop, overhead


def loop(size: Size) -> Iterator[Row]:
    """An epoch of the bare step and one of the loop in turns."""
    for residency in ("device", "host"):
        where = f"films on the {residency}"
        try:
            run = make_loop(
                section=dict(size.section),
                films=size.films,
                size=size.pixels,
                n_labels=size.labels,
                residency=residency,
            )
            with tempfile.TemporaryDirectory() as folder:
                found = overhead(run, repeats=max(2, size.repeats // 5), progress_file=Path(folder, "progress.jsonl"))
        except Exception as error:  # that residency's row alone
            yield reason(where, error)
            continue
        yield value(f"{where}: bare compiled step", found["step_films_per_second"], "films/s")
        yield value(f"{where}: the loop", found["loop_films_per_second"], "films/s")
        yield value(f"{where}: the loop's overhead", found["overhead_percent"], "%", "< 3")
