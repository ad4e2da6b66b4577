"""Whatever of a work folder is damaged between two attempts of a run, it ends with the bits of an undisturbed one."""

import json
import os
import shutil

import pytest

from qcxr.training import progress, resumable
from qcxr.training.checkpoint import work_folder
from tests.study.test_digests import flip
from tests.training.runs import results, run
from tests.training.test_fit import stop_after


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return results(folder)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run with two checkpoints, one of them of the second epoch, and the first epoch's best weights."""
    folder = tmp_path_factory.mktemp("interrupted")
    for steps in ([3], [5]):  # 8 steps: epoch 2, step 2
        with pytest.MonkeyPatch.context() as patched:
            stop_after(patched, steps)
            with pytest.raises(SystemExit), progress.listening(lambda state: sealed(folder, state)):
                run(folder)
    return folder


def sealed(folder, state):
    """As `qcxr.training.single` does."""
    if state == "saved":
        resumable.seal(next((folder / "work").iterdir()))


@pytest.fixture
def work(interrupted, tmp_path):
    """The work folder of a copy of it."""
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    (found,) = (tmp_path / "work").iterdir()
    return found


def ends(folder) -> tuple[tuple, list[str]]:
    """The results of the run when it has gone on, and the states that it went through."""
    before = len((folder / "progress.jsonl").read_text().splitlines())
    resumable.mend(folder / "work")
    run(folder)
    lines = (folder / "progress.jsonl").read_text().splitlines()[before:]
    return results(folder), [json.loads(line)["state"] for line in lines]


def test_names_are_those_of_the_checkpoints(tmp_path):
    marks = {"seed": 0, "config": "ä", "data_hash": ["a", "b"]}
    assert work_folder(tmp_path, marks) == resumable.folder_of(tmp_path, marks)


def test_nothing_is_damaged(work, tmp_path, undisturbed, caplog):
    assert {step.name for step in (work / "checkpoints").iterdir()} == {"3", "8"}
    assert not list(resumable.damages(work))
    found, states = ends(tmp_path)
    assert found == undisturbed and states[0] == "resumed" and not caplog.records


@pytest.mark.parametrize("keep_time", [False, True], ids=["new time", "old time"])
@pytest.mark.parametrize("part", ["arrays", "position"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(work, tmp_path, undisturbed, caplog, part, keep_time):
    files = [path for path in (work / "checkpoints/8" / part).rglob("*") if path.is_file() and path.stat().st_size]
    path = max(files, key=lambda path: path.stat().st_size)
    stat = path.stat()
    flip(path, times=(stat.st_atime_ns, stat.st_mtime_ns) if keep_time else None)
    assert [found for found, _ in resumable.damages(work)] == [path]
    found, states = ends(tmp_path)
    assert found == undisturbed and states[0] == "resumed"
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"checkpoint of step 8 is damaged ({path.relative_to(work / 'checkpoints/8')}): falling back to the one before"
    ]


def test_a_loss_that_was_changed_in_the_position_is_noticed(work, tmp_path, undisturbed):
    """Its JSON is as good as before: without a seal another best loss would have been believed."""
    (path,) = [
        p for p in (work / "checkpoints/8/position").rglob("*") if p.is_file() and b"best_loss" in p.read_bytes()
    ]
    text = path.read_text()
    found = json.loads(text)
    path.write_text(json.dumps({**found, "best_loss": 0.0}))
    assert ends(tmp_path)[0] == undisturbed


def test_damaged_best_weights_are_put_back(work, tmp_path, undisturbed, caplog):
    flip(work / "best.safetensors")
    found, states = ends(tmp_path)
    assert found == undisturbed and states[0] == "resumed"
    assert "put back from its copy" in caplog.records[0].getMessage()


def test_without_a_copy_the_run_starts_again(work, tmp_path, undisturbed, caplog):
    for name in (resumable.BEST, resumable.SPARE):
        flip(work / name)
    found, states = ends(tmp_path)
    assert found == undisturbed and states[0] == "started"
    assert "the run starts again from its first step" in caplog.records[0].getMessage()


@pytest.mark.parametrize("content", ["", "{", '{"seed": 7}', "[]"], ids=["empty", "cut", "another's", "no object"])
def test_a_damaged_fingerprint_is_said_and_costs_nothing(work, tmp_path, undisturbed, caplog, content):
    """It used to stop the run with "holds another run's checkpoints"."""
    (work / "fingerprint.json").write_text(content)
    assert [found.name for found, _ in resumable.damages(work)] == ["fingerprint.json"]
    found, states = ends(tmp_path)
    assert found == undisturbed and states[0] == "resumed"
    assert f"{work / 'fingerprint.json'} is damaged; the folder is known by its name" in caplog.records[0].getMessage()


@pytest.mark.parametrize("content", ["", '{"steps": 3}', "[]"])
def test_without_its_seal_a_checkpoint_is_read_as_before(work, tmp_path, undisturbed, content):
    (work / resumable.SEAL).write_text(content)
    found, states = ends(tmp_path)
    assert found == undisturbed and states[0] == "resumed"


def test_killed_between_the_best_weights_and_the_checkpoint(work, tmp_path, undisturbed, caplog):
    """The weights on disk are then later than the checkpoint: those that were saved with it come back."""
    shutil.rmtree(work / "checkpoints/8")
    os.replace(work / "best.safetensors", work / "later")
    shutil.copy(work / "later", work / "best.safetensors")
    flip(work / "best.safetensors")  # stands for other weights
    assert ends(tmp_path)[0] == undisturbed
