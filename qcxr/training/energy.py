"""What energy a training job takes, as the package codecarbon estimates it. Must not import JAX."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qcxr.study import spent

log = logging.getLogger("qcxr.train")
EVERY = 15  # seconds between measurements, codecarbon's own


@contextlib.contextmanager
def measured(folder: Path, marks: Mapping[str, Any], *, cards: Sequence[str]) -> Iterator[None]:
    """Measure this process and its children while the block runs, and add it to the run's `energy.json` in `folder`.

    marks: see `qcxr.study.spent`. cards: those that the process holds, and no others count. Jobs side by side share a
    machine, so the processor is counted by this process's share of it, not by the counters of the whole package.
    """
    tracker = _tracker(cards)
    tracker.start()
    done = False
    try:
        yield
        done = True
    finally:
        tracker.stop()
        taken = getattr(tracker, "final_emissions_data", None)  # codecarbon says its errors and goes on
        if taken is None:
            log.warning("codecarbon measured nothing: what energy this attempt took is not known")
        else:
            spent.add(folder, _told(taken), marks, done=done)


def _tracker(cards: Sequence[str]) -> Any:
    """A tracker that writes nothing and asks nobody: only its kilowatt-hours are of use, so any country will do.

    What is not set here, like the power of a processor or of the memory, codecarbon reads from its own configuration.
    """
    from codecarbon import OfflineEmissionsTracker  # optional

    logging.getLogger("codecarbon").setLevel(logging.ERROR)  # it speaks before it has read log_level
    return OfflineEmissionsTracker(
        country_iso_code="USA",
        force_carbon_intensity_g_co2e_kwh=0,
        electricitymaps_api_token="",
        emissions_endpoint="",
        output_methods=[],
        allow_multiple_runs=True,
        tracking_mode="process",
        force_mode_cpu_load=True,
        gpu_ids=list(cards),
        measure_power_secs=EVERY,
        log_level="error",
    )


def _told(taken: Any) -> dict[str, Any]:
    """What of codecarbon's data is kept."""
    return {
        "ended": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "seconds": round(taken.duration, 1),
        "kwh": taken.energy_consumed,
        "cpu_kwh": taken.cpu_energy,
        "gpu_kwh": taken.gpu_energy,
        "ram_kwh": taken.ram_energy,
        "cpu": taken.cpu_model,
        "gpu": taken.gpu_model,
        "codecarbon": taken.codecarbon_version,
    }
