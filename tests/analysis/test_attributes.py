"""Tables of attributes as people have them: names, blanks, further columns, refusals."""

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import attributes
from qcxr.errors import InputError

CSV = """image_id,Patient Sex,AGE,ViewPosition,site,follow_up,report,patient_id
films/a.png,F,43,AP,north,1,,p1
b.jpg,M,,PA,south,2,,p1
1.2.840.99,,411,,N/A,3,,p2
"""


def write(folder, text=CSV, name="groups.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_table_is_read_by_film_name(tmp_path):
    found = attributes.read_groups(write(tmp_path))
    assert list(found.index) == ["a", "b", "1.2.840.99"] and list(found) == ["sex", "age", "view", "site"]
    assert found["sex"].tolist() == ["F", "M", ""] and found["site"].tolist() == ["north", "south", ""]
    np.testing.assert_array_equal(found["age"], [43.0, np.nan, 411.0])
    assert found.attrs["passed_over"] == {
        "follow_up": "it holds numbers, not the names of groups",
        "report": "it is empty",
    }


def test_ages_as_dicom_writes_them(tmp_path):
    found = attributes.read_groups(write(tmp_path, "Image Index,Patient Age\na.png,058Y\nb.png,006M\nc.png,073D\n"))
    assert found["age"].to_dict() == {"a": 58.0, "b": 0.5, "c": 0.2}


def test_parquet_and_many_texts(tmp_path):
    frame = pd.DataFrame({"path": [f"d/{k}.png" for k in range(30)], "sex": pd.array(["F", None, "M"] * 10)})
    frame["age"] = pd.array([50, None, 7] * 10, dtype="Float32")
    frame["note"] = [f"note {k}" for k in range(30)]
    frame.to_parquet(tmp_path / "g.parquet")
    found = attributes.read_groups(tmp_path / "g.parquet")
    assert found["sex"].tolist() == ["F", "", "M"] * 10 and found["age"].tolist()[::3] == [50.0] * 10
    assert found["age"].isna().sum() == 10
    assert found.attrs["passed_over"] == {"note": "it holds 30 different texts, more than 20"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image_id,sex\n", "no rows"),
        ("", "the file is empty"),
        ("image_id,sex\n,F\n", "1 rows have no film name in column 'image_id'"),
        ("image_id,sex\nx/a.png,F\na.jpg,M\n", "film given twice: a; keep one row per film"),
        ("image_id,age\na,40\nb,old\n", "age must be years as a number, got 'old' in data row 2"),
        ("image_id,sex,gender\na,F,F\n", "columns 'sex' and 'gender' both mean sex; keep one of them"),
        ("image_id,n\na,3\n", "no column of groups, got image_id, n; add sex, age, view or another text"),
    ],
)
def test_what_cannot_be_grouped_by_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        attributes.read_groups(write(tmp_path, text))
    with pytest.raises(InputError, match="no such file"):
        attributes.read_groups(tmp_path / "none.csv")
