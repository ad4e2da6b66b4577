"""MIMIC-CXR-LT: MIMIC-CXR-JPG films (2.0.0 / 2.1.0) with long-tailed labels (paper, section III-A2).

Films: `files/p10/p10000032/s50414267/<dicom_id>.jpg` under the MIMIC-CXR-JPG root. Labels: PruneCXR's CSVs (13 of the
19 labels) or those of the CXR-LT 2023 challenge (26 labels, all 19 among them; MIMIC's `Pleural Effusion` is NIH's
`Effusion`). Views: MIMIC-CXR-JPG's `mimic-cxr-2.0.0-metadata.csv(.gz)`. The study keeps frontal films, AP or PA.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from qcxr.data.csvfile import label_columns, read_label_files, read_table
from qcxr.data.folders import listed
from qcxr.errors import InputError

FRONTAL = ("AP", "PA")


def read(
    *, images: str | Path, labels: str | Path | Sequence[str | Path], metadata: str | Path | None = None
) -> pd.DataFrame:
    """The manifest frame of MIMIC-CXR-LT's frontal films: one row per film, in no particular order.

    images: the MIMIC-CXR-JPG root (the folder that holds `files/`), or `files/` itself.
    labels: folder of the label CSVs, or the files; each file's split is in its name. Rows name their film by `path`
        (or `fpath`) or by `dicom_id` with `subject_id` and `study_id`.
    metadata: MIMIC-CXR-JPG's metadata CSV with `dicom_id` and `ViewPosition`; None if the label files have
        `ViewPosition` themselves.

    Columns: image_id (dicom_id), patient_id, path, split, view, age, sex, then the label columns found. How many films
    were dropped, by view, is in `frame.attrs["dropped"]` ({"LATERAL": 7, "(none)": 1, ...}). Index: the label file and
    the row in it, as `csvfile.read_label_files`.

    Raises InputError as `csvfile` does, when a film has no view to look up, and when no frontal film is left.
    """
    root = Path(images)
    inside = {entry.name for entry in listed(root) if entry.is_dir()}
    frame = read_label_files(labels, _rows, what="MIMIC label file")
    if "files" not in inside:  # the person pointed at files/ itself
        frame["path"] = frame["path"].str.removeprefix("files/")
    if metadata is not None:
        frame["view"] = _views(metadata, frame["image_id"])
    elif frame["view"].isna().all():
        raise InputError(
            "MIMIC films need ViewPosition to tell frontal from lateral; set the source's metadata to "
            "mimic-cxr-2.0.0-metadata.csv.gz"
        )
    frontal = frame["view"].isin(FRONTAL)
    dropped = frame.loc[~frontal, "view"].fillna("(none)").value_counts().sort_index()
    if not frontal.any():
        raise InputError(f"none of the {len(frame)} MIMIC films is frontal (ViewPosition AP or PA)")
    frame = frame[frontal].copy()
    frame.attrs["dropped"] = {str(view): int(count) for view, count in dropped.items()}
    return frame


def _rows(table: pd.DataFrame, split: str, path: Path) -> pd.DataFrame:
    where = next((column for column in ("path", "fpath") if column in table.columns), None)
    ids = ("dicom_id", "subject_id", "study_id")
    if where is not None:
        film = table[where].str.replace("\\", "/").str.removeprefix("/")
        stem = film.str.rpartition("/")[2].str.rpartition(".")[0]
        patient = film.str.extract(r"(?:^|/)p(\d{8})/")[0]
        if "subject_id" in table:
            patient = table["subject_id"]
        elif "subj_id" in table:
            patient = table["subj_id"]
    elif all(column in table.columns for column in ids):
        stem, patient = table["dicom_id"], table["subject_id"]
        number = patient.str.removesuffix(".0")
        film = "files/p" + number.str[:2] + "/p" + number + "/s" + table["study_id"].str.removesuffix(".0")
        film = film + "/" + stem + ".jpg"
    else:
        missing = [column for column in ids if column not in table.columns]
        raise InputError(
            f"MIMIC label file {path} lacks the column path, or else {', '.join(missing)}; "
            "is it another release's file?"
        )
    if patient.isna().any():
        row = int(patient.isna().to_numpy().argmax())
        raise InputError(f"MIMIC label file {path} gives no patient in data row {row + 1}; it needs subject_id")
    head = pd.DataFrame({"image_id": stem, "patient_id": patient.str.removesuffix(".0"), "path": film, "split": split})
    head[["view", "age", "sex"]] = None
    if "ViewPosition" in table:
        head["view"] = table["ViewPosition"]
    return pd.concat([head, label_columns(table, path=path)], axis=1)


def _views(metadata: str | Path, image_ids: pd.Series) -> list[str | None]:
    table = read_table(metadata, required=("dicom_id", "ViewPosition"), what="MIMIC metadata file")
    if table["dicom_id"].duplicated().any():
        twice = table["dicom_id"][table["dicom_id"].duplicated()].iloc[0]
        raise InputError(f"MIMIC metadata file {metadata} lists {twice} twice; every film may be listed once")
    known = image_ids.isin(table["dicom_id"])
    if not known.all():
        raise InputError(
            f"MIMIC metadata file {metadata} lacks {int((~known).sum())} of {len(known)} films, first "
            f"{image_ids[~known].iloc[0]}; use the metadata file of the same release"
        )
    return table.set_index("dicom_id")["ViewPosition"].reindex(image_ids).to_list()
