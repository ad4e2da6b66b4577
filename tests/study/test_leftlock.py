"""What is said of Snakemake's lock: whose it is, by the processes of this machine."""

import subprocess
import sys

import pytest

from qcxr.study.leftlock import said

SLEEPER = "import sys, time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def started(tmp_path):
    """A function that starts a process of those words in the folder."""
    processes = []

    def start(*words, folder=tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", SLEEPER, *words], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        process.stdout.readline()
        return process.pid

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def lock(folder):
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.output.lock").write_text("results/metrics.csv\n")


def test_without_a_lock_nothing_is_said(tmp_path, started):
    assert said(tmp_path) is None
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    started("snakemake")
    assert said(tmp_path) is None


def test_of_a_dead_snakemake_it_is_said_that_unlock_is_safe(tmp_path, started):
    lock(tmp_path)
    (tmp_path / "other").mkdir()
    started("snakemake", "--cores", "2", folder=tmp_path / "other")  # at work elsewhere
    started("snakemakefile")
    line = said(tmp_path)
    assert line.startswith("note: a Snakemake that was killed left its lock on this folder, and none lives in it on")
    assert "this machine: `snakemake --unlock` is safe, and needed if this one cannot lock" in line
    orphan = started(f"{tmp_path}/.snakemake/scripts/tmp1.train.py")
    assert f"on this machine (its job {orphan} goes on to its end, and is waited for): `snakemake --unlock`" in said(
        tmp_path
    )


def test_of_a_living_one_it_is_said_which_it_is(tmp_path, started):
    lock(tmp_path)
    pid = started("/somewhere/bin/snakemake", "--cores", "2")
    assert said(tmp_path) == (
        f"note: Snakemake (process {pid}) is at work in this folder; wait for it where files are the same"
    )


def test_where_processes_cannot_be_seen_nothing_is_claimed(tmp_path, monkeypatch):
    lock(tmp_path)
    monkeypatch.setattr("qcxr.study.leftlock.PROCESSES", tmp_path / "proc")
    assert "is safe if no Snakemake works in it" in said(tmp_path)
