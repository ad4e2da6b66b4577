"""No room for a checkpoint or for weights: one line, what was there stays, and with room it goes on."""

import logging

import numpy as np
import pytest

from qcxr.errors import InputError
from qcxr.models import arrays
from qcxr.training.checkpoint import Checkpoints

BYTES = 500_000


def state(value):
    return {"00000": np.random.default_rng(value).random(BYTES // 4, np.float32)}


def test_a_checkpoint_without_room_leaves_the_one_before(small_disk, caplog):
    made = Checkpoints(small_disk)
    made.save(1, state(1), {"epoch": 1})
    (small_disk / "filling").write_bytes(bytes(300_000))
    with pytest.raises(
        InputError, match=r"checkpoints cannot be written \(No space left on device\); free space or choose"
    ):
        made.save(2, state(2), {"epoch": 2})
    made.close()
    assert [path.name for path in (small_disk / "checkpoints").iterdir()] == ["1"]

    again = Checkpoints(small_disk)
    with caplog.at_level(logging.WARNING):
        found, position = again.restore()
    np.testing.assert_array_equal(found["00000"], state(1)["00000"])
    assert position == {"epoch": 1} and "damaged" not in caplog.text
    (small_disk / "filling").unlink()
    again.save(3, {"00000": np.ones(4, np.float32)}, {"epoch": 3})
    assert again.restore()[1] == {"epoch": 3}
    again.close()


def test_another_error_of_a_save_stays_what_it_is(tmp_path, monkeypatch):
    made = Checkpoints(tmp_path)
    half = tmp_path / "checkpoints/1.orbax-checkpoint-tmp"

    def broken(*_, **__):
        half.mkdir()
        raise ValueError("something else")

    monkeypatch.setattr(made._manager, "save", broken)
    with pytest.raises(ValueError, match="something else"):
        made.save(1, state(1), {"epoch": 1})
    assert not half.exists()
    made.close()


def test_weights_without_room_leave_the_file_that_is_there(small_disk):
    path = small_disk / "best.safetensors"
    arrays.write(path, state(1))
    with pytest.raises(InputError, match=r"best.safetensors cannot be written \(No space left on device\); free"):
        arrays.write(path, {"a": np.zeros(BYTES, np.float32)})
    assert [one.name for one in small_disk.iterdir()] == [path.name]
    np.testing.assert_array_equal(arrays.read(path)[0]["00000"], state(1)["00000"])
