"""What a manifest refuses, and that a refused one leaves nothing behind."""

import numpy as np
import pandas as pd
import pytest

from qcxr.data import contract, manifest
from qcxr.data.columns import labels_of
from qcxr.data.missing import missing_films
from qcxr.data.sources import Source
from qcxr.errors import InputError
from qcxr.study.labels import LABEL_SETS

from . import films


def frame(**changes) -> pd.DataFrame:
    columns = {
        "image_id": ["a", "b", "c"],
        "patient_id": ["1", "1", "2"],
        "path": ["x/a.png", "x/b.png", "c.png"],
        "split": ["train", "train", "test"],
        "Mass": [0, 1, None],
    }
    return pd.DataFrame({**columns, **changes})


def test_contract_of_a_good_manifest():
    out = contract.check(frame())
    assert list(out.columns) == ["image_id", "patient_id", "path", "split", "Mass"]
    assert str(out["Mass"].dtype) == "Int8"
    assert out["Mass"].isna().tolist() == [False, False, True]
    assert labels_of(out) == ("Mass",)


def test_whole_numbers_that_are_floats_have_no_point_and_names_are_texts():
    assert contract.check(frame(patient_id=[1.0, 1.0, 2e9]))["patient_id"].tolist() == ["1", "1", "2000000000"]
    assert contract.check(frame(patient_id=[1.5, 1.5, 2.0]))["patient_id"].tolist() == ["1.5", "1.5", "2.0"]
    with pytest.raises(InputError, match="must have a text for a name, got 3; name it"):
        contract.check(frame().assign(**{"Edema": 0}).rename(columns={"Edema": 3}))


def test_row_order_of_the_input_does_not_matter():
    expected = contract.check(frame())
    for seed in range(5):
        shuffled = frame().sample(frac=1, random_state=seed)
        pd.testing.assert_frame_equal(contract.check(shuffled), expected)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"image_id": ["a", "b", "a"]}, r"image id a is there twice \(1 repeated id"),
        (
            {"patient_id": ["1", "2", "2"]},
            r"patient 2 is in two splits, train \(row 1\) and test \(row 2\) \(1 such patient",
        ),
        ({"patient_id": ["1", None, "2"]}, r"1 film\(s\) without patient_id, first in row 1"),
        ({"image_id": ["a", "", "c"]}, r"1 film\(s\) without image_id"),
        ({"split": ["train", "train", "dev"]}, "split must be one of train, val, test, got 'dev'"),
        ({"": [0, 1, 0]}, "a column of a manifest must have a text for a name, got ''; name it"),
        ({"Mass": [0, 1, 2]}, "label 'Mass' must be 0, 1 or missing, got '2'"),
        ({"Mass": [0, 1, "x"]}, "label 'Mass' must be 0, 1 or missing, got 'x'"),
        ({"path": ["a.png", "../b.png", "c.png"]}, "path '../b.png' must stay inside the image root"),
        ({"path": ["a.png", "x/../../b.png", "c.png"]}, "must stay inside the image root"),
        ({"path": ["a.png", "/etc/b.png", "c.png"]}, "path '/etc/b.png' must stay inside"),
        ({"path": ["a.png", "x\\b.png", "c.png"]}, "must stay inside the image root"),
        ({"path": ["a.png", "C:/b.png", "c.png"]}, "must stay inside the image root"),
        ({"path": ["a.png", "x/..", "c.png"]}, "path 'x/..' must stay inside the image root"),
        ({"path": ["a.png", "..", "c.png"]}, "path '..' must stay inside the image root"),
    ],
)
def test_refused(changes, text):
    with pytest.raises(InputError, match=text):
        contract.check(frame(**changes))


def test_dots_that_do_not_leave_the_root():
    names = ["x..y/a.png", "..hidden/b.png", "c...png"]
    assert contract.check(frame(path=names))["path"].tolist() == [names[0], names[1], names[2]]


def test_columns_missing():
    with pytest.raises(InputError, match=r"lacks the column\(s\) patient_id, split; it has image_id, path, Mass"):
        contract.check(frame().drop(columns=["patient_id", "split"]))
    with pytest.raises(InputError, match=r"no label column"):
        contract.check(frame().drop(columns="Mass"))
    with pytest.raises(InputError, match=r"no film"):
        contract.check(frame()[:0])


def test_a_csv_with_a_path_out_of_the_root(tmp_path):
    source = films.mimic(tmp_path)
    table = pd.read_csv(tmp_path / "test.csv")
    table.loc[0, "path"] = "../" + table.loc[0, "path"]
    table.to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(InputError, match=r"path '\.\./files/p10/.*' must stay inside the image root"):
        films.manifest_of("mimic", source, tmp_path / "m.parquet")


def test_require_names_what_is_not_covered():
    out = contract.check(frame(Edema=[0, 1, 1]))
    contract.require(out, ["Mass", "Edema"], split="train")
    with pytest.raises(InputError, match=r"does not cover the label\(s\) Hernia, Mass; it covers Edema: choose a task"):
        contract.require(out, ["Hernia", "Edema", "Mass"])
    with pytest.raises(InputError, match=r"nih, split test, does not cover"):
        contract.require(out, ["Mass"], split="test", what="nih")


def test_written_and_read_back(tmp_path):
    source = films.nih(tmp_path / "data")
    out = tmp_path / "out"
    files = manifest.ManifestFiles(out / "m.parquet", counts=out / "counts.csv", issues=out / "issues.csv")
    job = {"dataset": "demo", "labels_needed": LABEL_SETS["cxr19"]}
    written = manifest.write_manifest(Source("nih", source), files, **job)
    pd.testing.assert_frame_equal(manifest.read_manifest(out / "m.parquet"), written)
    assert (out / "issues.csv").read_text() == "image_id,path,issue,detail\n"
    counts = pd.read_csv(out / "counts.csv")
    assert list(counts.columns) == ["dataset", "split", "label", "n", "n_positive"]
    row = counts[(counts["split"] == "test") & (counts["label"] == "Hernia")].iloc[0]
    assert row["dataset"] == "demo"
    assert row["n"] == 4
    assert row["n_positive"] == written.loc[written["split"] == "test", "Hernia"].sum()
    assert sorted(path.name for path in out.iterdir()) == ["counts.csv", "issues.csv", "m.parquet"]


def test_what_no_path_can_hold_is_missing(tmp_path):
    (tmp_path / "a.png").write_bytes(b"film")
    listed = pd.DataFrame({"image_id": ["a", "b"], "path": ["a.png", "b\0.png"]})
    assert missing_films(listed, tmp_path)[["image_id", "issue"]].to_numpy().tolist() == [["b", "missing"]]


def test_missing_and_empty_films(tmp_path):
    source = films.nih(tmp_path / "data")
    gone, empty, *_ = sorted(source["images"].iterdir())
    gone.unlink()
    empty.write_bytes(b"")
    out = tmp_path / "out"
    files = manifest.ManifestFiles(out / "m.parquet", issues=out / "issues.csv")
    with pytest.raises(InputError) as caught:
        manifest.write_manifest(Source("nih", source), files)
    assert str(caught.value) == (
        f"2 of 12 films under {source['images']} are missing or unreadable, first {gone.name}: missing; "
        f"allowed is a fraction of 0 (the source's max_missing in data.sources), all are listed in {out / 'issues.csv'}"
    )
    assert [path.name for path in out.iterdir()] == ["issues.csv"]
    issues = pd.read_csv(out / "issues.csv")
    assert issues[["path", "issue"]].to_numpy().tolist() == [[gone.name, "missing"], [empty.name, "empty"]]
    left = manifest.write_manifest(Source("nih", source, max_missing=0.2), files)
    assert len(left) == 10
    with pytest.raises(InputError, match=r"max_missing must be a fraction in \[0, 1\], got 2"):
        manifest.write_manifest(Source("nih", source, max_missing=2), files)


def test_one_split_in_use(tmp_path):
    """The manifest is the same whichever splits a study uses; a film of another split may be missing."""
    source = films.mimic(tmp_path)
    out = films.manifest_of("mimic", source, tmp_path / "m.parquet", splits=["test"])
    assert set(out["split"]) == {"test", "val"}
    whole = films.manifest_of("mimic", source, tmp_path / "w.parquet")
    pd.testing.assert_frame_equal(out, whole)
    lost = out.loc[out["split"] == "val", "path"].iloc[0]
    (source["images"] / lost).unlink()
    with pytest.raises(InputError, match=rf"1 of {len(out)} films .* are missing or unreadable, first {lost}"):
        films.manifest_of("mimic", source, tmp_path / "w.parquet")
    left = films.manifest_of("mimic", source, tmp_path / "m.parquet", splits=["test"])
    assert len(left) == len(out) - 1 and (left["split"] == "test").sum() == (out["split"] == "test").sum()
    with pytest.raises(InputError, match=r"mimic has no film in split train, .*: no label file has that split in its"):
        films.manifest_of("mimic", source, tmp_path / "n.parquet", splits=["train"])
    assert not (tmp_path / "n.parquet").exists()


def test_a_film_listed_twice_in_a_label_file(tmp_path):
    source = films.nih(tmp_path)
    file = source["labels"] / "miccai2023_nih-cxr-lt_labels_train.csv"
    table = pd.read_csv(file, dtype=str)
    pd.concat([table, table[:1]]).to_csv(file, index=False)
    with pytest.raises(InputError, match=r"image id 00000001_000 is there twice"):
        films.manifest_of("nih", source, tmp_path / "m.parquet")
    assert not (tmp_path / "m.parquet").exists()


def test_labels_of_the_wrong_release(tmp_path):
    source = films.nih(tmp_path)
    for file in source["labels"].iterdir():  # the 14 labels of the original release
        pd.read_csv(file, dtype=str)[["id", *LABEL_SETS["cxr14"], "subj_id"]].to_csv(file, index=False)
    with pytest.raises(InputError, match=r"Calcification of the Aorta, Pneumomediastinum, Pneumoperitoneum, Subcut"):
        films.manifest_of("nih", source, tmp_path / "m.parquet", labels_needed=LABEL_SETS["cxr19"])


def test_unreadable_manifest(tmp_path):
    with pytest.raises(InputError, match=r"manifest .* does not exist; run the manifest step first"):
        manifest.read_manifest(tmp_path / "m.parquet")
    (tmp_path / "m.parquet").write_bytes(np.random.default_rng(0).bytes(100))
    with pytest.raises(InputError, match=r"is not readable parquet"):
        manifest.read_manifest(tmp_path / "m.parquet")
