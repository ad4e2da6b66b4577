"""Never two trainers of one run: the second waits, says for whom, and does not do a finished run again."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qcxr.errors import InputError
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Image
from qcxr.training import lock, record
from tests.training.runs import BACKBONE, PROTOCOL, described, results, run

ROOT = Path(__file__).parents[2]
TRAINER = """
import logging, sys, time
from pathlib import Path
from qcxr.training.loop import Loop
from tests.training.test_lock import trained
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
may_go_on = Path(sys.argv[1], "may-go-on")
run_epoch = Loop.run_epoch

def when_told(self, *arguments):
    print("epoch", flush=True)
    while not may_go_on.exists():
        time.sleep(0.02)
    run_epoch(self, *arguments)

Loop.run_epoch = when_told
print("nothing to do" if not trained(Path(sys.argv[1])) else "trained", flush=True)
"""


def the_run(folder):
    return described(folder, Recipe("cdl", {}, BACKBONE, Image(resize=16, crop=16), Augment(rotation=10), PROTOCOL))


def trained(folder: Path) -> bool:
    """Train the run of `folder` as `qcxr.training.single` does, from the test's films; whether anything was trained."""
    from qcxr.training.fit import fingerprint
    from qcxr.training.splits import Splits
    from tests.training.runs import split

    ours, films = the_run(folder), Splits(split(22, 1), split(9, 2))
    with lock.held(ours) as waited:
        if waited and record.is_of(ours.out, fingerprint(ours, films)):
            return False
        run(folder)
        return True


def start(folder):
    words = [sys.executable, "-c", TRAINER, str(folder)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return results(folder)


def until(process, text):
    """Read what a trainer says up to the line with `text`, which is returned."""
    while text not in (line := process.stdout.readline()):
        assert line, "it ended without saying it"
    return line


@pytest.mark.slow
def test_the_second_trainer_waits_and_finds_the_run_done(tmp_path, undisturbed):
    first = start(tmp_path)
    until(first, "epoch")
    second = start(tmp_path)
    told = until(second, "is being trained by")
    assert f"t/cdl/seed0 is being trained by process {first.pid} on " in told
    (tmp_path / "may-go-on").touch()
    said = [process.communicate(timeout=300)[0].splitlines() for process in (first, second)]
    assert first.returncode == second.returncode == 0, said
    assert said[0][-1] == "trained"
    assert said[1][-1] == "nothing to do" and "epoch" not in said[1]
    assert results(tmp_path) == undisturbed


def test_a_killed_holder_frees_the_run_and_the_waiting_one_trains_it(tmp_path, undisturbed):
    first = start(tmp_path)
    until(first, "epoch")
    second = start(tmp_path)
    until(second, "is being trained by")
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    (tmp_path / "may-go-on").touch()
    said = second.communicate(timeout=300)[0]
    assert second.returncode == 0 and said.splitlines()[-1] == "trained", said
    assert results(tmp_path) == undisturbed


def test_a_finished_run_with_another_fingerprint_is_not_taken_for_this_one(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    mine = {"config": "same", "seed": 0, "data_hash": ["a", "b"]}
    assert not record.is_of(out, mine)
    for content, expected in ((mine, True), ({**mine, "config": "other"}, False), ({}, False)):
        (out / "run.json").write_text(json.dumps({**content, "epochs": 3}))
        assert record.is_of(out, mine) == expected
    (out / "run.json").write_text('{"config": "sa')
    assert not record.is_of(out, mine)


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "progress").write_text("a file where a folder should be")
    blocked = the_run(tmp_path / "progress")
    with (
        pytest.raises(InputError, match=r"progress\.lock cannot be written \((Not a directory|File exists)\)"),
        lock.held(blocked),
    ):
        pass


def test_where_the_results_have_no_locks_this_machine_has_one(tmp_path, monkeypatch, caplog):
    """Two trainers on one machine still keep apart, and it is said that two machines do not."""
    flock, temporary = fcntl.flock, tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def without_locks(handle, operation):
        if Path(os.readlink(f"/proc/self/fd/{handle}")).is_relative_to(tmp_path / "nfs"):
            raise OSError(errno.ENOLCK, "No locks available")
        flock(handle, operation)

    monkeypatch.setattr("fcntl.flock", without_locks)
    ours = the_run(tmp_path / "nfs")
    with lock.held(ours) as waited:
        assert not waited
        (line,) = [record.getMessage() for record in caplog.records]
        assert "is on a file system without locks (No locks available): t/cdl/seed0 is locked on this machine" in line
        (path,) = (temporary / f"qcxr-locks-{os.getuid()}").iterdir()
        with open(path) as second, pytest.raises(BlockingIOError):
            flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(path) as second:
        flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
