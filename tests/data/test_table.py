"""`kind: table`: what columns mean, against frames written by hand, and what is refused, with file and row."""

import gzip
import io
import re

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest

from qcxr.data import attributes, draw, sources
from qcxr.data.columns import KEYS as KEYS_OF_MANIFESTS
from qcxr.data.columns import OPTIONAL
from qcxr.data.contract import check
from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.data.table import attributes as attributes_of
from qcxr.data.table import read, years
from qcxr.data.tablefile import read_columns
from qcxr.errors import InputError
from qcxr.study import slices
from qcxr.study.columns import By, Draw, Findings, Join, Label, Pattern, Uncertain
from qcxr.study.config import load, parse
from qcxr.study.kinds import OfItsKind
from qcxr.study.preset import PRESETS
from qcxr.study.table import NOT_LABELS, Table
from tests.study.studies import ROOT, study

FILMS = """\
film;ward;who;set;fluid;lump;rib;clavicle;years;gender
b;3B;P-2;trn;yes;0;0;0;71;f
a;3B;P-1;trn;no;1.0;0;1;058Y;m
c;ICU;P-3;tst;No;0;1;0;6M;f
d;ICU;P-4;dev;YES;1;0;0;;m
"""
KEYS = {
    "path": "{ward}/{film}.png",
    "patient": "who",
    "split": {"column": "set", "words": {"train": ["trn"], "val": ["dev"], "test": ["tst"]}},
    "labels": {"Pleural Effusion": "fluid", "Nodule": "lump", "Fracture": ["rib", "clavicle"]},
}


def table(root, text=FILMS, name="films.csv", **keys):
    """The section for a table that holds `text`, and its films' folder."""
    if text is not None:
        (root / name).write_text(text, encoding="utf-8")
    keys = {"kind": "table", "images": str(root), "files": str(root / name), **KEYS, **keys}
    return OfItsKind().check({key: value for key, value in keys.items() if value != ()})


def frame(root, *given, **keys):
    """What is read, by film."""
    section = table(root, *given, **keys)
    return read(**section.reader_options()).set_index("image_id")


def shown(found, label):
    """The films by what they show of a label."""
    return {name: None if value is pd.NA else int(value) for name, value in found[label].items()}


def test_columns_mean_what_the_keys_say(tmp_path):
    section = table(tmp_path, age="years", sex="gender", view="ward")
    found = read(**section.reader_options())
    assert found.index.names == ["file", "row"] and found.index[2] == (str(tmp_path / "films.csv"), 3)
    expected = pd.read_csv(
        io.StringIO(
            "image_id,patient_id,path,split,Effusion,Nodule,Fracture\n"
            "3B/b,P-2,3B/b.png,train,1,0,0\n3B/a,P-1,3B/a.png,train,0,1,1\n"
            "ICU/c,P-3,ICU/c.png,test,0,0,1\nICU/d,P-4,ICU/d.png,val,1,1,0\n"
        )
    )
    pd.testing.assert_frame_equal(found.reset_index(drop=True), expected, check_dtype=False)
    for path in found["path"]:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"film")
    source = sources.Source("table", section.reader_options())
    write_manifest(source, ManifestFiles(tmp_path / "m.parquet"), splits=["train", "val", "test"])
    files = section.attribute_files()
    known = attributes.write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files=files)
    assert known["image_id"].tolist() == ["3B/a", "3B/b", "ICU/d", "ICU/c"]
    assert known["age"].tolist()[:2] == [58, 71] and known["age"].isna().tolist() == [False, False, True, False]
    assert known["age"].iloc[3] == 0.5 and known["view"].tolist() == ["3B", "3B", "ICU", "ICU"]


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


def test_files_by_split_and_a_joined_table(tmp_path):
    for split, part in (("train", "f,who\nx,1\ny,2\n"), ("test", "f,who,more\nz,3,0\n")):
        (tmp_path / f"{split}.csv").write_text(part)
    (tmp_path / "who.csv").write_text("who,sick,also\n3,0,x\n1,1,x\n2,0,y\n3,0,x\n")  # one row twice, the same
    keys = {"files": {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}, "split": None}
    keys |= {"join": {"file": str(tmp_path / "who.csv"), "by": "who"}, "labels": {"Mass": "sick"}}
    found = frame(tmp_path, None, path="{split}/{f}.png", **keys)
    assert found["path"].tolist() == ["train/x.png", "train/y.png", "test/z.png"]
    told = frame(tmp_path, path="{split}/{film}.png")
    assert told["path"].tolist() == ["train/b.png", "train/a.png", "test/c.png", "val/d.png"]
    assert found["split"].tolist() == ["train", "train", "test"] and shown(found, "Mass") == {
        "train/x": 1,
        "train/y": 0,
        "test/z": 0,
    }


CELLS = "f,Mass,Edema\na,1,-1\nb,0,\nc,-1,0\n"
BARE = {"path": "f", "patient": None, "split": None, "labels": ["Mass", "Edema"]}


@pytest.mark.parametrize(
    ("keys", "mass", "edema"),
    [
        ({"uncertain": "zero", "blank": "zero"}, [1, 0, 0], [0, 0, 0]),
        ({"uncertain": "one", "blank": "missing"}, [1, 0, 1], [1, None, 0]),
        ({"uncertain": "missing", "blank": "drop"}, [1, None], [None, 0]),
        ({"uncertain": {"values": ["-1.0"], "taken_as": "one"}, "blank": "zero"}, [1, 0, 1], [1, 0, 0]),
        ({"positive": [1, -1], "blank": "zero"}, [1, 0, 1], [1, 0, 0]),
        ({"labels": {"Both": ["Mass", "Edema"]}, "uncertain": "missing", "blank": "missing"}, [1, None, None], None),
    ],
)  # fmt: skip
def test_what_is_uncertain_and_what_is_blank(tmp_path, keys, mass, edema):
    found = frame(tmp_path, CELLS, **BARE | keys)
    for label, values in (("Both" if "labels" in keys else "Mass", mass), ("Edema", edema)):
        assert values is None or list(shown(found, label).values()) == values


def by_hand(rows, columns, keys):
    """A label of each film, row by row with nothing but dictionaries; None is not known. Raises KeyError."""
    taken = {"zero": 0, "one": 1, "missing": None}
    votes, dropped = {}, set()
    for film, *cells in rows:
        said = []
        for column in columns:
            cell = cells[column].strip().lower()
            if cell == "":
                said.append({"zero": 0, "missing": None, "drop": "drop"}[keys["blank"]])
            elif cell in ("-1", "-1.0"):
                said.append(taken[keys["uncertain"]])
            else:
                said.append({"1": 1, "1.0": 1, "yes": 1, "0": 0, "0.00": 0, "no": 0}[cell])
        if "drop" in said:
            dropped.add(film)
        votes.setdefault(film, []).append(1 if 1 in said else None if None in said else 0)
    found = {}
    for film, given in votes.items():
        if film in dropped:
            continue
        known = [vote for vote in given if vote is not None]
        if keys["rows"] == "majority":
            found[film] = int(sum(known) * 2 > len(known)) if known else None
        else:
            found[film] = 1 if 1 in known else None if None in given else 0
    return found


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abcd"), *[st.sampled_from(["1", "1.0", "Yes", "0", "0.00", " no", "-1", "-1.0", ""])] * 2
        ),
        min_size=1,
        max_size=8,
    ),
    keys=st.fixed_dictionaries(
        {
            "uncertain": st.sampled_from(["zero", "one", "missing"]),
            "blank": st.sampled_from(["zero", "missing", "drop"]),
            "rows": st.sampled_from(["any", "majority"]),
        }
    ),
)
def test_labels_are_those_made_by_hand(tmp_path_factory, rows, keys):
    text = "\n".join(["f,one,two", *map(",".join, rows)])
    expected = by_hand(rows, (0, 1), keys)
    hypothesis.assume(expected)
    found = frame(tmp_path_factory.mktemp("by-hand"), text, **BARE | {"labels": {"Mass": ["one", "two"]}} | keys)
    assert shown(found, "Mass") == expected


def test_a_label_may_take_what_is_uncertain_in_its_own_way(tmp_path):
    own = {"columns": "Mass", "positive": [1, -1], "negative": [0]}
    keys = BARE | {"labels": {"Mass": own, "Edema": "Edema"}, "uncertain": "missing", "blank": "zero"}
    found = frame(tmp_path, CELLS, **keys)
    assert list(shown(found, "Mass").values()) == [1, 0, 1] and list(shown(found, "Edema").values()) == [None, 0, 0]


def test_words_of_a_table_are_no_empty_cells(tmp_path):
    """pandas takes None and NA for nothing by itself."""
    keys = BARE | {"labels": {"Mass": "m"}, "positive": ["NA"], "negative": ["None", "null"], "blank": "missing"}
    found = frame(tmp_path, "f,m\na,NA\nb,None\nc,\nd,null\n", **keys)
    assert shown(found, "Mass") == {"a": 1, "b": 0, "c": None, "d": 0}


def test_cells_are_counted_and_commas_at_the_end_of_each_row_count_for_nothing(tmp_path):
    for text in ("f,p,note,Mass,Edema\na,1,x,0,1,\nb,2,y,1,0,\n", "f,p,note,Mass,Edema,\na,1,x,0,1,\nb,2,y,1,0,\n"):
        found = frame(tmp_path, text, **BARE)
        assert shown(found, "Mass") == {"a": 0, "b": 1} and shown(found, "Edema") == {"a": 1, "b": 0}


WORDS = {"labels": {"Mass": "mass"}, "findings": {"column": "w", "separator": "|", "drop": ["unreadable"]}}
IDS = "f,study,Mass\na,9007199254740992,1\nb,9007199254740993,0\nc,1_0,0\nd,10,1\n"
READ = [
    # what is in the table, keys, the label Mass of the films that are read
    ("f,w\na,mass\na,unreadable\nb,\n,unreadable\n", WORDS | {"rows": "any", "blank": "zero"}, {"b": 0}),
    ("f,w\na.png,mass\na.dcm,unreadable\nb,mass\n", WORDS, {"b": 1}),
    ("f,Mass\na,1\na,\nb,0\n", {"rows": "any", "blank": "drop"}, {"b": 0}),
    ("f,Mass\na,0\na,\nb,1\nb,\nc,0\n", {"rows": "any", "blank": "missing"}, {"a": None, "b": 1, "c": 0}),
    ("f,Mass\na,0\na,\nc,0\n", {"rows": "majority", "blank": "missing"}, {"a": 0, "c": 0}),
    (IDS, {"keep": {"study": ["9007199254740992"]}}, {"a": 1}),
    (IDS, {"keep": {"study": [10]}}, {"d": 1}),
    ("f,v,who,Mass\na,x,1,1\nb,y,9,0\n", {"keep": {"v": ["x"]}, "join": {"file": "{file}.who", "by": "who"},
     "labels": {"Mass": "sick"}}, {"a": 1}),
    ("f,Mass\na//b.png,1\n./c/./d.png,0\n", {}, {"a/b": 1, "c/d": 0}),
    ("f.PNG,Mass\na.Png,1\n", {"path": "f.PNG", "id": {"column": "f.PNG", "pattern": "(?i)(.*)[.]PNG"}}, {"a": 1}),
    ("split,f,Mass\nx,a,1\n", {"path": "{split}/{f}"}, {"x/a": 1}),
]  # fmt: skip


def filled(value, file):
    """Keys with the table's file in them."""
    if isinstance(value, dict):
        return {key: filled(each, file) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, file) for each in value]
    return value.replace("{file}", file) if isinstance(value, str) else value


@pytest.mark.parametrize(("text", "keys", "films"), READ)
def test_which_films_are_read_and_what_they_show(tmp_path, text, keys, films):
    (tmp_path / "films.csv.who").write_text("who,sick\n1,1\n")
    keys = BARE | {"labels": ["Mass"]} | filled(keys, str(tmp_path / "films.csv"))
    found = frame(tmp_path, text, **keys)
    assert shown(found, "Mass") == films


def test_attributes_are_of_the_rows_that_are_read(tmp_path):
    text = "f,w,v,y\na,mass,PA,58\na,mass,PA,58\n,unreadable,LL,x\n"
    (tmp_path / "v.csv").write_text("f,v\na,PA\n")
    keys = BARE | WORDS | {"rows": "any", "age": "y", "sex": "y", "view": "v", "keep": {"v": ["PA"]}}
    for given in (
        keys,
        keys | {"keep": {}},
        keys | {"files": str(tmp_path / "j.csv"), "join": {"file": str(tmp_path / "v.csv"), "by": "f"}},
    ):
        (tmp_path / "j.csv").write_text("f,w,y\na,mass,58\na,mass,58\n")
        section = table(tmp_path, text, **given)
        found = read(**section.reader_options())
        known = attributes_of(found, **section.reader_options())
        assert known.to_numpy().tolist() == [["58", 58.0, "PA"]]


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


READERS = "f,r,Mass,Edema\na,1,1,1\na,2,1,0\nb,1,0,0\na,3,0,\nb,2,1,0\n"


@pytest.mark.parametrize(("rows", "a", "b"), [("any", (1, 1), (1, 0)), ("majority", (1, 0), (0, 0))])
def test_several_rows_of_a_film(tmp_path, rows, a, b):
    found = frame(tmp_path, READERS, **BARE, rows=rows, blank="missing")
    assert found.loc[["a", "b"], ["Mass", "Edema"]].to_numpy().tolist() == [list(a), list(b)]


def test_rows_to_keep_and_folders_to_look_in(tmp_path):
    for path in ("one/a.png", "two/sub/b.png", "two/c.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"film")
    text = "f,v,Mass\na.png,PA,1\nb.png,AP,0\nc.png,LL,0\ngone.png,pa,0\n"
    keys = BARE | {"labels": ["Mass"], "folders": ["one", "two/*"], "keep": {"v": ["PA", "AP"]}}
    section = table(tmp_path, text, **keys)
    found = read(**section.reader_options())
    assert found["path"].tolist() == ["one/a.png", "two/sub/b.png", "gone.png"]  # the last is reported as missing
    assert found.attrs["dropped"] == {"v LL": 1} and found["image_id"].tolist() == ["a", "b", "gone"]
    (tmp_path / "two/sub/a.png").write_bytes(b"film")
    with pytest.raises(
        InputError, match=r"film a\.png is in the image folder .* twice, as one/a\.png and two/sub/a\.png"
    ):
        read(**section.reader_options())


MANY = "\n".join(["f,who,Mass,Edema", *(f"f{k},p{k // 3},{int(k % 7 == 0)},{int(k % 50 == 0)}" for k in range(600))])


def test_patients_are_drawn_evenly_whatever_the_order_of_rows(tmp_path, monkeypatch):
    keys = BARE | {"patient": "who", "draw": {"val": 0.1, "test": 0.2, "seed": 1}}
    found = frame(tmp_path, MANY, **keys)
    head, *rows = MANY.splitlines()
    again = frame(tmp_path, "\n".join([head, *sorted(rows, reverse=True)]), **keys)
    assert found["split"].equals(again["split"].reindex(found.index))
    other = frame(tmp_path, MANY, **keys | {"draw": {"val": 0.1, "test": 0.2, "seed": 2}})
    assert not found["split"].equals(other["split"])
    # very many patients take another way, which must keep the same promises
    monkeypatch.setattr(draw, "MOST", 0)
    many = frame(tmp_path, MANY, **keys)
    for each in (found, other, many):
        assert each.groupby("patient_id")["split"].nunique().eq(1).all()
        parts = each["split"].value_counts(normalize=True)
        assert abs(parts["val"] - 0.1) < 0.02 and abs(parts["test"] - 0.2) < 0.02
        edema = each.groupby("split")["Edema"].sum()
        assert edema["val"] in (1, 2) and edema["test"] in (2, 3)  # of 12
    patients = pd.Series(["a", "b", "c"])
    with pytest.raises(InputError, match="needs 10 patients at least, got 3"):
        draw.drawn(patients, pd.DataFrame({"Mass": [0, 1, 0]}), Draw(val=0.1))


def test_ages():
    given = pd.Series(["58", "058Y", "006M", "0365D", "52W", "4.5", "", "NA", None])
    expected = [58, 58, 0.5, 365 / 365.25, 52 / 52.18, 4.5, np.nan, np.nan, np.nan]
    np.testing.assert_allclose(years(given).to_numpy(), expected)


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
    ({"positive": ["no"]}, "data.sources.ours.positive must have no value of negative, got 'no'"),
    ({"positive": [True], "negative": ["yes"]}, "data.sources.ours.negative must have no value of positive, got 'yes'"),
    ({"uncertain": {"values": [1], "taken_as": "one"}}, "data.sources.ours.uncertain must have no value of positive"),
    ({"uncertain": "ones"}, "data.sources.ours.uncertain: input should be 'zero', 'one' or 'missing'"),
    ({"files": {"train": "a.csv"}}, "data.sources.ours.split must be null where files name the splits"),
    ({"files": []}, "data.sources.ours.files: "),
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


def test_what_decides_a_manifest():
    """A preset's content does, keys at their defaults and the columns of age, sex and view do not."""
    keys = {"kind": "table", "images": "films", "files": "films.csv", **KEYS}
    plain = slices.manifest(OfItsKind().check(keys))
    known = OfItsKind().check({**keys, "age": "years", "blank": "refuse", "keep": {}})
    assert slices.manifest(known) == plain and slices.attributes(known) == '{"age":"years","kind":"table"}'
    assert slices.manifest(OfItsKind().check({**keys, "blank": "zero"})) != plain
    preset = slices.manifest(OfItsKind().check({"kind": "chexpert", "images": "films"}))
    assert "v1[.]0" in preset and "Pleural Other" in preset
    assert slices.manifest(OfItsKind().check({"kind": "chexpert", "images": "films", "uncertain": "one"})) != preset


def test_the_example_of_the_docs_reads_as_they_say(tmp_path, monkeypatch):
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8").partition("## Films of your own")[2]
    csv, overlay, expected = (
        re.search(rf"^```{kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[1] for kind in ("csv", "yaml", "text")
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/ours").mkdir(parents=True)
    (tmp_path / "data/ours/list.csv").write_text(csv)
    (tmp_path / "mine.yaml").write_text(overlay)
    cfg = load(ROOT / "config/config.yaml", tmp_path / "mine.yaml")
    source = cfg.data.sources["ours"]
    found = check(read(**source.reader_options()))
    assert found.to_dict("list") == (
        pd.read_csv(io.StringIO(expected), sep=r"\s+", dtype={"image_id": str})
        .assign(path=found["path"])[found.columns]
        .to_dict("list")
    )
    assert found["path"].tolist()[0] == "3B/0009.png" and source.attributed()
    assert found.attrs == {"dropped": {"view LAT": 1}, "partial": []}


def test_every_preset_is_in_the_docs_with_its_files():
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    for name in PRESETS:
        (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        for path in OfItsKind().check({"kind": name, "images": "x"}).input_files():
            assert re.sub("_(train|test)[.]", "_{train,test}.", path.removeprefix("x/")) in row


def test_defaults_that_slices_leave_out_are_what_they_were():
    """Another default would change manifests in silence."""

    def defaults(section):
        return {key: field.get_default() for key, field in section.model_fields.items() if not field.is_required()}

    none = dict.fromkeys(("folders", "id", "patient", "split", "draw", "findings", "uncertain", "join"))
    assert defaults(Table) == none | dict.fromkeys(("age", "sex", "view")) | {
        "max_missing": 0.0,
        "positive": [1, "true", "yes", "y", "positive", "present"],
        "negative": [0, "false", "no", "n", "negative", "absent"],
        "blank": "refuse",
        "rows": "refuse",
        "keep": {},
    }
    assert defaults(Draw) == {"val": 0.0, "test": 0.0, "seed": 0}
    assert defaults(Findings) == {"separator": None, "strip": "", "drop": []}
    assert defaults(By) == {"words": None, "lists": None} and defaults(Uncertain) == {"values": [-1]}
    assert not defaults(Label) | defaults(Join) | defaults(Pattern)
