"""Tables and records as the fuzzer damaged them: one line that names the file, no traceback."""

import io
import json

import pandas as pd
import pytest

from qcxr.analysis import choice, inputs, metrics, predictions
from qcxr.errors import InputError

HEAD = b"image_id,patient_id,p_Mass,y_Mass\nf0,p0,0.5,1\n"
RUN = {"task": "t", "head": "cdl", "seed": 0, "config": "{}"}


def parquet(**columns):
    out = io.BytesIO()
    pd.DataFrame({"image_id": ["f0"], "patient_id": ["p0"], "p_Mass": [0.5], "y_Mass": [1], **columns}).to_parquet(out)
    return out.getvalue()


TABLES = {
    "a pickle": ("p.csv", b"\x80\x02ctests.fuzz.mutate\n_tell\nq\x00)Rq\x01.", "cannot be read ('utf-8' codec"),
    "too many cells": (
        "p.csv",
        HEAD + b"f1,p1,0.5,1,7,8\n",
        "cannot be read (Error tokenizing data. C error: Expected",
    ),
    "no UTF-8 below": ("p.csv", HEAD + b"f1,p\xf9,0.5,1\n", "cannot be read ('utf-8' codec can't decode byte 0xf9"),
    "a list": ("p.csv", HEAD + b"f1,p1,[],1\n", "p_Mass (got '[]') must hold numbers; correct it"),
    "zeros": ("p.csv", HEAD + b"f1,p1,0.\x00\x002021302,1\n", "p_Mass (got '0.\\x00\\x002021302') must hold numbers"),
    "words": ("p.csv", HEAD + b"f1,p1,0.5,yes\n", "y_Mass (got 'yes') must hold numbers"),
    "emptied": ("p.parquet", b"", "cannot be read ("),
    "a page of it": ("p.parquet", parquet()[:40] + b"\0" * 20 + parquet()[60:], "cannot be read ("),
    "cut": ("p.parquet", parquet()[:-5], "cannot be read ("),
    "ids without UTF-8": (
        "p.parquet",
        parquet().replace(b"\x02\x00\x00\x00f0", b"\x02\x00\x00\x00f\xf9"),
        "cannot be read (",
    ),
    "lists": ("p.parquet", parquet(p_Mass=[[0.5]]), "must hold numbers; correct it"),
}


@pytest.mark.parametrize("what", TABLES)
def test_a_damaged_prediction_table(tmp_path, what):
    name, data, said = TABLES[what]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        predictions.read(tmp_path / name)
    assert said in str(caught.value) and str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_names_with_line_breaks_stay_on_the_messages_line():
    assert predictions.few(["i\r\nge_id", "p_Mass"]) == "i ge_id, p_Mass"
    frame = pd.DataFrame([["f0", "p0", 0.5, 1]], columns=["i\nge_id", "patient_id", "p_Mass", "y_Mass"])
    with pytest.raises(InputError, match="column image_id is missing, got i ge_id, "):
        predictions.check(frame)


def test_two_columns_of_one_name():
    frame = pd.DataFrame([["f0", "p0", 0.5, 1, 0]], columns=["image_id", "patient_id", "p_Mass", "y_Mass", "y_Mass"])
    for columns in (list(frame), [*list(frame)[:4], 5]):
        with pytest.raises(
            InputError, match="every column must have a name of its own, a text, got '?(y_Mass|5)'?; na"
        ):
            predictions.check(frame.set_axis(columns, axis=1))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"head": "cdl"}', '{"task": "t", "head": "c", "seed": []}'])
def test_a_damaged_record_of_a_run(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run.json is not a run's record \(.*\); train the run again$"):
        inputs.run_key(tmp_path)


def test_a_record_whose_settings_are_damaged(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RUN | {"config": "{"}))
    with pytest.raises(InputError, match="is not a run's record"):
        inputs.read_run(tmp_path)


CHOICE = '{"task": "t", "head": "c", "seed": 0, "metric": "auroc", "lower_is_better": false, "trial": 0, "trials": []}'


@pytest.mark.parametrize("text", ["", "[]", '{"values": 1}', '{"values": {}, "trials": [1]}', CHOICE])
def test_a_damaged_choice(tmp_path, text):
    (tmp_path / "cdl.json").write_text(text)
    with pytest.raises(InputError, match=r"cdl.json is not the choice of a search \(.*\); choose again: remove it and"):
        choice.collect([tmp_path / "cdl.json"], tmp_path / "search.csv")


def test_metrics_of_no_table(tmp_path):
    (tmp_path / "m.csv").write_bytes(b"task,head\n\xff\n")
    with pytest.raises(InputError, match=r"m.csv: cannot be read \('utf-8' codec can't decode"):
        metrics.read_metrics(tmp_path / "m.csv")
