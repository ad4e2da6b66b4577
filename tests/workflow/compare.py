"""The outputs of a small study at another commit and here, byte for byte: for changes that must change no result.

    make compare BASE=<commit>        (both studies run on this machine; a few minutes)

What a clock or a path decides is compared without it; exit status 1 if anything else differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from qcxr.study.digests import FOLDER
from tests.workflow.study import ROOT, TINY, Study

# a frozen backbone, every head, and the options of training that the first study leaves alone
FROZEN = TINY | {
    "heads": ["cdl", "dqc", "mlp", "product"],
    "backbone": {
        **{"name": "efficientnet-lite0", "weights": "imagenet", "config": None, "batch_norm": None},
        **{"trainable": "head", "views": 2},
    },
    "train": {
        **{"epochs": 2, "batch_size": 8, "prior_bias": True, "head_learning_rate": 0.01, "loss": "focal"},
        "schedule": {"name": "cosine", "warmup": 0.1},
    },
}
STUDIES = {"trained": TINY, "frozen": FROZEN}
CLOCKED = ("logs/", "progress/", "benchmarks/", "benchmark.csv", "tables/benchmark.", "tables/runs.", "report.html")
TIMES = ["seconds", "films_per_second"]
OF_THIS_RUN = (
    *("code_hash", "git", "versions", "wall_seconds", "peak_memory_mb", "films_per_second", "training_seconds"),
)


def content(path: Path) -> object:
    """What of a file must be equal."""
    if path.name == "history.csv":
        return pd.read_csv(path).drop(columns=TIMES).to_csv()
    if path.name == "run.json":
        return {k: v for k, v in json.loads(path.read_text(encoding="utf-8")).items() if k not in OF_THIS_RUN}
    if path.parent.name == "features" and path.suffix == ".json":
        about = json.loads(path.read_text(encoding="utf-8"))
        return {**about, "features": {k: v for k, v in about["features"].items() if k != "code"}}
    if path.name == "model-card.md":  # it says how long the study took
        return [line for line in path.read_text(encoding="utf-8").splitlines() if "hours" not in line]
    return path.read_bytes()


def differences(before: Path, after: Path) -> list[str]:
    """One line for each file that is in one folder only, or differs."""
    names = [
        {
            path.relative_to(folder).as_posix()
            for path in folder.rglob("*")
            if path.is_file() and FOLDER not in path.parts  # records have digests of what a clock decides
        }
        for folder in (before, after)
    ]
    lines = []
    for name in sorted(names[0] | names[1]):
        if name.startswith(CLOCKED):
            continue
        if name not in names[0] or name not in names[1]:
            lines.append(f"{name}: only {'before' if name in names[0] else 'after'}")
        elif content(before / name) != content(after / name):
            lines.append(f"{name}: differs")
    return lines


def main() -> int:
    """Run both studies at both commits; print what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="commit, branch or tag to compare with")
    base = parser.parse_args().base
    found = 0
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "tree")
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--detach", "-f", tree, base], check=True)
        try:
            for name, config in STUDIES.items():
                results = []
                for which, root in (("before", tree), ("after", ROOT)):
                    print(f"{name}, {which} ...", flush=True)
                    study = Study(Path(temporary, which, name), config, root=root)
                    study.snakemake()
                    results.append(study.folder / "results")
                lines = differences(*results)
                equal = sum(path.is_file() for path in results[1].rglob("*")) - len(lines)
                print("\n".join([*lines, f"{name}: {len(lines)} files differ, {equal} do not or are not compared"]))
                found += len(lines)
        finally:
            subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", tree], check=True)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
