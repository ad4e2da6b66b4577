"""torch's files as the fuzzer damaged them: one line, no traceback."""

import struct

import pytest

from qcxr.errors import InputError
from qcxr.models import torchfile

pytest.importorskip("torch")


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 2) + b"PK\x05\x06" + bytes(18),  # a zip file that spans two disks
        b"PK\x03\x04" + bytes(40),
        b"",
    ],
    ids=["of two disks", "a head of a zip file", "empty"],
)
def test_a_damaged_file_is_one_line(tmp_path, data):
    (tmp_path / "w.pt").write_bytes(data)
    with pytest.raises(InputError, match=r"w.pt (is not a torch file that can be read|cannot be read without running)"):
        torchfile.read(tmp_path / "w.pt")
