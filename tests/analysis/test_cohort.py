"""Who is behind the films: counted from manifests, said in words, nothing where nothing is known."""

import pandas as pd

from qcxr.analysis.cohort import cohort, dropped, shared_patients, shown, with_attributes
from qcxr.analysis.tablefile import read_table

from . import manifested


def small():
    return pd.DataFrame(
        {
            "image_id": list("abcde"),
            "patient_id": ["1", "1", "2", "3", "4"],
            "split": ["train", "train", "train", "train", "test"],
            "age": pd.array([40, 40, 60, None, None], dtype="Float32"),
            "sex": pd.array(["F", "F", "M", None, None], dtype="string"),
            "view": pd.array(["PA", "AP", "PA", "PA", None], dtype="string"),
        }
    )


def test_films_patients_ages_sexes_and_views_of_each_split():
    frame = cohort({"nih": small()})
    assert frame.to_dict("records") == [
        {
            "dataset": "nih", "split": "train", "films": 4, "patients": 3, "age": "40 (40 to 50), 1 unknown",
            "sex": "F 67 %, M 33 %, 1 unknown", "view": "AP 25 %, PA 75 %",
        },
        {"dataset": "nih", "split": "test", "films": 1, "patients": 1, "age": "", "sex": "", "view": ""},
    ]  # fmt: skip
    assert list(shown(frame)["Age"]) == ["40 (40 to 50), 1 unknown", "—"]
    assert list(shown(frame[1:])) == ["Data set", "Split", "Films", "Patients"]


def test_a_table_of_attributes_stands_in_for_the_manifests_own():
    table = pd.DataFrame({"image_id": list("edcb"), "sex": ["M", "M", "F", "M"], "age": [1.0, 2.0, 3.0, 4.0]})
    both = with_attributes(small(), table)
    assert list(both["sex"].fillna("?")) == ["?", "M", "F", "M", "M"] and list(both["view"].fillna("?"))[-1] == "?"
    assert list(both["age"].fillna(0)) == [0, 4, 3, 2, 1]


def test_patients_in_two_splits_are_counted_per_data_set():
    leaky = small().assign(patient_id=["1", "1", "2", "3", "1"])
    assert shared_patients({"nih": small()}) == 0 and shared_patients({"nih": leaky, "mimic": small()}) == 1


def test_films_left_out_for_their_view_are_kept_in_the_manifest(tmp_path):
    paths = manifested.write(tmp_path)
    assert dropped({path.stem: read_table(path) for path in paths}) == ["MIMIC-CXR-LT: left out: 2 LATERAL."]
