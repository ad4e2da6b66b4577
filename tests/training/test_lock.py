"""Never two trainers of one run: the second waits, says for whom, and does not do a finished run again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qcxr.errors import InputError
from qcxr.study.runs import Recipe
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
pause = float(sys.argv[2])
run_epoch = Loop.run_epoch

def slowly(self, *arguments):
    print("epoch", flush=True)
    time.sleep(pause)
    run_epoch(self, *arguments)

Loop.run_epoch = slowly
print("nothing to do" if not trained(Path(sys.argv[1])) else "trained", flush=True)
"""


def the_run(folder):
    return described(folder, Recipe(BACKBONE, {}, Image(resize=16, crop=16), Augment(rotation=10), PROTOCOL))


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


def start(folder, pause=0.0):
    words = [sys.executable, "-c", TRAINER, str(folder), str(pause)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return results(folder)


def test_the_second_trainer_waits_and_finds_the_run_done(tmp_path, undisturbed):
    first = start(tmp_path, pause=1.0)
    assert first.stdout.readline()  # it is in its first epoch, or about to be
    second = start(tmp_path)
    said = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert first.returncode == second.returncode == 0, said
    assert "trained" in said[0].splitlines()
    assert f"t/cdl/seed0 is being trained by process {first.pid} on " in said[1]
    assert said[1].splitlines()[-1] == "nothing to do" and "epoch" not in said[1].splitlines()
    assert results(tmp_path) == undisturbed


def test_a_killed_holder_frees_the_run_and_the_waiting_one_trains_it(tmp_path, undisturbed):
    first = start(tmp_path, pause=60.0)
    while "epoch" not in first.stdout.readline():
        pass
    second = start(tmp_path)
    time.sleep(0.5)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
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
