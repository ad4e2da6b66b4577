"""A kind of data set of the user's own: docs/plugins.md's gives what NIH's reader gives of the same films."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from qcxr.data.attributes import write_attributes
from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.data.sources import Source
from qcxr.errors import InputError
from qcxr.study import kinds, plugged, slices
from qcxr.study.config import parse
from qcxr.study.labels import LABEL_SETS
from qcxr.study.obstacles import obstacles
from tests.data import films
from tests.study.studies import study

CXR8 = list(LABEL_SETS["cxr8"])


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """NIH's films, and the same as lines of JSON."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(__file__).parents[2] / "docs/own_plugins.py", "mine.py")
    paths = films.nih(tmp_path / "nih")
    theirs = films.manifest_of("nih", paths, tmp_path / "theirs.parquet")
    lines = [
        json.dumps(
            {"file": row["path"], "patient": row["patient_id"], "split": row["split"], "age": 60 + k % 3}
            | {"findings": [label for label in CXR8 if row[label] == 1]}
        )
        for k, row in enumerate(theirs.to_dict("records"))
    ]
    Path("films.jsonl").write_text("\n".join(lines), encoding="utf-8")
    yield theirs
    plugged.use([])


def told(**changes):
    source = {"kind": "jsonl", "images": "nih/images", "films": "films.jsonl", "findings": CXR8, **changes}
    return study(plugins=["mine.py"], tasks=["cxr8"], data={"sources": {"nih": source}, "test_on": ["nih"]})


def written():
    source = parse(told()).data.sources["nih"]
    read = Source(source.kind, source.reader_options(), max_missing=source.max_missing)
    return write_manifest(read, ManifestFiles("mine.parquet"), splits=["train", "val", "test"]), read


def test_its_manifest_is_nihs(mine):
    frame, read = written()
    same = ["image_id", "patient_id", "path", "split", *CXR8]
    pd.testing.assert_frame_equal(frame[same], mine[same])
    known = write_attributes("mine.parquet", "known.parquet", source=read, files={})
    assert set(known["age"]) == {60, 61, 62} and known["sex"].isna().all()


def test_what_decides_it_is_its_file_and_its_keys(mine):
    source = parse(told()).data.sources["nih"]
    assert source.input_files() == ["films.jsonl"] and source.attributed()
    assert source.paths() == {"images": ["nih/images"], "films": ["films.jsonl"]}
    assert kinds.modules("jsonl") == () and kinds.modules("nih") == ("qcxr.data.nih",)
    before = slices.manifest(source)
    text = Path("mine.py").read_text()
    for old, new, same in (("gelu(self", "silu(self", True), ("film.get(key)", "film[key]", False)):
        Path("mine.py").write_text(text.replace(old, new))
        assert (slices.manifest(parse(told()).data.sources["nih"]) == before) == same
    Path("films.jsonl").unlink()
    assert any("films.jsonl does not exist; set data.sources.nih.films" in line for line in obstacles(parse(told())))


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        (
            'film["file"]).stem',
            'film["path"]).stem',
            'film["path"]',
            "data_kind jsonl must run, got KeyError",
        ),
        ('"split", "sex"', '"sex"', "@data_kind", "manifest lacks the column"),
        (
            "return pd.DataFrame(rows)",
            "return rows",
            "@data_kind",
            "data_kind jsonl must give pandas' DataFrame, got list",
        ),
        ('str(film["patient"])', '"1"', "@data_kind", "patient 1 is in two splits"),
    ],
)
def test_what_is_no_manifest_is_one_line_with_the_files_line(mine, old, new, where, said):
    text = Path("mine.py").read_text()
    assert old in text
    Path("mine.py").write_text(text := text.replace(old, new))
    line = next(k for k, written in enumerate(text.splitlines(), 1) if where in written)
    with pytest.raises(InputError) as caught:
        written()
    assert str(caught.value).startswith(f"mine.py:{line}: {said}") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"films": 3}, "data.sources.nih.films: input should be a valid string, got 3"),
        (
            {"table": "a.csv"},
            "data.sources.nih.table is not a configuration key; allowed here: kind, images, ",
        ),
        ({"kind": "json"}, "data.sources.nih.kind must be one of .*, jsonl, got 'json'"),
    ],
)
def test_a_source_that_cannot_be_is_one_line(mine, changes, said):
    with pytest.raises(InputError, match=said):
        parse(told(**changes))
