"""The demo's data set as a whole: layouts, label files, splits, determinism, and what is left after a failure."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from qcxr.data import sources
from qcxr.errors import InputError
from qcxr.phantom import demo, nih_files
from qcxr.study.labels import CXR19

REAL_LABELS = Path(__file__).parents[2] / "../shared/data/nih_sample/miccai2023_nih-cxr-lt_labels_train.csv"
SIZES = {"train": 50, "val": 24, "test": 24, "mimic": 40, "size": 64}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    demo.generate(out, demo.DemoPlan(seed=5, **SIZES), workers=1)
    return out


def labels(made: Path, split: str) -> pd.DataFrame:
    return pd.read_csv(made / f"nih/labels/miccai2023_nih-cxr-lt_labels_{split}.csv", dtype={"subj_id": str})


def test_same_seed_same_bytes_whatever_the_workers(made, tmp_path):
    demo.generate(tmp_path / "again", demo.DemoPlan(seed=5, **SIZES), workers=2)
    assert digests(tmp_path / "again") == digests(made)


def test_another_seed_is_another_data_set(made, tmp_path):
    demo.generate(tmp_path / "other", demo.DemoPlan(seed=6, **SIZES), workers=2)
    first, other = digests(made), digests(tmp_path / "other")
    films = [name for name in first if name.endswith(".png") and name in other]
    assert len(films) > 20
    assert all(first[name] != other[name] for name in films)


def test_label_files_follow_the_official_format(made):
    for split in ("train", "val", "test"):
        data = (made / f"nih/labels/miccai2023_nih-cxr-lt_labels_{split}.csv").read_bytes()
        lines = data.split(b"\r\n")
        assert lines[-1] == b"" and b"\n" not in b"".join(lines)
        assert lines[0].decode().split(",") == list(nih_files.COLUMNS)
        assert len(lines) == SIZES[split] + 2
    frame = labels(made, "train")
    assert frame["subj_id"].str.fullmatch(r"\d{8}").all()
    assert (frame["id"].str.slice(0, 8) == frame["subj_id"]).all()
    assert (frame["No Finding"] == (frame[list(CXR19)].sum(axis=1) == 0)).all()


@pytest.mark.skipif(not REAL_LABELS.exists(), reason="the official label files are not here")
def test_header_equals_the_real_one():
    assert REAL_LABELS.read_bytes().split(b"\r\n")[0].decode() == ",".join(nih_files.COLUMNS)


def test_every_label_can_be_scored_in_every_split(made):
    for split in ("train", "val", "test"):
        positives = labels(made, split)[list(CXR19)].sum()
        assert positives.min() >= 2 and positives.max() < SIZES[split]
    mimic = read_mimic(made)
    assert len(mimic) == SIZES["mimic"]
    assert mimic[list(CXR19)].sum().min() >= 2


def test_patients_have_several_films_and_one_split(made):
    subjects = {split: set(labels(made, split)["subj_id"]) for split in ("train", "val", "test")}
    assert not subjects["train"] & subjects["val"] | subjects["train"] & subjects["test"]
    assert not subjects["val"] & subjects["test"]
    assert labels(made, "train")["subj_id"].value_counts().max() > 1


def test_nih_films_are_gray_and_a_few_rgba(made):
    frame = pd.concat([labels(made, split) for split in ("train", "val", "test")])
    modes = []
    for name in frame["id"]:
        with Image.open(made / "nih/images" / name) as film:
            modes.append(film.mode)
            assert film.size == (64, 64)
    assert set(modes) == {"L", "RGBA"} and modes.count("RGBA") < 10
    assert len(list((made / "nih/images").iterdir())) == len(frame)


def test_readers_of_the_real_layouts_take_it(made):
    nih = sources.read(
        "nih", images=made / "nih", labels=made / "nih/labels", entries=made / "nih/Data_Entry_2017_v2020.csv"
    )
    assert nih["path"].map(lambda path: (made / "nih" / path).is_file()).all()
    assert nih["view"].isin(["AP", "PA"]).all() and nih["age"].between(18, 110).all()
    assert nih.groupby("patient_id")["sex"].nunique().eq(1).all()
    mimic = read_mimic(made)
    assert mimic["path"].str.fullmatch(r"files/p1\d/p1\d{7}/s5\d{7}/([0-9a-f]{8}-){4}[0-9a-f]{8}\.jpg").all()
    assert mimic["path"].map(lambda path: (made / "mimic" / path).is_file()).all()


def read_mimic(made: Path) -> pd.DataFrame:
    return sources.read(
        "mimic",
        images=made / "mimic",
        labels=made / "mimic/miccai2023_mimic-cxr-lt_labels_test.csv",
        metadata=made / "mimic/mimic-cxr-2.0.0-metadata.csv.gz",
    )


def test_mimic_joins_its_metadata_and_holds_laterals(made):
    rows = pd.read_csv(made / "mimic/miccai2023_mimic-cxr-lt_labels_test.csv")
    metadata = pd.read_csv(made / "mimic/mimic-cxr-2.0.0-metadata.csv.gz")
    joined = rows.merge(metadata, on=["dicom_id", "subject_id", "study_id"], validate="one_to_one")
    assert len(joined) == len(rows) == len(metadata) > SIZES["mimic"]
    assert set(joined["ViewPosition"].dropna()) >= {"AP", "PA", "LATERAL"}
    assert (joined.groupby("study_id")["Edema"].nunique() == 1).all()  # labels are the study's
    assert "Pleural Effusion" in rows and "Effusion" not in rows
    for row in joined.head(12).itertuples():
        with Image.open(made / "mimic" / row.path) as film:
            assert (film.height, film.width, film.mode) == (row.Rows, row.Columns, "L")
    assert (joined["Rows"] != joined["Columns"]).any()


def test_mimics_patients_are_those_of_the_films(made):
    rows = pd.read_csv(made / "mimic/miccai2023_mimic-cxr-lt_labels_test.csv")
    patients = pd.read_csv(made / "mimic/patients.csv.gz")
    assert list(patients) == ["subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod"]
    assert sorted(patients["subject_id"]) == sorted(rows["subject_id"].unique())
    assert set(patients["gender"]) == {"F", "M"} and patients["anchor_age"].between(18, 94).all()
    years = pd.read_csv(made / "mimic/mimic-cxr-2.0.0-metadata.csv.gz").assign(year=lambda m: m["StudyDate"] // 10000)
    anchored = years.merge(patients, on="subject_id")
    assert (anchored["year"] == anchored["anchor_year"]).all()


def test_a_failure_leaves_the_old_films_and_nothing_half_written(made, tmp_path, monkeypatch):
    out = tmp_path / "out"
    demo.generate(out, demo.DemoPlan(seed=1, **SIZES), workers=2)
    (out / "cache").mkdir()
    before = digests(out)
    drawn = []

    def fail(plan, root):
        drawn.append(plan)
        if len(drawn) > 20:
            raise OSError("disk full")

    monkeypatch.setattr(demo, "write_film", fail)
    with pytest.raises(OSError, match="disk full"):
        demo.generate(out, demo.DemoPlan(seed=2, **SIZES))
    assert digests(out) == before
    assert sorted(path.name for path in out.iterdir()) == ["cache", "mimic", "nih"]


def test_generated_films_are_replaced_and_foreign_ones_are_not(tmp_path):
    demo.generate(tmp_path, demo.DemoPlan(seed=1, **SIZES), workers=2)
    first = digests(tmp_path)
    demo.generate(tmp_path, demo.DemoPlan(seed=2, **SIZES), workers=2)
    second = digests(tmp_path)
    assert first["nih/images/00000001_000.png"] != second["nih/images/00000001_000.png"]
    (tmp_path / "nih" / demo.NOTICE).unlink()
    with pytest.raises(InputError, match=r"only replace a folder of generated films, but .* set generate.out"):
        demo.generate(tmp_path, demo.DemoPlan(seed=3, **SIZES), workers=2)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"size": 32}, "at least 64 pixels wide, got 32"),
        ({"seed": -1}, "seed must be >= 0, got -1"),
        ({"val": 5}, "at least 20 films to hold every label, got 5"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(tmp_path, wrong, text):
    with pytest.raises(InputError, match=text):
        demo.generate(tmp_path / "out", demo.DemoPlan(**({"seed": 1} | SIZES | wrong)))
    assert not (tmp_path / "out" / "nih").exists() and not (tmp_path / "out" / ".building").exists()


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/demo"])
def test_a_place_that_cannot_be_a_folder_is_said(tmp_path, where):
    (tmp_path / "file").write_text("mine")
    out = tmp_path / where  # an absolute path stays what it is
    reason = "a file is in its place" if "file" in where else ".+"
    with pytest.raises(InputError, match=rf"films cannot be written to {out} \({reason}\); set generate.out"):
        demo.generate(out, demo.DemoPlan(seed=1, **SIZES))
    assert (tmp_path / "file").read_text() == "mine"
