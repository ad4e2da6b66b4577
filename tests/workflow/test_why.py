"""`qcxr plan` against `snakemake -n` on a finished study: the same jobs and runs, and the edited key in the reasons."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from tests.workflow.study import TINY, finished

pytestmark = pytest.mark.slow(minutes=4)

LABELS = "demo/nih/labels/miccai2023_nih-cxr-lt_labels_test.csv"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("study"))


def plan(study):
    """`qcxr plan --json` in the study's folder."""
    words = ["plan", "--json", "--cores", "2", "--configfile", "config/demo.yaml", "tiny.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "qcxr.cli", *words],
        cwd=study.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(study.folder)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def dry_run(study):
    """What `snakemake -n` prints: jobs of each rule, and the runs that it would train, from its messages."""
    text = study.snakemake("-n")
    if "Nothing to be done" in text:
        return {}, set()
    table = text.split("Job stats:")[1].split("total")[0]
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, flags=re.MULTILINE)}
    jobs.pop("all", None)
    messages = re.findall(r"Train (\S+) with (\S+), seed (\d+)", text)
    return jobs, {f"{task}/{head}/seed{seed}" for task, head, seed in messages}


def config(**sections):
    return lambda draw: {
        key: {**TINY.get(key, {}), **value} if isinstance(value, dict) and key in TINY else value
        for key, value in {k: v(draw) if callable(v) else v for k, v in sections.items()}.items()
    }


# kind of edit -> (what is laid over the configuration, what some reason must name)
SETTINGS = {
    "seed added": (config(seeds=lambda d: [0, 1, d.randint(2, 9)]), {"new"}),
    "seed dropped": (config(seeds=lambda d: [0, d.randint(2, 9)]), {"new", "inputs", "seeds"}),
    "head added": (config(heads=lambda d: ["cdl", "dqc", d.choice(["mlp", "product"])]), {"new", "heads"}),
    "head of one's own": (config(heads=["cdl", "dqc", {"deep": {"kind": "dqc", "layers": 5}}]), {"heads.deep", "new"}),
    "heads in another order": (config(heads=["dqc", "cdl"]), {"heads"}),
    "task added": (config(tasks=["cxr8", "cxr14"]), {"new", "tasks"}),
    "learning rate": (config(train=lambda d: {"learning_rate": d.choice([1e-4, 1e-2])}), {"train.learning_rate"}),
    "epochs": (config(train=lambda d: {"epochs": d.randint(2, 5)}), {"train.epochs"}),
    "head's own key": (config(heads=["cdl", {"dqc": {"train": {"patience": 2}}}]), {"train.patience"}),
    "head option": (config(head=lambda d: {"dqc": {"layers": d.choice([1, 2])}}), {"head.layers"}),
    "augmentation": (config(augment=lambda d: {"rotation": d.choice([5, 20])}), {"augment.rotation"}),
    "varied": (config(vary={"data.fraction": [0.5, 1.0]}), {"new"}),
    "search": (config(search={"trials": 2, "space": {"train.learning_rate": {"log": [1e-4, 1e-2]}}}), {"new"}),
    "alpha": (config(analysis=lambda d: {"alpha": d.choice([0.01, 0.1])}), {"analysis.alpha"}),
    "tail": (config(analysis=lambda d: {"tail_under": d.randint(20, 50)}), {"analysis.tail_under"}),
    "replicates": (config(analysis=lambda d: {"bootstrap": d.randint(101, 150)}), {"analysis.bootstrap"}),
    "label set": (config(tasks=["cxr8", "heart"], label_sets={"heart": ["Cardiomegaly", "Edema"]}), {"tasks", "new"}),
    "timed steps": (config(timed_steps=lambda d: d.randint(3, 5)), {"timed_steps"}),
    "crop": (config(image=lambda d: {"crop": 24}), {"image.crop"}),
}
FILES = {
    "figure code": {"code"},
    "training code": {"code"},
    "label file": {"newer"},
    "folder gone": {"gone"},
    "table gone": {"gone"},
}


@pytest.fixture
def edit(study):
    """Make an edit of a kind, drawn; all is as it was after the test."""
    undo = []

    def insert(name, old, new):
        path = study.folder / name
        content, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
        assert old.encode() in content
        undo.append(lambda: (path.write_bytes(content), os.utime(path, ns=times)))
        path.write_bytes(content.replace(old.encode(), new.encode(), 1))

    def away(name):
        path, aside = study.folder / name, study.folder / "aside"
        undo.append(lambda: aside.rename(path))
        path.rename(aside)

    def change(kind, draw):
        if kind in SETTINGS:
            laid, named = SETTINGS[kind]
            study.write({**TINY, **laid(draw)})
            return named
        head, seed = draw.choice(["cdl", "dqc"]), draw.randint(0, 1)
        if kind == "figure code":
            insert("qcxr/analysis/figures/volcano.py", "\ndef volcano(", "\nUNUSED = 1\n\n\ndef volcano(")
        elif kind == "training code":
            insert("qcxr/training/losses.py", "def masked_mean(", "UNUSED = 1\n\n\ndef masked_mean(")
        elif kind == "label file":
            insert(LABELS, ".png,0,", ".png,1,")
        elif kind == "folder gone":
            away(f"results/runs/cxr8/{head}/seed{seed}")
        else:
            away(draw.choice(["results/metrics.csv", f"results/runs/cxr8/{head}/seed{seed}/run.json"]))
        return FILES[kind]

    yield change
    for back in reversed(undo):
        back()
    study.write(TINY)


def drawn():
    """14 edits: kinds without repetition, so that most kinds come, and what they change; always the same."""
    draw = random.Random(12)
    return [(kind, draw.randint(0, 10**6)) for kind in draw.sample([*SETTINGS, *FILES], 14)]


@pytest.mark.parametrize(("kind", "seed"), drawn(), ids=[kind.replace(" ", "-") for kind, _ in drawn()])
def test_the_plan_is_snakemakes_and_names_what_was_edited(study, edit, kind, seed):
    named = edit(kind, random.Random(seed))
    rules, runs = dry_run(study)
    told = plan(study)
    assert told["rules"] == rules == Counter(job["rule"] for job in told["jobs"]) and rules
    assert set(told["runs"]) == runs and len(told["runs"]) == rules.get("train", 0)
    kinds = {reason["kind"] for job in told["jobs"] for reason in job["reasons"]}
    keys = {c["key"] for job in told["jobs"] for reason in job["reasons"] for c in reason.get("changes", [])}
    assert named <= kinds | keys | {key.split(".")[0] for key in keys} and "other" not in kinds


def test_a_finished_study_has_nothing_planned_and_times_its_runs_when_they_go(study):
    assert plan(study)["jobs"] == []
    folder = study.folder / "results/runs/cxr8/dqc/seed1"
    seconds = json.loads((folder / "run.json").read_text())["wall_seconds"]
    shutil.copytree(folder, study.folder / "kept")
    shutil.rmtree(folder)
    try:
        told = plan(study)
    finally:
        (study.folder / "kept").rename(folder)
    assert told["runs"] == ["cxr8/dqc/seed1"] and told["all_runs"] == 4 and told["expected"]["unmeasured"] == {}
    (job,) = [job for job in told["jobs"] if job["rule"] == "train"]
    assert job["reasons"] == [{"kind": "gone", "files": job["reasons"][0]["files"], "number": 4}]
    assert 0.2 * seconds < job["seconds"] < 5 * seconds + 10
    assert told["expected"]["wall_seconds_at_least"] > job["seconds"]
