"""A plan put into words and hours, from answers written by hand; `tests/workflow/test_why.py` asks Snakemake."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qcxr.errors import InputError
from qcxr.study import measured
from qcxr.study.config import load
from qcxr.study.explain import text, why
from qcxr.study.plan import Asking, Plan, ask

ROOT = Path(__file__).parents[2]
NEW = [{"kind": "new"}]


@pytest.fixture
def cfg(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")  # lines are folded to the terminal's width
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return load("config/config.yaml", "config/demo.yaml")


def train(task, head, seed, *, variant="", reasons=NEW, after=()):
    return {
        "rule": "train",
        "output": f"results-demo/runs/{task}/{head}{variant}/seed{seed}/best.safetensors",
        "wildcards": {"task": task, "head": head, "variant": variant, "seed": str(seed)},
        "threads": 1,
        "devices": 1,
        "after": list(after),
        "reasons": reasons,
    }


def job(rule, *, reasons=NEW, after=(), threads=1):
    return {"rule": rule, "output": rule, "wildcards": {}, "threads": threads, "devices": 0} | {
        "after": list(after),
        "reasons": reasons,
    }


def plan(cfg, jobs, *, seconds=None, running=False, **asking):
    known = {rule: {"seconds": took, "jobs": 3} for rule, took in (seconds or {}).items()}
    answer = {"snakemake": "9", "running": running, "jobs": jobs, "measured": known}
    return Plan(answer, cfg, Asking(cores=2, **asking))


def record(task, head, seed, *, wall, training, epochs, kind=None, variant=""):
    """A finished run's record, as far as it is read here."""
    path = Path(f"results-demo/runs/{task}/{head}{variant and '/' + variant}/seed{seed}/run.json")
    path.parent.mkdir(parents=True)
    config = json.dumps({"train": {"epochs": epochs}})
    facts = {"task": task, "head": head, "kind": kind or head, "seed": seed, "variant": variant, "config": config}
    path.write_text(json.dumps({**facts, "wall_seconds": wall, "training_seconds": training}))


def test_nothing_to_do_is_one_line(cfg):
    assert text(plan(cfg, [])) == "nothing to do: all files of the study are there and up to date"


def test_runs_are_named_together(cfg):
    jobs = [train(task, head, seed) for task in ("cxr19", "cxr8") for head in ("dqc", "cdl") for seed in (0, 1, 2)]
    lines = text(plan(cfg, jobs, running=True)).splitlines()
    assert lines[0] == "12 jobs to run, with 12 of the study's 12 training runs"
    assert lines[1] == "another workflow runs in this folder: what it is making is counted too"
    assert lines[4] == "  cxr8, cxr19: cdl, dqc seeds 0-2  never run yet"
    changed = [{"kind": "settings", "changes": [{"key": "train.epochs", "before": 1, "now": 2}]}, {"kind": "code"}]
    jobs[0]["reasons"] = changed  # dqc on cxr19, seed 0
    lines = [" ".join(line.split()) for line in text(plan(cfg, jobs)).splitlines()]
    assert "cxr19: dqc seed 0 settings changed: train.epochs 1 -> 2; its code changed" in lines
    assert "cxr19: dqc seeds 1-2 never run yet" in lines
    assert "train 12 never run yet (11); settings changed: train.epochs 1 -> 2; its code changed (1)" in lines


def test_variants_and_trials_are_counted(cfg, tmp_path):
    search = "search: {trials: 3, space: {train.learning_rate: {log: [1.0e-4, 1.0e-1]}}}\n"
    Path("more.yaml").write_text(f"tasks: [cxr8]\nvary: {{data.fraction: [0.1, 0.5, 1.0]}}\n{search}")
    cfg = load("config/config.yaml", "config/demo.yaml", "more.yaml")
    jobs = [train("cxr8", "cdl", 1000, variant=f"/trial~{n}") for n in range(3)]
    jobs += [train("cxr8", "cdl", seed, variant=v) for seed in (0, 1, 2) for v in ("", "/data.fraction~0.1")]
    jobs += [train("cxr8", "dqc", 2, variant="/data.fraction~0.5")]
    told = text(plan(cfg, jobs))
    assert "cxr8: cdl 3 trials and seeds 0-2 at 2 variants" in told
    assert "cxr8: dqc seed 2 at data.fraction~0.5" in told


def test_a_run_that_was_begun_says_so(cfg):
    Path("results-demo/work/cxr8/cdl/seed0").mkdir(parents=True)
    told = text(plan(cfg, [train("cxr8", "cdl", 0), train("cxr8", "cdl", 1)]))
    assert "cdl seed 0  begun, not finished" in told
    assert "cdl seed 1  never run yet" in told


def test_many_different_rows_are_counted_not_shown(cfg):
    jobs = [job(f"rule{n}") for n in range(30)]
    lines = text(plan(cfg, jobs)).splitlines()
    assert len(lines) == 26 and "  … and 10 more lines: --json has all" in lines


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([{"kind": "remade", "rules": ["train"]}, {"kind": "new"}], "never made yet"),
        ([{"kind": "gone", "files": ["a/run.json"], "number": 1}], "its files are gone"),
        ([{"kind": "remade", "rules": ["cache", "train"]}], "its inputs are made again by cache, train"),
        ([{"kind": "remade", "rules": ["train"]}, {"kind": "code"}], "its code changed"),
        ([{"kind": "inputs", "more": 4, "fewer": 0}], "other inputs: 4 more"),
        ([{"kind": "inputs", "more": 0, "fewer": 1, "gained": [], "lost": ["a.csv"]}], "other inputs: without a.csv"),
        ([{"kind": "newer", "files": ["a.csv", "b.csv", "c.csv"], "number": 3}], "a.csv, b.csv and 1 more"),
        ([{"kind": "other", "text": "Pipe output."}], "Pipe output."),
    ],
)
def test_reasons_in_words(reasons, expected):
    assert why(reasons).endswith(expected)


def test_time_is_taken_from_the_runs_most_alike(cfg):
    record("cxr8", "cdl", 0, wall=20.0, training=16.0, epochs=8)
    record("cxr8", "cdl", 1, wall=40.0, training=16.0, epochs=8)
    record("cxr8", "other", 0, kind="dqc", wall=14.0, training=4.0, epochs=2)
    epochs = cfg.recipe("cdl").train.epochs
    assert epochs == 8
    jobs = [train("cxr8", "cdl", 2), train("cxr8", "dqc", 2), train("cxr19", "cdl", 0)]
    found = plan(cfg, jobs)
    assert [estimate.seconds for estimate in found.estimates] == [30.0, 10.0 + 4.0 * 4, 26.0]
    assert [estimate.basis for estimate in found.estimates] == [
        "of the same head and variant",
        "of heads of the same kind, scaled to 8 epochs",
        "of other heads, scaled to 8 epochs",
    ]
    assert found.expected["device_hours"] == pytest.approx((30 + 26 + 26) / 3600, abs=1e-4)


def test_a_jobs_own_clock_counts_its_start(cfg):
    record("cxr8", "cdl", 0, wall=3.0, training=2.0, epochs=8)
    table = Path("results-demo/benchmarks/train/cxr8-cdl-seed0.tsv")
    table.parent.mkdir(parents=True)
    table.write_text("s\th:m:s\n7.5\t0:00:07\n")
    assert plan(cfg, [train("cxr8", "cdl", 1)]).estimates[0].seconds == 7.5


def test_what_has_not_been_measured_is_said(cfg):
    jobs = [train("cxr8", "cdl", 0), job("compare", after=[0]), job("tables", after=[1])]
    assert text(plan(cfg, jobs)).splitlines()[-1] == (
        "expected: no run of this kind has been measured here, nor another of these jobs"
    )
    told = plan(cfg, jobs, seconds={"compare": 7200.0})
    assert text(told).splitlines()[-3:] == [
        "expected, by medians of finished jobs: 0 device-hours; at least 2.0 h on 2 cores",
        "  no run of this kind has been measured: 1 run not counted",
        "  no job of these rules has been measured, not counted: 1 of tables",
    ]
    assert told.unmeasured == {"train": 1, "tables": 1}


def test_wall_time_is_bounded_by_chains_cores_and_cards():
    jobs = [{"after": [], "threads": 1, "devices": 1} for _ in range(4)] + [
        {"after": [0, 1], "threads": 4, "devices": 0}
    ]
    seconds = [10.0, 20.0, 30.0, 40.0, 5.0]
    assert measured.ends(jobs, seconds) == [10.0, 20.0, 30.0, 40.0, 25.0]
    assert measured.wall_seconds(jobs, seconds, cores=100, devices=None) == 40.0
    assert measured.wall_seconds(jobs, seconds, cores=2, devices=None) == (100 + 5 * 2) / 2
    assert measured.wall_seconds(jobs, seconds, cores=100, devices=2) == 50.0
    chain = [{"after": [n + 1] if n < 4999 else [], "threads": 1, "devices": 0} for n in range(5000)]
    assert measured.ends(chain, [1.0] * 5000)[0] == 5000.0


def test_rules_stand_in_the_order_in_which_they_can_begin(cfg):
    jobs = [job("a", after=[2]), job("b"), job("c", after=[1])]
    told = plan(cfg, jobs).to_json()
    assert list(told["rules"]) == ["b", "c", "a"] and told["runs"] == [] and told["all_runs"] == 12


def test_what_snakemake_is_asked_with():
    asking = Asking(["a.yaml", "b.yaml"], 4, ["mem_mb=10", "gpu=2"])
    assert asking.words == ["--cores", "4", "--configfile", "a.yaml", "b.yaml", "--resources", "mem_mb=10", "gpu=2"]
    assert asking.devices == 2 and Asking().devices is None and Asking().usable >= 1


def test_without_a_workflow_here_it_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no Snakefile in this folder; run qcxr plan where you run snakemake"):
        ask(Asking())
    Path("Snakefile").write_text("import sys\nsys.exit('error: seeds must not repeat, got [1, 1]')\n")
    with pytest.raises(InputError, match=r"^seeds must not repeat, got \[1, 1\]$"):
        ask(Asking())
    Path("Snakefile").write_text("rule a:\n  input: 'none'\n  output: 'b'\n  shell: 'true'\n")
    with pytest.raises(InputError, match=r"^snakemake cannot plan: .*none; see snakemake -n$"):
        ask(Asking())


def test_what_snakemake_tells_of_a_small_workflow(tmp_path, monkeypatch):
    """Reasons and order of jobs that never ran, from Snakemake itself; a card that a job asks for."""
    monkeypatch.chdir(tmp_path)
    rules = "rule all:\n  input: 'c'\n\nrule c:\n  input: 'b'\n  output: 'c'\n  threads: 2\n  shell: 'cp b c'\n\n"
    Path("Snakefile").write_text(rules + "rule b:\n  output: 'b'\n  resources: gpu=3\n  shell: 'touch b'\n")
    answer = ask(Asking(cores=2))
    assert [(j["rule"], j["threads"], j["devices"], j["after"]) for j in answer["jobs"]] == [
        ("b", 1, 3, []),
        ("c", 2, 0, [0]),
    ]
    assert [why(j["reasons"]) for j in answer["jobs"]] == ["never made yet"] * 2
    assert answer["measured"] == {} and answer["running"] is False
    Path(".snakemake/locks").mkdir(parents=True, exist_ok=True)
    Path(".snakemake/locks/0.output.lock").write_text("c\n")  # another Snakemake's
    assert ask(Asking(cores=2))["running"] is True


def test_a_snakemake_that_tells_its_reasons_in_another_way_is_an_error(tmp_path, monkeypatch):
    """Not a guess: the one line names what was not there."""
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text("rule b:\n  output: 'b'\n  shell: 'touch b'\n")
    changed = "from qcxr.study import dryrun; dryrun.reasons = lambda job, dag: job.told_no_longer; "
    words = "raise SystemExit(dryrun.main('answer.json', '--cores', '1'))"
    done = subprocess.run([sys.executable, "-c", changed + words], capture_output=True, text=True)
    assert done.returncode == 1 and not Path("answer.json").exists()
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: Snakemake ")]
    assert "told_no_longer" in line and "use snakemake -n" in line
