"""A fixed sample of damaged files for every reader: read, or refused in one line. `python -m tests.fuzz` has no end."""

import random

import pytest

from tests.fuzz.drive import fuzz, made
from tests.fuzz.readers import READERS

# files that take long each: a network is built, a database, a checkpoint
FEW = {"weights": 6, "checkpoint": 4, "cache": 12, "packed": 60, "configuration": 25}


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_refused_in_one_line(name, tmp_path, unchecked):
    if name in ("torch", "dicom"):
        pytest.importorskip({"torch": "torch", "dicom": "pydicom"}[name])
    reader = made(name, tmp_path / name)
    count = FEW.get(name, 150)
    faults = [fault for fault in fuzz(reader, random.Random(17), lambda n: n < count) if fault]
    assert not faults, faults[0].said
