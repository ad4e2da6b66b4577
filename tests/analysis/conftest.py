"""One small experiment, scored and compared once: 2 tasks, 2 heads, 3 seeds, 2 test sets, a label without positives."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from qcxr.analysis import metrics, statistics
from qcxr.analysis.predictions import RunKey
from qcxr.analysis.questions import ANSWERS, questions
from qcxr.analysis.results import Results, read_results
from qcxr.study.files import write_csv

from . import synthetic

PARTS = {"backbone": 23_508_032, "preprocess": 1, "quantum": 2, "postprocess": 3, "total": 23_508_038}


@dataclasses.dataclass(frozen=True)
class Study:
    """Paths of one study's results, by kind of input."""

    root: Path
    folders: list
    metrics: Path
    tests: Path
    counts: Path
    parameters: Path

    @property
    def inputs(self):
        return {
            "metrics": self.metrics, "tests": self.tests, "history": self.folders,
            "steps": self.folders, "counts": self.counts,
            "runs": self.folders, "parameters": self.parameters,
            **{name: self.root / f"{name}.csv" for name in ANSWERS},
            "predictions": [f / "predictions" / f"{d}.parquet" for f in self.folders for d in ("nih", "mimic")],
        }  # fmt: skip

    def results(self, *kinds) -> Results:
        """What is read of the files of these kinds, metrics and tests always."""
        return read_results({kind: self.inputs[kind] for kind in ("metrics", "tests", *kinds)})


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    folders = synthetic.experiment(root)
    files = []
    for folder in folders:
        task, head, seed = folder.parts[-3:]
        for dataset in ("nih", "mimic"):
            files.append(folder / "metrics" / f"{dataset}.csv")
            metrics.score_run(
                folder / "predictions" / f"{dataset}.parquet",
                folder / "predictions" / "validation.parquet",
                files[-1],
                run=RunKey(task, head, int(seed[4:]), dataset),
                frequencies=metrics.Frequencies(synthetic.TRAIN),
            )
    frame = metrics.read_metrics(files)
    write_csv(frame, root / "metrics.csv")
    write_csv(statistics.compare(frame), root / "tests.csv")
    answers = {name: root / f"{name}.csv" for name in ANSWERS}
    questions({"metrics": root / "metrics.csv"}, answers, heads=("cdl", "dqc"))
    counted = [
        {"dataset": dataset, "split": split, "label": label, "n": 500, "n_positive": n // 10}
        for dataset, splits in {"nih": ("train", "val", "test", "total"), "mimic": ("test", "total")}.items()
        for split in splits
        for label, n in synthetic.TRAIN.items()
    ]
    write_csv(pd.DataFrame(counted), root / "counts.csv")
    rows = [{"task": task, "head": head} | PARTS for task in ("cxr8", "cxr19") for head in ("cdl", "dqc")]
    write_csv(pd.DataFrame(rows), root / "parameters.csv")
    return Study(root, folders, *(root / f"{name}.csv" for name in ("metrics", "tests", "counts", "parameters")))
