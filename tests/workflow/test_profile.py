"""What profiles/slurm asks a cluster for, rule by rule: a dry run, without its executor (test_slurm.py has it)."""

import json
import os
import subprocess
import sys

import yaml

from tests.workflow.study import TINY, Study

SEARCHED = TINY | {
    "heads": ["cdl", {"wide": {"kind": "cdl", "train": {"devices": 4}}}],
    "search": {"trials": 2, "space": {"train.learning_rate": {"log": [1.0e-4, 1.0e-1]}}},
}


def asked(study: Study, *targets: str) -> list[tuple[str, dict[str, int]]]:
    """Rule and resources of every job that a dry run would do; the groups are checked for circles by Snakemake."""
    profile = yaml.safe_load((study.folder / "profiles/slurm/config.yaml").read_text())
    kept = {key: value for key, value in profile.items() if key != "executor" and not key.startswith("slurm-")}
    (study.folder / "profiles/here").mkdir(exist_ok=True)
    (study.folder / "profiles/here/config.yaml").write_text(yaml.safe_dump(kept))
    command = [sys.executable, "-m", "qcxr.study.dryrun", "answer.json", "--profile", "profiles/here"]
    subprocess.run(
        [*command, *targets, "--configfile", "config/demo.yaml", "tiny.yaml"],
        cwd=study.folder,
        env={**os.environ, "PYTHONPATH": str(study.folder)},
        check=True,
    )
    jobs = json.loads((study.folder / "answer.json").read_text())["jobs"]
    return [(job["rule"], job["resources"]) for job in jobs]


def test_every_job_has_its_time_memory_and_cards(tmp_path):
    study = Study(tmp_path / "study", SEARCHED)
    jobs = asked(study)
    assert {rule for rule, _ in jobs} >= {"films", "cache", "train", "predict", "score", "choose", "figure", "report"}
    for rule, given in jobs:
        assert given["runtime"] >= 5 and given["mem_mb"] >= 1000, rule
        assert (given.get("gpu", 0) > 0) == (rule in {"train", "predict", "features", "benchmark"}), rule
    assert {given["gpu"] for rule, given in jobs if rule == "train"} == {1, 4}
    assert {given["gpu"] for rule, given in jobs if rule == "predict"} == {1}
    study.write(SEARCHED | {"resources": {"gpu": False}})
    jobs = asked(study, "results/search.csv")
    assert {given.get("gpu", 0) for _, given in jobs} == {0} and "train" in dict(jobs)
