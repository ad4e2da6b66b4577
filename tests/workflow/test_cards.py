"""Six training jobs under Snakemake on a machine of four (pretended) cards: no card ever has two."""

import itertools
import json

import pytest

from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow
CONFIG = TINY | {
    "seeds": [0, 1, 2],
    "train": {"epochs": 4, "batch_size": 2, "patience": 9},
    "resources": {"train_threads": 1},
}


def test_six_jobs_at_once_never_share_a_card(tmp_path):
    study = Study(tmp_path / "cards", CONFIG)
    runs = [f"results/runs/cxr8/{head}/seed{seed}/run.json" for head in ("cdl", "dqc") for seed in range(3)]
    # Snakemake is told of six cards where there are four: the leases must hold, whatever the scheduler believes
    environment = {"QCXR_CARDS": "0,1,2,3", "QCXR_LEASES": str(tmp_path / "leases")}
    study.snakemake(*runs, "--resources", "gpu=6", cores=6, **environment)
    held = []
    for path in sorted(study.folder.glob("results/progress/cxr8/*/*.jsonl")):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        assert events[0]["state"] == "started" and events[-1]["state"] == "done"
        card = json.loads((study.folder / "results/runs/cxr8" / path.parent.name / path.stem / "run.json").read_text())
        held.append((card["device"], events[0]["time"], events[-1]["time"]))
    assert len(held) == 6 and {device for device, *_ in held} <= {f"cpu ({card})" for card in range(4)}
    together = 0
    for (card, start, end), (other, begin, stop) in itertools.combinations(held, 2):
        if start < stop and begin < end:
            assert card != other, held
            together += 1
    assert together >= 1  # jobs did run at the same time, so sharing would have been seen
    logs = [path.read_text() for path in study.folder.glob("results/logs/train/*.log")]
    assert sum("waiting for a free card" in log for log in logs) >= 2
