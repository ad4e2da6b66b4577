"""A file is what was written, or whoever reads it says so in one line."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from qcxr.errors import InputError
from qcxr.study import digests
from qcxr.study.digests import COMMAND, DamagedRecord, check, forget, record_file, recorded, seal
from qcxr.study.readable import unreadable


def flip(path, *, times=None, at=None):
    """Turn one bit of a file in its place; `times`: give it those back."""
    content = bytearray(path.read_bytes())
    at = len(content) // 2 if at is None else at
    content[at] ^= 1
    with open(path, "r+b") as file:
        file.write(content)
    if times is not None:
        os.utime(path, ns=times)


@pytest.fixture
def made(tmp_path):
    """Two files: weights made of films."""
    films, weights = tmp_path / "packed/films.npy", tmp_path / "runs/seed0/best.safetensors"
    for path in (films, weights):
        path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(3000))
    seal([films], {})
    seal([weights], check([films]))
    return films, weights


def test_sound_files_are_read_and_their_digests_are_those_of_the_bytes(made):
    import hashlib  # the other way to the same number

    assert check(made) == {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.mark.parametrize("keep_time", [False, True], ids=["new time", "old time"])
@pytest.mark.parametrize("at", [0, 1500, 2999])
def test_one_bit_is_one_line_that_names_the_file_and_the_way_out(made, keep_time, at):
    films, _ = made
    stat = films.stat()
    flip(films, at=at, times=(stat.st_atime_ns, stat.st_mtime_ns) if keep_time else None)
    with pytest.raises(InputError) as said:
        check(made)
    assert str(said.value).startswith(f"{films} is damaged: its bytes are not those that were written (")
    assert str(said.value).endswith(f"make it again: rm {films} && snakemake --cores 2 {films}") and "\n" not in str(
        said.value
    )


def test_in_a_job_the_way_out_is_the_command_that_started_it(made, monkeypatch):
    monkeypatch.setenv(COMMAND, "")
    digests.offer(["--cores", "4", "--configfile", "my study.yaml"])
    assert digests.remade("a.csv") == "make it again: rm a.csv && snakemake --cores 4 --configfile 'my study.yaml'"


def test_cut_short_grown_and_emptied_files_are_found(made):
    films, _ = made
    whole = films.read_bytes()
    for content in (b"", whole[:-1], whole + b"\0"):
        films.write_bytes(content)
        with pytest.raises(InputError, match="is damaged"):
            check([films])


def test_what_has_no_record_is_read_without_a_check(tmp_path):
    (tmp_path / "old.csv").write_text("a\n1\n")
    assert recorded(tmp_path / "old.csv") is None
    assert list(check([tmp_path / "old.csv", tmp_path / "gone.csv", tmp_path])) == [str(tmp_path / "old.csv")]


def test_a_damaged_record_is_told_apart_from_a_damaged_file(made):
    films, _ = made
    where = record_file(films)
    whole = where.read_bytes()
    for at in range(0, len(whole), 7):
        flip(where, at=at)
        with pytest.raises(InputError) as said:
            check([films])
        assert isinstance(said.value, DamagedRecord), where.read_text()
        assert str(said.value).startswith(f"{where} is damaged, so nobody knows whether {films} is what was written; ")
        where.write_bytes(whole)
    where.write_bytes(b"")
    with pytest.raises(DamagedRecord):
        check([films])


def test_a_file_that_is_begun_anew_has_no_record_until_it_is_finished(made):
    films, weights = made
    forget(made)
    flip(films)
    assert recorded(films) is None and set(check(made)) == {str(films), str(weights)}


def test_records_move_with_their_folder_and_say_what_a_file_was_made_of(made, tmp_path):
    films, weights = made
    digest = check([films])[str(films)]
    for parent in ("packed", "runs"):
        shutil.move(tmp_path / parent, tmp_path / "elsewhere" / parent)
    weights = tmp_path / "elsewhere/runs/seed0/best.safetensors"
    (path, then), *others = recorded(weights).made_of.items()
    assert then == digest and not others
    assert (weights.parent / path).resolve() == tmp_path / "elsewhere/packed/films.npy"


def test_the_files_of_a_folder_have_a_record_each(tmp_path):
    (tmp_path / "tables/deep").mkdir(parents=True)
    for name in ("a.csv", "deep/b.csv"):
        (tmp_path / "tables" / name).write_text("x\n")
    seal([tmp_path / "tables"], {})
    seal([tmp_path / "tables"], {})  # records have none
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob(f"{digests.FOLDER}/*")) == [
        "tables/.digests/a.csv.json",
        "tables/deep/.digests/b.csv.json",
    ]


def test_packed_films_of_a_version_without_records_have_theirs_in_their_json(tmp_path):
    films, index, about = (tmp_path / f"nih-train.{suffix}" for suffix in ("npy", "parquet", "json"))
    np.save(films, np.arange(8, dtype=np.uint8).reshape(2, 2, 2))
    pd.DataFrame({"image_id": ["a", "b"]}).to_parquet(index)
    found = check([films, index])
    about.write_text(json.dumps({"sha256": {"images": found[str(films)], "index": found[str(index)]}}))
    assert check([films, index]) == found
    for path in (films, index):
        flip(path)
        with pytest.raises(InputError, match=f"{path} is damaged"):
            check([films, index])
        flip(path)
    about.write_text("{")  # its own reader says so
    assert check([films, index]) == found


@pytest.mark.parametrize("name", ["run.json", "metrics.csv", "nih.parquet", "films.npy", "best.safetensors"])
def test_what_cannot_be_read_is_named(tmp_path, name):
    (tmp_path / "good.json").write_text("{}")
    (tmp_path / "good.csv").write_text("a\n1\n")
    (tmp_path / "notes.txt").write_bytes(b"\xff")
    (tmp_path / name).write_bytes(b"")
    said = unreadable([tmp_path / "gone.json", *sorted(tmp_path.iterdir())])
    assert said.startswith(f"{tmp_path / name} is damaged and cannot be read (") and said.endswith(
        f"rm {tmp_path / name} && snakemake --cores 2 {tmp_path / name}"
    )
    (tmp_path / name).unlink()
    assert unreadable(tmp_path.iterdir()) is None


def test_the_way_out_names_the_studys_configuration(tmp_path, monkeypatch):
    monkeypatch.delenv(COMMAND, raising=False)
    file = tmp_path / "a.csv"
    file.write_text("x")
    seal([file], {})
    file.write_text("y")
    with pytest.raises(InputError, match=rf"rm {file} && snakemake --cores 2 {file} --configfile a.yaml 'b c.yaml'$"):
        check([file], ["a.yaml", "b c.yaml"])
