"""Folders that are searched for films."""

import pytest

from qcxr.data import listing
from qcxr.errors import InputError


def test_folders_are_searched(tmp_path):
    for name in (
        "b/1.PNG",
        "b/a/2.dcm",
        "a.jpeg",
        "notes.txt",
        ".hidden/3.png",
        "b/IM0001",
        "b/IM0002",
        "1.2.84.1",
        "D/DICOMDIR",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(128) + b"DICM" if name[-1] in "1R" else b"x")
    found = [path.removeprefix(f"{tmp_path}/") for path in listing.films([tmp_path, "named.tif"])]
    assert found == ["1.2.84.1", "a.jpeg", "b/1.PNG", "b/IM0001", "b/a/2.dcm", "named.tif"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty has no film \(.png, .jpg"):
        listing.films([tmp_path / "a.jpeg", tmp_path / "empty"])
