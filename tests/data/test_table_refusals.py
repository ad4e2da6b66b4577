"""What is refused of a table, with file and row, and of its keys in the configuration."""

import pytest

from qcxr.data import sources
from qcxr.data.columns import KEYS as KEYS_OF_MANIFESTS
from qcxr.data.columns import OPTIONAL
from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.errors import InputError
from qcxr.study.config import parse
from qcxr.study.table import NOT_LABELS
from tests.study.studies import study

from .tables import BARE, KEYS, filled, frame, table

BOTH = "f,who,Mass,Edema\na,1,1,0\nb,2,0,0\n"
REFUSED = [
    # what is in the table, keys, what is said
    ("f,Mass\na,1\n", {}, "table {file} lacks the column Edema; it has f, Mass: correct the source's keys"),
    (BOTH, {"patient": "subject"}, "table {file} lacks the column subject; it has f, who, Mass, Edema"),
    (BOTH, {"keep": {"v": ["PA"]}}, "table {file} lacks the column v"),
    ("f,Mass,Mass,Edema\na,1,1,0\n", {}, "table {file} has the column Mass twice; rename one of them"),
    ("f,note,Mass,Edema\na,x,1,0\nb,0,0,1,0\n", {}, "table {file} is not a readable CSV (Error tokenizing data."),
    ("f,note,Mass,Edema\nb,0,0,1,0\na,x,1,0\n", {}, "table {file} is not a readable CSV (Length of header or"),
    ("f,Mass,Edema\na,1,0\nb,1,\nc,,\n", {}, "label Edema is empty in data row 2 of {file} (2 such row(s)); write"),
    ("f,Mass,Edema\na,1,0\nb,maybe,0\n", {}, "got 'maybe' in data row 2 of {file} (1 such row(s)); say what it means"),
    ("f,Mass,Edema\na,1,-1\n", {}, "Edema must be one of 0, 1, absent, false, n, negative, no, positive, pres"),
    ("f,Mass,Edema\na,1,0.5\n", {}, "Edema must be one of"),
    ("f,Mass,Edema\na,1,0\n../b,0,0\n", {}, "path '../b' must stay inside the image root (relative, no '..'), in data"),
    ("f,Mass,Edema\n/etc/passwd,1,0\n", {}, "path '/etc/passwd' must stay inside the image root"),
    ("f,Mass,Edema\n,1,0\n", {}, "path is empty in data row 1 of {file} (column f, 1 such row(s)); fill it"),
    ("f,Mass,Edema\na,1,0\nb,0,0\na,1,0\n", {}, "film a is listed twice, in data row 1 of {file} and in data row 3 of"),
    ("f,i,Mass,Edema\na,1,1,0\na,2,0,0\n", {"id": "i"}, "film a is listed twice, in data row 1 of {file} and in"),
    ("f,i,Mass,Edema\na,1,1,0\nb,1,0,0\n", {"id": "i", "rows": "any"}, "film 1 has another path in data row 2 of"),
    ("f,s,who,Mass,Edema\na,train,1,1,0\nb,test,1,0,0\n", {"split": "s", "patient": "who"},
     "patient 1 is in two splits, train (data row 1 of {file}) and test (data row 2 of {file}) (1 such"),
    ("f,s,Mass,Edema\na,train,1,0\nb,later,0,0\n", {"split": "s"}, "split: s must be one of dev, development, test,"),
    ("f,Mass,Edema\na,1,0\n", {"split": {"column": "f", "lists": {"train": "nowhere.txt"}}}, "list nowhere.txt cannot"),
    ("f,Mass,Edema\n", {}, "no row is in {file}; write them again"),
    ("", {}, "table {file}"),
    (BOTH, {"keep": {"who": [3]}}, "keep leaves no row: who is never 3, but 1, 2; correct the source's keep"),
    (BOTH, {"id": {"column": "f", "pattern": "x(.*)"}}, "id of 'a' does not match the pattern x(.*) in data row 1"),
    (BOTH, {"join": {"file": "{file}.who", "by": "who"}, "labels": {"Mass": "sick"}},
     "table {file}.who has no row of who 2, which data row 2 of {file} has (1 such row(s)); add it"),
    (BOTH, {"join": {"file": "{file}.twice", "by": "who"}, "labels": {"Mass": "sick"}},
     "table {file}.twice has several rows of who 1 that differ; keep one row of each"),
    (BOTH, {"files": ["{file}", "{file}"]}, "files name {file} twice; name it once"),
    (BOTH, {"files": ["{file}", "{file}.who"]}, "table {file}.who lacks the columns Edema, Mass, f; it has who, sick"),
    ("f,who,Mass,sick\na,1,1,0\n", {"files": ["{file}", "{file}.more"], "labels": {"Mass": "sick"},
     "join": {"file": "{file}.who", "by": "who"}},
     "column sick is in {file} and in the joined {file}.who, but not in {file}.more; take it out"),
    (BOTH, {"split": {"column": "f", "lists": {"train": "{file}.list", "test": "{file}.list"}}},
     "list {file}.list says that a is of test, another list that it is of train; keep one"),
    (BOTH, {"split": "split"}, "table {file} lacks the column split"),
    (BOTH, {"path": "{split}/{f}", "labels": {"Mass": "split"}}, "table {file} lacks the column split"),
    (BOTH, {"path": "split"}, "table {file} lacks the column split"),
    (BOTH, {"age": "years"}, "table {file} lacks the column years"),
    ("f,y,Mass,Edema\na,58,1,0\nb,58y,0,0\n", {"age": "y"},
     "age must be years or like 058Y, 013M, 004D, got '58y' in data row 2 of {file} (1 such row(s)); correct"),
    ("f,Mass,Edema\na/b,1,0\na/./b,1,0\n", {}, "film a/b is listed twice, in data row 1 of {file} and in data row 2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "keys", "said"), REFUSED, ids=[said[:50] for _, _, said in REFUSED])
def test_refused_with_file_and_row(tmp_path, text, keys, said):
    file = str(tmp_path / "films.csv")
    (tmp_path / "films.csv.who").write_text("who,sick\n1,1\n")
    (tmp_path / "films.csv.twice").write_text("who,sick\n1,1\n1,0\n2,0\n")
    (tmp_path / "films.csv.more").write_text("f,who,Mass\nc,2,0\n")
    (tmp_path / "films.csv.list").write_text("a\n")
    with pytest.raises(InputError) as caught:
        frame(tmp_path, text, **BARE | filled(keys, file))
    message = str(caught.value)
    assert said.replace("{file}", file) in message and "\n" not in message


def test_an_empty_split_is_refused_with_the_reason(tmp_path):
    section = table(tmp_path, keep={"set": ["trn", "dev"]})
    source = sources.Source("table", section.reader_options())
    with pytest.raises(
        InputError, match=r"ours has no film in split test, .*: no film to keep has that split by column set"
    ):
        write_manifest(source, ManifestFiles(tmp_path / "m.parquet"), dataset="ours", splits=["train", "val", "test"])


NAMES = (*KEYS_OF_MANIFESTS, *OPTIONAL)
CONFIGURED = [
    ({"labels": {"Effusion": "a", "pleural_effusion": "b"}}, "data.sources.ours.labels must name Effusion once"),
    ({"labels": {}}, "data.sources.ours.labels must name a label, got {}"),
    ({"labels": {"Mass": []}}, "data.sources.ours.labels must give Mass a column"),
    ({"labels": {"Mass": ["m", " "]}}, "data.sources.ours.labels must give Mass a column, got ['m', ' ']"),
    ({"labels": {"Mass": {"columns": "m", "positive": [1], "negative": ["1.0"]}}},
     "data.sources.ours.labels must have no value of Mass that is positive and negative, got '1'; set"),
    ({"positive": ["no"]}, "data.sources.ours.positive must have no value of negative, got 'no'"),
    ({"positive": [True], "negative": ["yes"]}, "data.sources.ours.negative must have no value of positive, got 'yes'"),
    ({"uncertain": {"values": [1], "taken_as": "one"}}, "data.sources.ours.uncertain must have no value of positive"),
    ({"uncertain": "ones"}, "data.sources.ours.uncertain: input should be 'zero', 'one' or 'missing'"),
    ({"files": {"train": "a.csv"}},
     "data.sources.ours.split must be null where files name the splits, got {'column': 'set', 'words': {'train': ["),
    ({"files": []}, "data.sources.ours.files: "),
    ({"files": {}}, "data.sources.ours.files must name a file, got {}"),
    ({"split": {"column": "set", "words": {}}}, "data.sources.ours.split.words must name a split, or be null, got {}"),
    ({"split": {"column": "set", "words": {"dev": ["a"]}}},
     "data.sources.ours.split.words.dev: input should be 'train', 'val' or 'test', got 'dev'; set"),
    ({"split": None}, "data.sources.ours must have films of the splits train, val, test, got none of val; add them"),
    ({"draw": {"val": 0.333}}, "data.sources.ours.draw.val must be a number of hundredths, like 0.1 or 0.25, got"),
    ({"draw": {"val": 0.5, "test": 0.5}}, "draw must take more than nothing and less than all of the films"),
    ({"patient": {"column": "p", "pattern": "("}}, "data.sources.ours.patient.pattern must be a regular expression"),
    ({"patient": {"column": "p", "pattern": "p[0-9]+"}}, "data.sources.ours.patient.pattern must have one group"),
    ({"folders": ["../other"]}, "data.sources.ours.folders must be folders below images, got '../other'"),
    ({"findings": {"column": "x"}, "labels": {"Mass": {"columns": "m", "positive": [1], "negative": [0]}}},
     "data.sources.ours.findings must be null where a label has columns of its own (Mass)"),
    ({"findings": {"column": "x"}, "uncertain": "zero"}, "data.sources.ours.uncertain must be null with findings"),
    *(({"labels": [name]}, "data.sources.ours.labels must have other names than image_id") for name in (*NAMES, " ")),
    ({"split": ""}, "data.sources.ours.split must be the name of a column"),
    ({"split": {"column": "set", "words": {"train": ["A", 1], "test": ["1.0"]}}},
     "data.sources.ours.split must have a word for one split, not for train and test, got '1'"),
    ({"folders": [""]}, "data.sources.ours.folders must be folders below images, got ''"),
    ({"folders": ["a**"]}, "data.sources.ours.folders must have ** only between slashes, got 'a**'"),
    ({"labels_": {}}, "data.sources.ours.labels_ is not a configuration key"),
    ({"kind": "tables"}, "data.sources.ours.kind must be one of nih, mimic, table, chexpert"),
    ({"metadata": None}, "data.sources.ours.metadata must not be there for kind table, it is a key of kind mimic"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "said"), CONFIGURED, ids=[said[:50] for _, said in CONFIGURED])
def test_refused_in_the_configuration(keys, said):
    ours = {"kind": "table", "images": "films", "files": "films.csv", **KEYS, **keys}
    with pytest.raises(InputError) as caught:
        parse(study(data__sources={"ours": ours}, data__train_on="ours", data__test_on=["ours"]))
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)
    assert set(NAMES) == set(NOT_LABELS)
