"""Files of tables: formats that say the same, and files that are damaged or hold something else."""

import gzip
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qcxr.data.tablefile import read_columns
from qcxr.errors import InputError

from .tables import BARE, FILMS, frame, shown


def test_formats_give_the_same_frame(tmp_path):
    expected = frame(tmp_path)
    frames = pd.read_csv(io.StringIO(FILMS), sep=";", dtype=str)
    whole = pd.read_csv(io.StringIO(FILMS), sep=";")  # numbers and all
    frames.to_csv(tmp_path / "films.tsv", sep="\t", index=False)
    frames.to_csv(tmp_path / "films.csv.gz", index=False)
    frames.assign(empty="").to_csv(tmp_path / "bom.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    frames.sample(frac=1, random_state=0)[frames.columns[::-1]].to_csv(tmp_path / "shuffled.csv", index=False)
    whole.to_parquet(tmp_path / "films.parquet")
    for name in ("films.tsv", "films.csv.gz", "bom.csv", "shuffled.csv", "films.parquet"):
        found = frame(tmp_path, None, name=name)
        pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index(), obj=name)


def test_lists_in_a_parquet_file_are_refused(tmp_path):
    pd.DataFrame({"f": ["a"], "found": [["mass", "nodule"]]}).to_parquet(tmp_path / "films.parquet")
    keys = BARE | {"findings": {"column": "found"}, "labels": ["Mass"]}
    with pytest.raises(
        InputError, match=r"column found of .*films\.parquet holds lists or records; write them as text"
    ):
        frame(tmp_path, None, name="films.parquet", **keys)


def test_a_column_that_a_parquet_file_has_twice_is_refused(tmp_path):
    pq.write_table(pa.table([["a"], [1], [0]], names=["f", "Mass", "Mass"]), tmp_path / "films.parquet")
    with pytest.raises(InputError, match=r"films\.parquet has the column Mass twice; rename one of them"):
        frame(tmp_path, None, name="films.parquet", **BARE | {"labels": ["Mass"]})


def test_cells_are_counted_and_commas_at_the_end_of_each_row_count_for_nothing(tmp_path):
    for text in ("f,p,note,Mass,Edema\na,1,x,0,1,\nb,2,y,1,0,\n", "f,p,note,Mass,Edema,\na,1,x,0,1,\nb,2,y,1,0,\n"):
        found = frame(tmp_path, text, **BARE)
        assert shown(found, "Mass") == {"a": 0, "b": 1} and shown(found, "Edema") == {"a": 1, "b": 0}


def test_booleans_and_long_ids_of_a_parquet_file(tmp_path):
    ids = pd.array([9007199254740993, None, 2, 3], dtype="Int64")
    whole = pd.DataFrame({"f": list("abcd"), "n": ids, "Mass": [True, False, True, False]})
    expected = {"a": 1, "b": 0, "c": 1, "d": 0}
    for gap, values in (
        (0, {}),
        (1, {}),
        (1, {"positive": [1], "negative": [0]}),
        (0, {"positive": [True], "negative": [False]}),
    ):
        whole.assign(Mass=whole["Mass"].astype(object).where(whole.index < 4 - gap)).to_parquet(
            tmp_path / "films.PARQUET"
        )
        found = frame(tmp_path, None, name="films.PARQUET", **BARE | {"labels": ["Mass"], "blank": "zero"} | values)
        assert shown(found, "Mass") == expected
    assert read_columns(tmp_path / "films.PARQUET", ["n", "Mass"]).to_numpy().tolist() == [
        ["9007199254740993", "true"], [None, "false"], ["2", "true"], ["3", "false"]
    ]  # fmt: skip


def test_damaged_files_are_refused_by_name(tmp_path):
    pd.DataFrame({"f": [f"film {k * k}" for k in range(5000)], "Mass": 1}).to_parquet(tmp_path / "films.parquet")
    (tmp_path / "films.csv.gz").write_bytes(
        gzip.compress("\n".join(["f,Mass", *(f"{k * k},1" for k in range(5000))]).encode())
    )
    for name in ("films.parquet", "films.csv.gz"):
        whole = bytearray((tmp_path / name).read_bytes())
        for at in range(30, 3000):
            whole[at] ^= 0xA5
        (tmp_path / name).write_bytes(whole)
        with pytest.raises(InputError, match=f"{name} is not a? ?readable"):
            frame(tmp_path, None, name=name, **BARE | {"labels": ["Mass"]})
