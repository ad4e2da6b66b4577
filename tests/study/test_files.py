"""Files are whole or absent, and a place that cannot be written is one line."""

import os
import subprocess
from pathlib import Path

import pytest

from qcxr.errors import InputError
from qcxr.study.files import make_parent, replacing, said_plainly, write_csv, write_json, write_parquet, write_text
from qcxr.study.provenance import digest_file


def test_write_json_leaves_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "x.json"
    write_json({"a": 1}, path)
    before = digest_file(path)
    with pytest.raises(TypeError):
        write_json({"a": object()}, path)
    assert digest_file(path) == before and [p.name for p in tmp_path.iterdir()] == ["x.json"]


@pytest.fixture
def writers():
    import pandas as pd

    frame = pd.DataFrame({"a": [1]})
    return [
        lambda path: write_text("a", path),
        lambda path: write_json({"a": 1}, path),
        lambda path: write_csv(frame, path),
        lambda path: write_parquet(frame, path),
        make_parent,
    ]


@pytest.mark.parametrize("below", ["x", "deeper/x", "much/deeper/x"])
def test_a_file_in_a_folders_place(tmp_path, monkeypatch, writers, below):
    monkeypatch.chdir(tmp_path)
    Path("results").write_text("a file")
    for root in (Path(), tmp_path):
        path = root / "results" / below
        for write in writers:
            with pytest.raises(InputError) as caught:
                write(path)
            assert str(caught.value) in {
                f"{path} cannot be written ({reason}); free space or choose another folder"
                for reason in ("Not a directory", "File exists")
            }


def test_a_read_only_disk(tmp_path, writers):
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        for path in (folder / "x", folder / "deeper/x", folder / "much/deeper/x"):
            for write in writers[:-1] if path.parent == folder else writers:
                with pytest.raises(InputError, match=r"x cannot be written \(Read-only file system\); free space or"):
                    write(path)
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_place_where_no_folder_can_be_made():
    with pytest.raises(InputError, match=r"/proc/none/x cannot be written \(No such file or directory\)"):
        write_text("a", "/proc/none/x")


def test_an_error_about_another_file_keeps_its_traceback(tmp_path):
    """What is read inside the block is not what is written."""
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(IsADirectoryError), replacing(tmp_path / "folder/x"):
        other.read_text()
    with pytest.raises(FileNotFoundError), said_plainly(tmp_path / "x"):
        (tmp_path / "y").read_text()
    with pytest.raises(OSError, match="Input/output error"), said_plainly(tmp_path / "x"):
        raise OSError(5, os.strerror(5))
