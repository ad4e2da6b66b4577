"""`qcxr status`: waiting, running, killed and finished runs apart."""

import json
import time
from pathlib import Path

from qcxr.cli import main


def test_status_tells_waiting_running_and_killed_runs_apart(capsys):
    def event(name, **facts):
        path = Path(f"results-demo/progress/cxr8/cdl/{name}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"time": time.time(), "epochs": 8, **facts}) + "\n{half a li")

    epoch = {"epoch": 2, "train_loss": 0.5, "val_loss": 0.25, "films_per_second": 99.0, "seconds": 60.0}
    event("seed0", state="epoch", pid=1, **epoch)
    event("seed1", state="epoch", pid=2**22 + 1, **epoch)  # beyond the kernel's largest process id
    assert main(["status", "--configfile", "config/demo.yaml"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert (
        "running" in lines["cxr8/cdl/seed0"]
        and "2/8" in lines["cxr8/cdl/seed0"]
        and "< 6 min" in lines["cxr8/cdl/seed0"]
    )
    assert "killed" in lines["cxr8/cdl/seed1"] and "waiting" in lines["cxr8/dqc/seed0"]
    assert "12 runs: 1 running, 1 killed, 10 waiting" in "\n".join(lines.values())


def test_status_forgets_a_run_that_was_done_anew(capsys):
    def lines(*states):
        for i, state in enumerate(states):
            facts = {"train_loss": 0.5, "val_loss": 0.1 * (i + 1), "films_per_second": 9.0, "seconds": 60.0}
            yield json.dumps({"time": time.time(), "pid": 1, "epochs": 8, "state": state, "epoch": i + 1, **facts})

    path = Path("results-demo/progress/cxr8/cdl/seed0.jsonl")
    path.parent.mkdir(parents=True)
    path.write_text(
        "\n".join(lines("started", "epoch", "epoch", "done", "started", "epoch", "saved", "resumed", "epoch"))
    )
    assert main(["status", "--configfile", "config/demo.yaml"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cxr8/cdl/seed0")]
    assert "9/8" in row and "0.6000 @ 6" in row  # the best of the second time, not of the first
    path.write_text("\n".join(lines("started", "epoch", "done", "started")))
    assert main(["status", "--configfile", "config/demo.yaml"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cxr8/cdl/seed0")]
    assert "running" in row and "@" not in row
