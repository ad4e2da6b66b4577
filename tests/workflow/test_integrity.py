"""Bytes flipped in every kind of file of a finished study, under a new and under the old time: each is caught.

One small study for all: who reads a damaged file next says so in a line, `qcxr verify` finds it whoever reads it, and
the command that it prints makes the study what it was.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest

from qcxr.training.inventory import DAMAGED, GONE, take
from tests.study.test_digests import flip
from tests.workflow.study import Study

pytestmark = pytest.mark.slow(minutes=6)
RUN = "results/runs/cxr8/cdl/seed0"
SCORES = f"{RUN}/metrics/drawn-nih.csv"
KINDS = [
    *("manifest/drawn-nih.parquet", "manifest/drawn-nih-counts.csv", "cached/drawn-nih-train.json"),
    *(f"packed/drawn-nih-train.{suffix}" for suffix in ("npy", "parquet", "json")),
    *("leaks/before-training.csv", "metrics.csv", "report.html"),
    *(f"runs/cxr8/cdl/seed0/{name}" for name in ("best.safetensors", "history.csv", "steps.csv", "run.json")),
    *(f"runs/cxr8/cdl/seed0/{name}" for name in ("predictions/drawn-nih.parquet", "metrics/drawn-nih.csv")),
]
# a damaged file, and what the job makes that reads it; last things first, since what a job makes is removed before it
READ = {
    "runs/cxr8/cdl/seed0/predictions/validation.parquet": SCORES,
    "runs/cxr8/cdl/seed0/best.safetensors": f"{RUN}/predictions/drawn-nih.parquet",
    "packed/drawn-nih-val.npy": f"{RUN}/best.safetensors",
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Not a copy of a finished one: the cache knows films by where they lie."""
    study = Study(tmp_path_factory.mktemp("integrity"))
    study.snakemake()
    return study


def verify(study, *words):
    """`qcxr verify` in the study's folder: its exit status and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "qcxr.cli", "verify", *words, "--configfile", "config/demo.yaml", "tiny.yaml"],
        cwd=study.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(study.folder)},
    )
    return done.returncode, done.stdout + done.stderr


def content(study):
    """The bytes of films, weights, predictions and scores, and of nothing that a clock decides."""
    files = [path for kind in ("packed", "runs") for path in (study.folder / "results" / kind).rglob("*")]
    clocked = ("run.json", "history.csv")
    return {
        str(p): p.read_bytes() for p in files if p.is_file() and p.parent.name != ".digests" and p.name not in clocked
    }


@pytest.mark.parametrize("keep_time", [False, True], ids=["new time", "old time"])
def test_one_bit_of_every_kind_of_file_is_found(study, keep_time):
    results = study.folder / "results"
    assert take(results, progress=False).findings == []
    for name in KINDS:
        path = results / name
        stat = path.stat()
        flip(path, times=(stat.st_atime_ns, stat.st_mtime_ns) if keep_time else None)
        assert [(found.file, found.state) for found in take(results, progress=False).findings] == [(str(path), DAMAGED)]
        flip(path, times=(stat.st_atime_ns, stat.st_mtime_ns))
    assert take(results, progress=False).findings == []


def test_a_flipped_film_and_a_flipped_entry_of_the_cache_are_found(study):
    (film, *_) = sorted(study.folder.glob("demo/nih/**/*.png"))
    stat = film.stat()
    flip(film, times=(stat.st_atime_ns, stat.st_mtime_ns))
    status, said = verify(study, "--films")
    assert status == 1 and "stale the film's file has changed in cache; qcxr cache verify drawn-nih mends it" in said
    flip(film, times=(stat.st_atime_ns, stat.st_mtime_ns))
    with sqlite3.connect(study.folder / "cache/cache.db") as cache:
        row, blob = cache.execute("SELECT rowid, value FROM Cache WHERE key LIKE 'entry:%' LIMIT 1").fetchone()
        bad = bytearray(blob)
        bad[len(bad) // 2] ^= 1
        cache.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (bytes(bad), row))
    status, said = verify(study, "--films")
    assert status == 1 and ": corrupt " in said
    with sqlite3.connect(study.folder / "cache/cache.db") as cache:
        cache.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (blob, row))


def test_whoever_reads_a_damaged_file_says_so_and_the_command_makes_it_again(study):
    before = content(study)
    for name, made in READ.items():
        path = study.folder / "results" / name
        stat = path.stat()
        flip(path, times=(stat.st_atime_ns, stat.st_mtime_ns))
        said = study.snakemake("--force", made, check=False)
        (line,) = {
            line.partition("error: ")[2] for line in said.splitlines() if "is damaged" in line and "error: " in line
        }
        assert line.startswith(f"results/{name} is damaged: its bytes are not those that were written (")
        command = f"snakemake --cores 2 --force {made} --configfile config/demo.yaml tiny.yaml"
        assert line.endswith(f"make it again: rm results/{name} && {command}")
        assert "Traceback" not in said.partition("is damaged")[0]
    status, said = verify(study)
    assert status == 1
    command = re.search(r"make them again: (rm -r .*)", said).group(1)
    words = command.partition(" && snakemake --cores 2 ")[2].partition(" --configfile ")[0].split()
    assert set(words) == {"results/packed/drawn-nih-val.npy", f"{RUN}/predictions/validation.parquet"}
    subprocess.run(command.partition(" && ")[0].split(), cwd=study.folder, check=True)
    study.snakemake(*words)
    study.snakemake(SCORES)
    assert not take(study.folder / "results", progress=False).of(DAMAGED, GONE)
    assert content(study) == before


def test_a_study_of_a_version_without_records_is_read_and_runs_nothing(study):
    for folder in list((study.folder / "results").rglob(".digests")):
        shutil.rmtree(folder)
    assert "Nothing to be done" in study.snakemake("-n", SCORES)
    assert take(study.folder / "results", progress=False).sound == 8  # packed films have theirs in their JSON
    study.snakemake("--force", SCORES)
