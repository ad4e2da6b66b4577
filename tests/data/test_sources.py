"""Readers of NIH's and MIMIC's layouts, and CSVs as people have them."""

import numpy as np
import pandas as pd
import pytest

from qcxr.data import sources
from qcxr.data.contract import check
from qcxr.data.csvfile import label_columns, read_table, split_files
from qcxr.errors import InputError
from qcxr.study.config import parse
from qcxr.study.labels import CXR19, LABEL_SETS
from tests.study.studies import study

from . import films


def test_nih_flat(tmp_path):
    source = films.nih(tmp_path)
    frame = check(sources.read("nih", **source))
    assert len(frame) == 12
    assert frame["split"].value_counts().to_dict() == {"train": 6, "val": 2, "test": 4}
    assert all((source["images"] / path).is_file() for path in frame["path"])
    assert frame["patient_id"].iloc[0] == "00000001"
    csv = pd.read_csv(source["labels"] / "miccai2023_nih-cxr-lt_labels_train.csv")
    for label in (*CXR19, "No Finding"):
        assert frame.loc[frame["split"] == "train", label].tolist() == csv[label].tolist()


@pytest.mark.parametrize("inner", ["images_{:03d}/images", "images_{:03d}", "images"])
def test_nih_folder_layouts(tmp_path, inner):
    source = films.nih(tmp_path)
    flat = sorted(source["images"].iterdir())
    root = tmp_path / "download"
    for i, film in enumerate(flat):
        target = root / inner.format(1 + i % 3) / film.name
        target.parent.mkdir(parents=True, exist_ok=True)
        film.rename(target)
    frame = check(sources.read("nih", images=root, labels=source["labels"]))
    assert all((root / path).is_file() for path in frame["path"])
    assert len(set(frame["path"])) == 12


def test_nih_same_film_in_two_folders(tmp_path):
    source = films.nih(tmp_path)
    film = sorted(source["images"].iterdir())[0]
    (source["images"] / "images_001").mkdir()
    (source["images"] / "images_001" / film.name).write_bytes(film.read_bytes())
    with pytest.raises(InputError, match=f"film {film.name} is in the image folder .* twice, as .*; keep one"):
        sources.read("nih", **source)


def test_nih_entries(tmp_path):
    source = films.nih(tmp_path)
    entries = tmp_path / "Data_Entry_2017_v2020.csv"
    rows = [
        ("00000001_000.png", "058Y", "F", "PA"),
        ("00000001_001.png", "006M", "F", "AP"),
        ("x.png", "41", "M", "PA"),
    ]
    table = pd.DataFrame(rows, columns=["Image Index", "Patient Age", "Patient Gender", "View Position"])
    table.to_csv(entries, index=False)
    frame = check(sources.read("nih", **source, entries=entries)).set_index("image_id")
    assert frame.loc["00000001_000", ["view", "age", "sex"]].tolist() == ["PA", 58, "F"]
    assert frame.loc["00000001_001", "age"] == pytest.approx(0.5)
    assert frame["age"].isna().sum() == 10
    table.drop(columns="Patient Age").to_csv(entries, index=False)
    with pytest.raises(InputError, match=r"NIH entries file .* lacks the column Patient Age; it has Image Index"):
        sources.read("nih", **source, entries=entries)


def test_nih_original_entry_file_given_as_labels(tmp_path):
    wrong = tmp_path / "labels_train.csv"
    wrong.write_text("Image Index,Finding Labels,Patient ID\n00000001_000.png,Cardiomegaly,1\n")
    with pytest.raises(InputError, match=r"lacks the columns id, subj_id; it has Image Index, Finding Labels"):
        sources.read("nih", images=tmp_path, labels=wrong)


def test_mimic_keeps_frontal_films_and_counts_the_others(tmp_path):
    source = films.mimic(tmp_path)
    raw = sources.read("mimic", **source)
    assert raw.attrs["dropped"] == {"LATERAL": 2}
    frame = check(raw)
    assert len(frame) == 6
    assert set(frame["view"]) == {"AP", "PA"}
    assert set(frame["split"]) == {"val", "test"}
    assert frame["image_id"].iloc[0] == frame["path"].iloc[0].rpartition("/")[2].removesuffix(".jpg")
    assert set(frame["patient_id"]) == {"10000032", "10000033", "10000034", "10000035"}
    assert "Effusion" in frame
    assert "Pleural Effusion" not in frame
    csv = pd.read_csv(tmp_path / "test.csv").set_index("dicom_id")["Pleural Effusion"]
    test = frame[frame["split"] == "test"].set_index("image_id")["Effusion"]
    assert test.to_dict() == csv.reindex(test.index).to_dict()


def test_mimic_paths_from_ids_and_files_folder(tmp_path):
    source = films.mimic(tmp_path)
    expected = check(sources.read("mimic", **source))
    for name in ("development.csv", "test.csv"):
        pd.read_csv(tmp_path / name).drop(columns="path").to_csv(tmp_path / name, index=False)
    pd.testing.assert_frame_equal(check(sources.read("mimic", **source)), expected)
    inside = check(sources.read("mimic", **{**source, "images": tmp_path / "files"}))
    assert ("files/" + inside["path"]).tolist() == expected["path"].tolist()
    assert all((tmp_path / "files" / path).is_file() for path in inside["path"])


def test_mimic_without_six_labels_has_them_missing_not_zero(tmp_path):
    source = films.mimic(tmp_path)
    lacking = ["Infiltration", "Mass", "Nodule", "Emphysema", "Fibrosis", "Hernia"]
    table = pd.read_csv(tmp_path / "test.csv").drop(columns=lacking)
    table.to_csv(tmp_path / "test.csv", index=False)
    frame = check(sources.read("mimic", **source))
    test = frame[frame["split"] == "test"]
    assert test[lacking].isna().all().all()
    assert frame[frame["split"] == "val"][lacking].notna().all().all()
    assert str(frame["Mass"].dtype) == "Int8"


def test_mimic_bad_metadata(tmp_path):
    source = films.mimic(tmp_path)
    with pytest.raises(InputError, match=r"need ViewPosition to tell frontal from lateral"):
        sources.read("mimic", images=source["images"], labels=source["labels"])
    table = pd.read_csv(source["metadata"])
    table[1:].to_csv(source["metadata"], index=False)
    with pytest.raises(InputError, match=r"lacks 1 of 8 films, first 00000000-aaaa-bbbb"):
        sources.read("mimic", **source)
    pd.concat([table, table[:1]]).to_csv(source["metadata"], index=False)
    with pytest.raises(InputError, match=r"lists 00000000-aaaa-bbbb twice"):
        sources.read("mimic", **source)
    table.assign(ViewPosition="LL").to_csv(source["metadata"], index=False)
    with pytest.raises(InputError, match=r"none of the 8 MIMIC films is frontal"):
        sources.read("mimic", **source)


def test_mimic_label_file_without_film_names(tmp_path):
    source = films.mimic(tmp_path)
    pd.read_csv(tmp_path / "test.csv").drop(columns=["path", "dicom_id"]).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(InputError, match=r"lacks the column path, or else dicom_id; is it another release's file"):
        sources.read("mimic", **source)


def test_unknown_kind_and_option(tmp_path):
    with pytest.raises(InputError, match=r"source kind must be one of nih, mimic, table, .*got 'jpeg'"):
        sources.read("jpeg", images=tmp_path)
    with pytest.raises(InputError, match=r"source nih takes entries, images, labels, got metadata"):
        sources.read("nih", images=tmp_path, labels=tmp_path, metadata=tmp_path)


def test_bom_crlf_gzip_and_extra_text_column_do_not_matter(tmp_path):
    plain = "id,Mass,Edema,subj_id\na_0.png,1,0,007\na_1.png,0,,007\n"
    variants = {
        "plain.csv": plain.encode(),
        "crlf.csv": plain.replace("\n", "\r\n").encode(),
        "bom.csv": b"\xef\xbb\xbf" + plain.encode(),
        "extra.csv": plain.replace("id,Mass", "report,id,Mass").replace("a_", "some text,a_").encode(),
    }
    expected = None
    for name, data in variants.items():
        (tmp_path / name).write_bytes(data)
        table = read_table(tmp_path / name, required=("id", "subj_id"))
        labels = label_columns(table, path=name)
        assert table["subj_id"].tolist() == ["007", "007"]
        expected = labels if expected is None else expected
        pd.testing.assert_frame_equal(labels, expected)
    assert expected["Edema"].isna().tolist() == [False, True]
    read_table(tmp_path / "plain.csv").to_csv(tmp_path / "zipped.csv.gz", index=False)
    pd.testing.assert_frame_equal(label_columns(read_table(tmp_path / "zipped.csv.gz"), path="z"), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,Mass\na,2\n", "label 'Mass' in f.csv must be 0 or 1, got '2' in data row 1; binarise"),
        ("id,Mass\na,0\nb,-1.0\n", r"got '-1.0' in data row 2"),
        ("id,Mass\na,yes\n", "got 'yes' in data row 1"),
        ("id,Odd Finding\na,0.5\n", "label 'Odd Finding' in f.csv must be 0 or 1, got '0.5'"),
        ("id,Effusion,Pleural Effusion\na,0,1\n", "holds the label 'Effusion' twice"),
        ("id,subj_id\na,1\n", "holds no label column"),
    ],
)
def test_bad_label_columns(tmp_path, text, message):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        label_columns(read_table(tmp_path / "f.csv"), path="f.csv")


def test_unreadable_tables(tmp_path):
    with pytest.raises(InputError, match=r"label file .*none.csv does not exist; check the data source's paths"):
        read_table(tmp_path / "none.csv")
    for name, data, text in (
        ("empty.csv", b"", "is empty"),
        ("binary.csv", bytes(range(256)), "is not a readable CSV"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00abc", "is not a readable CSV"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3,4\n", "is not a readable CSV"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=text) as caught:
            read_table(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_splits_from_file_names(tmp_path):
    for name in ("labels_train.csv", "labels_val.csv", "x-test-x.csv.gz", "metadata.csv", "train_test_overlap.csv"):
        (tmp_path / name).touch()
    found = split_files(tmp_path, what="label file")
    assert {split: [path.name for path in paths] for split, paths in found.items()} == {
        "train": ["labels_train.csv"], "val": ["labels_val.csv"], "test": ["x-test-x.csv.gz"],
    }  # fmt: skip
    with pytest.raises(InputError, match=r"must name its split"):
        split_files([tmp_path / "metadata.csv"], what="label file")
    with pytest.raises(InputError, match=r"must name its split"):
        split_files([tmp_path / "train_test_overlap.csv"], what="label file")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match=r"no label CSV"):
        split_files(tmp_path / "nothing", what="label file")


def test_labels_are_read_the_same_in_any_column_order(tmp_path):
    source = films.nih(tmp_path)
    expected = check(sources.read("nih", **source))
    for file in source["labels"].iterdir():
        table = pd.read_csv(file, dtype=str)
        shuffled = list(np.random.default_rng(0).permutation(table.columns))
        table[shuffled].to_csv(file, index=False)
    frame = check(sources.read("nih", **source))
    pd.testing.assert_frame_equal(frame[expected.columns], expected)
    assert set(LABEL_SETS["cxr19"]) <= set(frame.columns)


def test_a_study_trains_on_mimic_from_all_its_label_files(tmp_path):
    """A list of files, or a folder with PruneCXR's three; a folder with the test's alone can only test."""
    paths = films.mimic(tmp_path / "data", n=12)
    rows = pd.concat(pd.read_csv(tmp_path / f"data/{name}.csv", dtype=str) for name in ("development", "test"))
    folder = tmp_path / "labels"
    folder.mkdir()
    named = {split: folder / f"miccai2023_mimic-cxr-lt_labels_{split}.csv" for split in ("train", "val", "test")}
    for k, file in enumerate(named.values()):
        rows[4 * k : 4 * k + 4].to_csv(file, index=False)
    for labels in (str(folder), [str(file) for file in named.values()]):
        source = {"kind": "mimic", "images": str(paths["images"]), "labels": labels, "metadata": str(paths["metadata"])}
        changes = {"data__sources": {"mimic": source}, "data__train_on": "mimic", "data__test_on": ["mimic"]}
        ours = parse(study(**changes)).data.sources["mimic"]
        found = films.manifest_of("mimic", ours.reader_options(), tmp_path / "m.parquet", splits=list(named))
        assert found["split"].value_counts().to_dict() == dict.fromkeys(named, 3)  # every fourth is a lateral
        assert ours.splits() == set(named)
    for split in ("train", "val"):
        named[split].unlink()
    alone = {**source, "labels": str(folder)}
    assert parse(study(data__sources={"nih": study()["data"]["sources"]["nih"], "mimic": alone}))  # tested on only
    with pytest.raises(
        InputError, match=r"mimic\.labels must have files of the splits train, val, test, got none of train"
    ):
        parse(study(**changes | {"data__sources": {"mimic": alone}}))
