"""Tables are read one at a time: more runs take no more memory while they are read and scored."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from . import synthetic

FILMS, LABELS = 6000, synthetic.LABELS["cxr19"]
MEASURE = """
import sys
from pathlib import Path
from qcxr.analysis.prepare import prepare
from qcxr.analysis.runlist import read_list
from qcxr.study.memory import peak_memory_mb

runs = read_list(sys.argv[1])
once = runs[runs["seed"] == 0]
prepare(once, Path(sys.argv[1]).parent, Path(sys.argv[2]) / "once", heads=["cdl"])
before = peak_memory_mb()
prepare(runs, Path(sys.argv[1]).parent, Path(sys.argv[2]) / "all", heads=["cdl"])
print(peak_memory_mb() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: the peak of a process is not known")
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path):
    truth = synthetic.truth(LABELS, films=FILMS)
    truth.to_csv(tmp_path / "truth.csv", index=False)
    synthetic.predict(truth, head="cdl", seed=0).to_csv(tmp_path / "p.csv", index=False)
    seeds = range(24)
    rows = {"task": "cxr19", "head": "cdl", "seed": seeds, "dataset": "d", "predictions": "p.csv", "truth": "truth.csv"}
    pd.DataFrame(rows, index=seeds).to_csv(tmp_path / "runs.csv", index=False)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "runs.csv"), str(tmp_path)]
    grown = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=True)
    kept = len(seeds) * FILMS * len(LABELS) * 8 * 2 / 2**20  # probabilities and truth of every run, if all were kept
    assert float(grown.stdout) < kept / 2, f"{grown.stdout} MB more for {len(seeds)} runs, whose tables hold {kept:.0f}"
