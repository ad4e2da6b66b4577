"""A fixed sample of damaged files for every reader: read, or refused in one line. `python -m tests.fuzz` has no end."""

import random

import pytest

from tests.fuzz.drive import fuzz, made, some, tried
from tests.fuzz.mutate import PICKLES, Told
from tests.fuzz.readers import READERS

# files that take long each: a network is built, a database or a checkpoint is opened
FEW = {"weights": 4, "checkpoint": 2, "cache": 10, "packed": 50, "configuration": 15, "labels": 40, "table": 80}


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_refused_in_one_line_and_pickles_never_executed(name, tmp_path, unchecked):
    if name in ("torch", "dicom"):
        pytest.importorskip({"torch": "torch", "dicom": "pydicom"}[name])
    reader = made(name, tmp_path / name)
    for file in some(reader, 4):
        fault = tried(reader, file, PICKLES[len(file) % len(PICKLES)])
        assert fault is None, fault.said
    count = FEW.get(name, 150)
    faults = [fault for fault in fuzz(reader, random.Random(17), lambda n: n < count) if fault]
    assert not faults, faults[0].said


def test_a_pickle_that_is_executed_would_be_told():
    import pickle

    Told.read = False
    pickle.loads(PICKLES[0])
    assert Told.read
