"""Whatever of a work folder is damaged between two attempts of a run, it ends with the bits of an undisturbed one."""

import json
import random
import shutil

import numpy as np
import pytest

from qcxr.training import progress, resumable
from qcxr.training.checkpoint import Checkpoints, work_folder
from qcxr.training.named import name_of
from tests.study.test_digests import flip
from tests.training.runs import results, run
from tests.training.test_fit import stop_after

MARKS = {"seed": 0, "config": "ä", "data_hash": ["a", "b"]}


@pytest.fixture
def work(tmp_path):
    """A work folder with the files of two checkpoints and best weights, sealed as each was saved."""
    base = tmp_path / "work"
    folder = work_folder(base, MARKS)
    noise = random.Random(3)
    for step in ("3", "8"):
        for name in ("arrays/data", "arrays/metadata", "position/metadata"):
            path = folder / "checkpoints" / step / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(noise.randbytes(400))
        (folder / "best.safetensors").write_bytes(noise.randbytes(500))
        resumable.seal(folder)
    (folder / "checkpoints/11.orbax-checkpoint-tmp").mkdir()  # what a kill leaves of one
    return folder


def mended(work, caplog) -> list[str]:
    """What is said when the work folder is mended."""
    caplog.clear()
    resumable.mend(work.parent)
    return [record.getMessage() for record in caplog.records]


def steps(work) -> list[str]:
    return sorted(path.name for path in (work / "checkpoints").iterdir() if path.name.isdigit())


def test_names_are_those_of_the_checkpoints(work):
    assert name_of(MARKS) == work.name


def test_what_is_sound_is_left_alone(work, caplog, tmp_path):
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert mended(work, caplog) == [] and not list(resumable.damages(work))
    assert {path: path.read_bytes() for path in work.rglob("*") if path.is_file()} == before
    resumable.mend(tmp_path / "none")


@pytest.mark.parametrize("keep_time", [False, True], ids=["new time", "old time"])
@pytest.mark.parametrize("name", ["arrays/data", "position/metadata"])
def test_a_damaged_checkpoint_is_removed(work, caplog, name, keep_time):
    path = work / "checkpoints/8" / name
    stat = path.stat()
    flip(path, times=(stat.st_atime_ns, stat.st_mtime_ns) if keep_time else None)
    assert [found for found, _ in resumable.damages(work)] == [path]
    assert mended(work, caplog) == [f"checkpoint of step 8 is damaged ({name}): falling back to the one before"]
    assert steps(work) == ["3"] and not list(resumable.damages(work))


def test_a_file_that_is_gone_counts_too(work, caplog):
    (work / "checkpoints/3/arrays/metadata").unlink()
    assert len(mended(work, caplog)) == 1 and steps(work) == ["8"]


def test_damaged_best_weights_are_put_back(work, caplog):
    right = (work / "best.safetensors").read_bytes()
    flip(work / "best.safetensors")
    (said,) = mended(work, caplog)
    assert said.endswith("best.safetensors is not what was saved with the checkpoint: put back from its copy")
    assert (work / "best.safetensors").read_bytes() == right and steps(work) == ["3", "8"]


def test_without_a_copy_the_run_starts_again(work, caplog):
    for name in (resumable.BEST, resumable.SPARE):
        flip(work / name)
    (said,) = mended(work, caplog)
    assert said.endswith("is damaged, and so is its copy: the run starts again from its first step")
    assert not (work / "checkpoints").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"seed": 7}'], ids=["empty", "cut", "no object", "another's"])
def test_a_damaged_fingerprint_is_said_and_costs_nothing(work, caplog, content):
    """One that reads well used to stop the run with "holds another run's checkpoints"."""
    (work / "fingerprint.json").write_text(content)
    assert [found.name for found, _ in resumable.damages(work)] == ["fingerprint.json"]
    said = mended(work, caplog)
    assert work_folder(work.parent, MARKS) == work and steps(work) == ["3", "8"]
    said += [record.getMessage() for record in caplog.records]
    assert f"{work / 'fingerprint.json'} is damaged; the folder is known by its name all the same" in said
    assert json.loads((work / "fingerprint.json").read_text()) == MARKS


@pytest.mark.parametrize("content", [None, "", '{"steps": 3}', "[]"])
def test_without_its_seal_a_checkpoint_is_read_as_before(work, caplog, content):
    (work / resumable.SEAL).unlink() if content is None else (work / resumable.SEAL).write_text(content)
    flip(work / "best.safetensors")
    assert mended(work, caplog) == [] and steps(work) == ["3", "8"]


def test_folders_of_another_name_are_nobodys(work, caplog):
    shutil.copytree(work, work.parent / "kept-by-hand")
    assert mended(work, caplog) == []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return results(folder)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run with two checkpoints, the second of them of epoch 2, step 2."""
    folder = tmp_path_factory.mktemp("interrupted")

    def sealed(event):
        if event["state"] == "saved":
            resumable.seal(next((folder / "work").iterdir()))

    for taken in ([3], [5]):
        with pytest.MonkeyPatch.context() as patched:
            stop_after(patched, taken)
            with pytest.raises(SystemExit), progress.listening(sealed):
                run(folder)
    return folder


def another_best_loss(work):
    """A position whose JSON is as good as before: the run would believe it."""
    (path,) = [p for p in (work / "checkpoints/8").rglob("*") if p.is_file() and b"best_loss" in p.read_bytes()]
    path.write_text(json.dumps({**json.loads(path.read_text()), "best_loss": 0.0}))


def other_weights(work):
    """As a kill between the best weights and the checkpoint leaves them."""
    shutil.rmtree(work / "checkpoints/8")
    flip(work / "best.safetensors")


def no_weights(work):
    for name in (resumable.BEST, resumable.SPARE):
        flip(work / name)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [another_best_loss, other_weights, no_weights])
def test_whatever_is_damaged_the_run_ends_with_the_same_bits(interrupted, tmp_path, undisturbed, damage):
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    (work,) = (tmp_path / "work").iterdir()
    damage(work)
    resumable.mend(tmp_path / "work")
    run(tmp_path)
    assert results(tmp_path) == undisturbed


def test_what_orbax_noted_of_a_checkpoint_may_be_damaged(tmp_path, caplog):
    made = Checkpoints(tmp_path)
    for step in (1, 2):
        made.save(step, {"w": np.arange(3.0)}, {"epoch": step})
    made.close()
    (tmp_path / "checkpoints/2/_CHECKPOINT_METADATA").write_text('{"init_timestamp_nsecs": "x"}')
    found = Checkpoints(tmp_path)
    arrays, position = found.restore()
    found.close()
    assert position == {"epoch": 2} and (arrays["w"] == np.arange(3.0)).all()
    assert "what Orbax noted of the checkpoints" in caplog.text
