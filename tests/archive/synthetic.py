"""The demo's results folder as a finished study leaves it, with made-up files: what is archived, and what is not."""

import json
import os

from qcxr.analysis.layout import Layout
from qcxr.archive.contents import contents
from qcxr.study import config
from qcxr.study.studied import studied

ENDED = 1_700_000_000


def finished(root, cfg):
    """Make every file that an archive of `cfg` wants below `root`, and some that none does; its layout."""
    layout = Layout(studied(cfg), root)
    for k, path in enumerate(contents(layout, weights="all").missing):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        seed = int(path.parts[3][4:]) if path.name == "run.json" else 0
        run = {"best_val_loss": 0.5 - 0.1 * (seed == 1), "git": "abc", "device": "cpu", "versions": {"jax": "0.10.2"}}
        file.write_text(json.dumps(run) if path.name == "run.json" else f"file {k}\n", encoding="utf-8")
        os.utime(file, (ENDED, ENDED))
    for name in ("tables/means.csv", "tables/.snakemake_timestamp", "packed/drawn-nih-test.npy", "logs/report.log"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("beside\n", encoding="utf-8")
    for run in layout.study.runs:
        events = root / "progress" / f"{run.name}.jsonl"
        events.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            {"state": state, "time": ENDED - before, "pid": 1} for state, before in (("started", 100), ("done", 50))
        ]
        events.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return layout


def demo(**changes):
    """The demo's configuration as written, with some of it changed."""
    return config.laid("config/config.yaml", "config/demo.yaml") | changes
