"""Sex, age and view from NIH's entries and MIMIC-IV's patients, and that no manifest depends on them."""

import pandas as pd
import pytest

from qcxr.data.attributes import write_attributes
from qcxr.data.sources import Source
from qcxr.errors import InputError

from . import films


def mimic(root):
    """A manifest of films of four patients in two years, the source, and MIMIC-IV's table of three of them."""
    paths = films.mimic(root)
    metadata = pd.read_csv(paths["metadata"], dtype=str)
    metadata["StudyDate"] = [f"{2150 + k % 2}0{1 + k}15" for k in range(len(metadata))]
    metadata.to_csv(paths["metadata"], index=False)
    films.manifest_of("mimic", paths, root / "m.parquet")
    patients = pd.DataFrame(
        {
            "subject_id": [10000032, 10000033, 10000035, 19999999],
            "gender": ["F", "M", "F", "M"],
            "anchor_age": [52, 91, 18, 40],
            "anchor_year": [2150, 2148, 2151, 2180],
            "anchor_year_group": "2014 - 2016",
            "dod": "",
        }
    )
    patients.to_csv(root / "patients.csv.gz", index=False)
    return Source("mimic", paths), {"metadata": paths["metadata"], "patients": root / "patients.csv.gz"}, patients


def test_mimics_ages_are_those_at_the_film(tmp_path):
    source, files, _ = mimic(tmp_path)
    found = write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files=files)
    pd.testing.assert_frame_equal(found, pd.read_parquet(tmp_path / "a.parquet"))
    by_film = found.set_index("image_id")
    assert by_film.loc["00000000-aaaa-bbbb", ["sex", "age", "view"]].tolist() == ["F", 52, "AP"]  # of 2150
    assert by_film.loc["00000001-aaaa-bbbb", ["sex", "age", "view"]].tolist() == ["F", 53, "PA"]  # of 2151
    assert by_film.loc["00000002-aaaa-bbbb", ["sex", "age"]].tolist() == ["M", 93]
    unknown = found[found["patient_id"] == "10000034"]
    assert len(unknown) and unknown[["sex", "age"]].isna().all(axis=None) and unknown["view"].notna().all()


def test_mimic_without_patients_has_its_views(tmp_path):
    source, files, _ = mimic(tmp_path)
    only = {"metadata": files["metadata"]}
    found = write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files=only)
    assert set(found["view"]) == {"AP", "PA"} and found[["sex", "age"]].isna().all(axis=None)


def test_a_patients_table_without_ages_gives_sex(tmp_path):
    source, files, patients = mimic(tmp_path)
    patients[["subject_id", "gender"]].rename(columns=str.upper).to_csv(files["patients"], index=False)
    found = write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files=files)
    assert found["sex"].notna().any() and found["age"].isna().all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns="gender"), "lacks gender; use MIMIC-IV's patients.csv.gz"),
        (lambda t: pd.concat([t, t[:1]]), "lists 10000032 twice"),
        (lambda t: t.assign(subject_id=[1, 2, 3, 4]), "holds none of these films' 4 patients; use MIMIC-IV's"),
    ],
)
def test_another_table_is_refused(tmp_path, change, said):
    source, files, patients = mimic(tmp_path)
    change(patients).to_csv(files["patients"], index=False)
    with pytest.raises(InputError, match=said):
        write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files=files)


def test_nihs_entries(tmp_path):
    paths = films.nih(tmp_path)
    films.manifest_of("nih", paths, tmp_path / "m.parquet")
    source = Source("nih", paths)
    found = write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files={})
    assert found[["sex", "age", "view"]].isna().all(axis=None) and len(found) == 12
    rows = [("00000001_000.png", "058Y", "F", "PA"), ("00000001_001.png", "411", "F", "AP")]
    entries = tmp_path / "Data_Entry_2017.csv"
    columns = ["Image Index", "Patient Age", "Patient Gender", "View Position"]
    pd.DataFrame(rows, columns=columns).to_csv(entries, index=False)
    files = {"entries": entries}
    found = write_attributes(tmp_path / "m.parquet", tmp_path / "a.parquet", source=source, files=files)
    by_film = found.set_index("image_id")
    assert by_film.loc["00000001_000", ["sex", "age", "view"]].tolist() == ["F", 58, "PA"]
    assert by_film.loc["00000001_001", "age"] == 411  # as it stands: what is implausible is a question of groups
    assert found["sex"].isna().sum() == 10
