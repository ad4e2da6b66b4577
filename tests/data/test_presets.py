"""Each public data set as it is downloaded, read by its preset alone."""

import pandas as pd
import pytest

from qcxr.data import sources
from qcxr.data.attributes import write_attributes
from qcxr.data.columns import labels_of
from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.study.kinds import OfItsKind
from qcxr.study.labels import CXRLT26
from qcxr.study.preset import PRESETS, described

from . import presets


def read(name, root, **keys):
    """The manifest of a preset's tree, all three splits needed, and its attributes."""
    getattr(presets, name)(root)
    table = OfItsKind().check({"kind": name, "images": str(root), **keys})
    source = sources.Source(name, table.reader_options())
    splits = ["train", "val", "test"]
    frame = write_manifest(source, ManifestFiles(root / "out/m.parquet"), splits=splits)
    out = root / "out/a.parquet"
    known = write_attributes(root / "out/m.parquet", out, source=source, files=table.attribute_files())
    assert not frame.isna().any(axis=None) or name == "chexpert"
    pairs = frame[["patient_id", "split"]].drop_duplicates()
    assert not pairs["patient_id"].duplicated().any()
    return frame.set_index("image_id"), known.set_index("image_id")


def shown(row):
    """The labels that a film shows."""
    return [name for name in labels_of(row.to_frame().T) if row[name] is not pd.NA and row[name]]


def test_chexpert(tmp_path):
    frame, known = read("chexpert", tmp_path)
    assert len(frame) == 24 and frame["split"].value_counts().to_dict() == {"train": 20, "val": 2, "test": 2}
    film = frame.loc["train/patient00001/study1/view1_frontal"]
    assert film["path"] == "train/patient00001/study1/view1_frontal.jpg" and film["patient_id"] == "patient00001"
    assert shown(film) == ["Edema"] and film["Effusion"] == 0 and pd.isna(film["Atelectasis"])
    assert shown(frame.loc["valid/patient64541/study1/view1_frontal"]) == ["Effusion"]
    assert frame.attrs["dropped"] == {"Frontal/Lateral Lateral": 1}
    assert known.loc[film.name, ["sex", "age", "view"]].tolist() == ["Female", 61, "AP"]


def test_chexperts_uncertain_are_what_one_says(tmp_path):
    frame, _ = read("chexpert", tmp_path, uncertain="one", draw={"val": 0.25, "seed": 3})
    assert frame.query("split != 'test'")["Atelectasis"].eq(1).all()
    assert frame["split"].eq("val").sum() in (5, 6)


def test_nih14(tmp_path):
    frame, known = read("nih14", tmp_path)
    assert len(frame) == 28 and set(frame.query("split == 'test'")["patient_id"]) == {"13", "14"}
    assert frame["split"].eq("val").sum() in (2, 4)  # a tenth of twelve patients
    film = frame.loc["00000003_000"]
    assert film["path"] == "images_002/images/00000003_000.png" and film["patient_id"] == "3"
    assert shown(film) == ["Cardiomegaly", "Pleural Thickening"] and shown(frame.loc["00000003_001"]) == ["No Finding"]
    assert known.loc[film.name, ["sex", "age", "view"]].tolist() == ["F", 53, "PA"]


def test_padchest(tmp_path):
    frame, known = read("padchest", tmp_path)
    assert len(frame) == 12 and set(frame["split"]) == {"train", "val", "test"}
    film = frame.loc["216840111366964012819001"]
    assert film["path"] == "1/216840111366964012819001.png" and film["patient_id"] == "84471"
    assert shown(film) == ["Atelectasis", "Pneumoperitoneum", "Fracture"]
    assert shown(frame.loc["216840111366964012819002"]) == ["No Finding"]
    assert frame.attrs["dropped"] == {"Projection L": 1, "exclude or suboptimal study": 2, "a label is empty": 1}
    assert known.loc[film.name, ["sex", "view"]].tolist() == ["M", "AP_horizontal"]


def test_vindr(tmp_path, caplog):
    frame, _ = read("vindr", tmp_path)
    assert "NO PATIENTS: no column tells whose films these are, so each of the 14 films" in caplog.text
    assert len(frame) == 14 and (frame["patient_id"] == frame.index).all()
    film = frame.loc[f"{3:032x}"]
    assert film["path"] == f"train/{3:032x}.dicom"
    assert shown(film) == ["Cardiomegaly", "Interstitial Lung Disease"]  # two and three of three readers
    test = frame.loc[f"{12:032x}"]
    assert test["path"].startswith("test/") and test["split"] == "test"
    assert test[list(labels_of(frame))].eq(1).all()
    assert frame.loc[f"{13:032x}", list(labels_of(frame))].eq(0).all()


def test_rsna(tmp_path):
    frame, _ = read("rsna", tmp_path)
    assert len(frame) == 12 and set(labels_of(frame)) == {"Pneumonia", "No Finding"}
    ordered = frame.sort_index()
    kinds = [shown(ordered.iloc[k]) for k in range(3)]
    assert kinds == [["Pneumonia"], ["No Finding"], []]
    assert ordered["path"].iloc[0] == "stage_2_train_images/0004cfab-14fd-4e49-80ba-63a80b6bdd00.dcm"


def test_openi(tmp_path):
    frame, _ = read("openi", tmp_path)
    assert len(frame) == 12 and frame.attrs["dropped"]["projection Lateral"] == 13
    film = frame[frame["patient_id"] == "2"].iloc[0]
    assert film["path"] == "images/images_normalized/2_IM-0002-1001.dcm.png"
    assert shown(film) == ["Cardiomegaly", "Hernia"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_data_that_says_what_it_is(name):
    about = described(name)["about"]
    assert set(about) == {"name", "access", "verified", "dropped"} and all(map(str.strip, about.values()))
    assert name in presets.__dict__
    table = OfItsKind().check({"kind": name, "images": "data/x"})
    assert OfItsKind().check(table.model_dump(mode="json")) == table  # as a study's jobs hand it on
    assert all(path.startswith("data/x") for paths in table.paths().values() for path in paths)
    assert len(set(table.labels) & set(CXRLT26)) > 1
