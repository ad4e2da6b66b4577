"""The table of runs, against files written by hand."""

import csv
import io
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from qcxr.study import runs, spent
from qcxr.study.config import load
from qcxr.training import runtable, runtext, status
from qcxr.training.runtable import FACTS, rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")


def study(text="tasks: [cxr8]\nseeds: [0, 1]\n"):
    Path("more.yaml").write_text(text)
    return load("config/config.yaml", "config/demo.yaml", "more.yaml")


def finish(cfg, head, seed, *, variant="", **facts):
    """What a finished run of `cfg` leaves of itself."""
    run = runs.run(cfg, "cxr8", head, seed, variant=variant)
    record = {"config": run.config, "best_epoch": 3, "best_val_loss": 0.25, "epochs": 8, "wall_seconds": 12.5}
    record |= {"parameters": {"backbone": 100, "quantum": 24}, "device": "cpu"} | facts
    run.out.mkdir(parents=True)
    (run.out / "run.json").write_text(json.dumps(record))
    return run


def score(run, dataset, **means):
    path = run.out / f"metrics/{dataset}.csv"
    path.parent.mkdir(exist_ok=True)
    lines = ["task,head,seed,dataset,label,metric,value", f"cxr8,{run.head},{run.seed},{dataset},Mass,auroc,0.9"]
    lines += [f"cxr8,{run.head},{run.seed},{dataset},mean,{metric},{value}" for metric, value in means.items()]
    path.write_text("\n".join(lines) + "\n")


def test_every_run_has_a_row_with_what_it_left():
    cfg = study()
    run = finish(cfg, "dqc", 1)
    score(run, "drawn-nih", auroc=0.75, average_precision=0.5, brier=0.1)
    score(run, "drawn-mimic", auroc="", average_precision=0.25)
    found = rows(cfg)
    assert [(row["head"], row["seed"], row["state"]) for row in found] == [
        ("cdl", 0, "waiting"),
        ("cdl", 1, "waiting"),
        ("dqc", 0, "waiting"),
        ("dqc", 1, "done"),
    ]
    scores = {"drawn-nih.auroc": 0.75, "drawn-nih.average_precision": 0.5, "drawn-mimic.average_precision": 0.25}
    assert found[3] == {"task": "cxr8", "head": "dqc", "kind": "dqc", "variant": "", "seed": 1, "state": "done"} | {
        "best_epoch": 3,
        "best_val_loss": 0.25,
        "epochs": 8,
        "wall_seconds": 12.5,
        "parameters": 124,
        "device": "cpu",
        **scores,
    }
    assert list(found[0]) == list(found[3]) and not any(found[0][key] for key in (*FACTS, *scores))


def test_energy_is_a_column_where_it_was_measured():
    cfg = study()
    run = finish(cfg, "dqc", 1)
    taken = dict.fromkeys(spent.PARTS, 0.25)
    spent.add(run.out, taken, {"config": run.config}, done=True)
    found = rows(cfg)
    assert [row["kwh"] for row in found] == [None, None, None, 0.25]
    assert "kwh" in runtext.as_text(found, 200).splitlines()[0].split()
    assert status.table(cfg).splitlines()[-1] == "0.25 kWh in all by codecarbon's estimate (dqc 0.25), of 1 of 4 runs"


def test_scores_of_weights_that_are_no_more_are_left_out():
    cfg = study()
    for head, age in (("cdl", 10), ("dqc", -10)):
        run = finish(cfg, head, 0)
        score(run, "drawn-nih", auroc=0.75)
        then = (run.out / "run.json").stat().st_mtime + age
        os.utime(run.out / "metrics/drawn-nih.csv", (then, then))
    assert [row["drawn-nih.auroc"] for row in rows(cfg) if row["seed"] == 0] == [0.75, None]


def test_settings_are_columns_where_runs_differ():
    heads = "heads: [cdl, dqc, deep: {kind: dqc, layers: 10, train: {epochs: 3}}]\n"
    cfg = study(f"tasks: [cxr8]\nseeds: [0, 1]\n{heads}vary: {{data.fraction: [0.5, 1.0]}}\n")
    found = rows(cfg)
    assert len(found) == 12
    keys = [key for key in found[0] if "." in key]
    assert sorted(keys) == ["data.fraction", "head.layers", "train.epochs"]
    of = {(row["head"], row["variant"]): tuple(row[key] for key in sorted(keys)) for row in found}
    assert of == {
        ("cdl", ""): (1.0, None, 8),
        ("cdl", "data.fraction~0.5"): (0.5, None, 8),
        ("dqc", ""): (1.0, 3, 8),
        ("dqc", "data.fraction~0.5"): (0.5, 3, 8),
        ("deep", ""): (1.0, 10, 3),
        ("deep", "data.fraction~0.5"): (0.5, 10, 3),
    }


def test_a_run_made_with_other_settings_keeps_its_own_and_is_outdated():
    finish(study(), "dqc", 0)
    cfg = study("tasks: [cxr8]\nseeds: [0, 1]\ntrain: {epochs: 5}\nhead: {dqc: {layers: 2}}\n")
    found = {(row["head"], row["seed"]): row for row in rows(cfg)}
    old, new = found["dqc", 0], found["dqc", 1]
    assert (old["state"], old["train.epochs"], old["head.layers"]) == ("outdated", 8, 3)
    assert (new["state"], new["train.epochs"], new["head.layers"]) == ("waiting", 5, 2)


def test_trials_have_numbers_and_what_is_not_chosen_yet_is_empty():
    search = "search: {trials: 2, space: {train.learning_rate: {choice: [0.25, 0.5]}, head.layers: {choice: [1, 2]}}}\n"
    cfg = study(f"tasks: [cxr8]\nseeds: [0, 1]\n{search}")
    score(finish(cfg, "dqc", 1000, variant="trial~1"), "validation", auroc=0.625)
    found = rows(cfg)
    trials = [row for row in found if row["trial"] is not None]
    assert [(row["head"], row["trial"], row["seed"], row["variant"]) for row in trials] == [
        (head, trial, 1000, "") for head in ("cdl", "dqc") for trial in (0, 1)
    ]
    assert trials[3]["validation.auroc"] == 0.625 and trials[3]["state"] == "done"
    points = cfg.search.points()
    assert [row["train.learning_rate"] for row in trials] == [p["train.learning_rate"] for p in points] * 2
    assert [row["head.layers"] for row in trials] == [None, None, *(p["head.layers"] for p in points)]
    assert all(row["train.learning_rate"] is None for row in found if row["trial"] is None)
    Path("results-demo/search/cxr8").mkdir(parents=True)
    Path("results-demo/search/cxr8/dqc.json").write_text(
        json.dumps({"values": {"train.learning_rate": 0.5, "head.layers": 2}})
    )
    final = [row for row in rows(cfg) if row["trial"] is None]
    assert [(row["train.learning_rate"], row["head.layers"]) for row in final] == [(None, None)] * 2 + [(0.5, 2)] * 2


def test_the_state_is_that_of_status():
    path = Path("results-demo/progress/cxr8/cdl/seed1.jsonl")
    path.parent.mkdir(parents=True)
    event = {"time": time.time(), "state": "started", "pid": 2**22 + 1}  # beyond the kernel's largest process id
    path.write_text(json.dumps(event) + "\n")
    Path("results-demo/runs/cxr8/cdl/seed0").mkdir(parents=True)
    Path("results-demo/runs/cxr8/cdl/seed0/run.json").write_text("{damaged")
    assert [row["state"] for row in rows(study())] == ["waiting", "killed", "waiting", "waiting"]


ROWS = [
    {"task": "t", "head": "a|b", "kind": "dqc", "variant": "", "seed": 0, "state": "done"}
    | {"train.loss_options": {"gamma": 2}, "train.permute_labels": False, "best_val_loss": 0.123456, "device": None}
    | {"nih.auroc": 0.75, "nih.average_precision": 0.5},
    {"task": "t", "head": "cdl", "kind": "cdl", "variant": "", "seed": 0, "state": "waiting"}
    | {"train.loss_options": {}, "train.permute_labels": True, "best_val_loss": None, "device": None}
    | {"nih.auroc": None, "nih.average_precision": None},
]


def test_csv_has_all_columns_in_full():
    first, second = csv.DictReader(io.StringIO(runtext.as_csv(ROWS)))
    assert list(first) == list(ROWS[0]) and first["best_val_loss"] == "0.123456" and second["best_val_loss"] == ""
    assert json.loads(first["train.loss_options"]) == {"gamma": 2} and first["train.permute_labels"] == "false"


def test_markdown_has_all_columns_and_escapes_bars():
    lines = runtext.as_markdown(ROWS).splitlines()
    assert len(lines) == 4 and lines[0].startswith("| task | head |") and "| a\\|b |" in lines[2]
    assert "| 0.1235 |" in lines[2] and {line.replace("\\|", "").count("|") for line in lines} == {len(ROWS[0]) + 1}


def test_text_fits_and_says_what_it_leaves_out():
    wide = runtext.as_text(ROWS, 500).splitlines()
    assert wide[0].split() == [column for column in ROWS[0] if column != "variant"] and len(wide) == 4
    assert wide[3] == "2 runs: 1 done, 1 waiting"
    narrow = runtext.as_text(ROWS, 45).splitlines()
    assert narrow[0].split() == ["task", "head", "kind", "seed", "state", "nih.auroc"]
    assert all(len(line) <= 45 for line in narrow[:3])
    assert narrow[4].startswith("not shown, for want of room: train.loss_options, ") and "--csv" in narrow[4]
    same = [row | {"kind": row["head"], "variant": "v~1"} for row in ROWS]
    assert runtext.as_text(same, 500).split("\n")[0].split()[:4] == ["task", "head", "variant", "seed"]


def test_a_study_of_many_runs_is_quick_to_list(monkeypatch):
    """Recipes are resolved once for all seeds."""
    cfg = study(f"tasks: [cxr8]\nseeds: [{', '.join(map(str, range(1000)))}]\n")
    resolved, original = [], runtable._run
    monkeypatch.setattr(runtable, "_run", lambda *words: resolved.append(words) or original(*words))
    assert len(rows(cfg)) == 2000 and len(resolved) == 2
