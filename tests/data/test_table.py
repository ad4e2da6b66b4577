"""`kind: table`: what columns mean, against frames written by hand, and what decides a manifest."""

import io
import re

import numpy as np
import pandas as pd
import pytest

from qcxr.data import attributes, draw, sources
from qcxr.data.ages import years
from qcxr.data.contract import check
from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.data.table import attributes as attributes_of
from qcxr.data.table import read
from qcxr.errors import InputError
from qcxr.study import slices
from qcxr.study.columns import By, Draw, Findings, Join, Label, Pattern, Uncertain
from qcxr.study.config import load
from qcxr.study.kinds import OfItsKind
from qcxr.study.preset import PRESETS
from qcxr.study.table import Table
from tests.study.studies import ROOT

from .tables import BARE, KEYS, filled, frame, shown, table


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
