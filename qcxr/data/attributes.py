"""Sex, age and view of every film in a manifest, from the tables that the source comes with.

They stay out of the manifest: no run sees them, and a finished study that is given them trains nothing again.

NIH: `Data_Entry_2017*.csv` has all three. MIMIC: the view is in the manifest; sex and age are in MIMIC-IV's
`hosp/patients.csv.gz` (subject_id, gender, anchor_age, anchor_year). A patient has `anchor_age` in `anchor_year`; the
dates of MIMIC-CXR-JPG's metadata (StudyDate) are shifted as MIMIC-IV's are, so the age at a film follows from its year.
MIMIC-IV knows only those of MIMIC-CXR's patients who were admitted or seen in the emergency department. A table of the
user's own tells them in columns: its reader's `attributes`.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from qcxr.data.csvfile import read_table
from qcxr.data.manifest import read_manifest
from qcxr.data.sources import Source
from qcxr.errors import InputError
from qcxr.study.files import write_parquet

COLUMNS = ("image_id", "patient_id", "sex", "age", "view")


def write_attributes(
    manifest: str | Path, out: str | Path, *, source: Source, files: Mapping[str, str | Path]
) -> pd.DataFrame:
    """Write `COLUMNS` of the manifest's films in its order (parquet); what is not known is missing.

    files: the source's tables by key: entries (nih), patients and metadata (mimic). age: years, float32.
    Raises InputError as the source's reader does, and for a patients table that is not MIMIC-IV's.
    """
    frame = read_manifest(manifest)
    known = pd.DataFrame({name: frame.get(name) for name in COLUMNS}, index=frame.index)
    if "entries" in files:
        listed = Source(source.kind, {**source.options, "entries": files["entries"]}).read().set_index("image_id")
        known[["sex", "age", "view"]] = listed.loc[frame["image_id"], ["sex", "age", "view"]].to_numpy()
    if hasattr(reader := source.reader(), "attributes"):
        known[["sex", "age", "view"]] = reader.attributes(frame, **source.options).to_numpy()
    if "patients" in files:
        known[["sex", "age"]] = _of_patients(frame, files["patients"], files.get("metadata")).to_numpy()
    for name in COLUMNS:
        known[name] = pd.to_numeric(known[name]).astype("Float32") if name == "age" else known[name].astype("string")
    write_parquet(known, out)
    return known


def _of_patients(frame: pd.DataFrame, patients: str | Path, metadata: str | Path | None) -> pd.DataFrame:
    table = read_table(patients, what="MIMIC patients file")
    table.columns = table.columns.str.lower()  # MIMIC-III has them in capitals
    if missing := [name for name in ("subject_id", "gender") if name not in table]:
        raise InputError(f"MIMIC patients file {patients} lacks {', '.join(missing)}; use MIMIC-IV's patients.csv.gz")
    if (twice := table["subject_id"].duplicated()).any():
        first = table["subject_id"][twice].iloc[0]
        raise InputError(f"MIMIC patients file {patients} lists {first} twice; every patient may be listed once")
    found = table.set_index("subject_id").reindex(frame["patient_id"])
    if not frame["patient_id"].isin(table["subject_id"]).any():
        raise InputError(
            f"MIMIC patients file {patients} holds none of these films' {frame['patient_id'].nunique()} patients; "
            "use MIMIC-IV's patients.csv.gz (those of MIMIC-III have other numbers)"
        )
    age = found["anchor_age"] if "anchor_age" in found else pd.Series(None, index=found.index, dtype="string")
    years = pd.to_numeric(age, errors="coerce").to_numpy(float)
    if metadata is not None and "anchor_year" in found:
        dated = read_table(metadata, required=("dicom_id",), what="MIMIC metadata file").set_index("dicom_id")
        if "StudyDate" in dated:
            year = pd.to_numeric(dated["StudyDate"].str[:4], errors="coerce").reindex(frame["image_id"])
            later = year.to_numpy(float) - pd.to_numeric(found["anchor_year"], errors="coerce").to_numpy(float)
            years = years + pd.Series(later).fillna(0).to_numpy()
    return pd.DataFrame({"sex": found["gender"].to_numpy(), "age": years})
