"""NIH-CXR-LT: ChestX-ray14 films with the 19 labels of PruneCXR (paper, section III-A1).

Films: `images/00000001_000.png`, or as downloaded in twelve folders `images_001/images/...`, under one root.
Labels: PruneCXR's three CSVs (`id`, one 0/1 column per label, `subj_id`). Age, sex and view come from NIH's own
`Data_Entry_2017*.csv`, which is optional.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from qcxr.data.csvfile import label_columns, read_label_files, read_table
from qcxr.data.folders import listed
from qcxr.errors import InputError


def read(
    *, images: str | Path, labels: str | Path | Sequence[str | Path], entries: str | Path | None = None
) -> pd.DataFrame:
    """The manifest frame of NIH-CXR-LT: one row per film, in no particular order.

    images: root folder of the films; they may lie in it, in `images/`, or in `images_001/images/` and so on.
    labels: folder of the label CSVs, or the files; each file's split is in its name.
    entries: NIH's `Data_Entry_2017*.csv`, or None.

    Columns: image_id, patient_id, path (relative to `images`), split, view, age, sex, then the label columns found.
    Index: the label file and the row in it, as `csvfile.read_label_files`.
    A film that is not on disk gets the path it would have in a flat folder; `manifest` reports it as missing.

    Raises InputError as `csvfile` does, and when two folders hold a film of the same name.
    """
    frame = read_label_files(labels, _rows, required=("id", "subj_id"), what="NIH label file")
    found = find_films(images)
    flat = f"{_common_folder(found)}{{}}.png"
    frame["path"] = [found.get(name) or flat.format(name) for name in frame["image_id"]]
    if entries is not None:
        frame = _with_entries(frame, entries)
    return frame


def find_films(root: str | Path) -> dict[str, str]:
    """{film's stem: POSIX path relative to root} of every PNG in root and in its folders (module docstring)."""
    root = Path(root)
    folders = [""]
    for first in sorted(entry.name for entry in listed(root) if entry.is_dir()):
        if first == "images" or first.startswith("images_"):
            folders.append(f"{first}/")
            folders += [f"{first}/images/"] if (root / first / "images").is_dir() else []
    found: dict[str, str] = {}
    for folder in folders:
        for name in (entry.name for entry in listed(root / folder)):
            stem, dot, suffix = name.rpartition(".")
            if not dot or suffix.lower() != "png":
                continue
            if stem in found:
                raise InputError(
                    f"film {name} is in the image folder {root} twice, as {found[stem]} and {folder}{name}; keep one"
                )
            found[stem] = folder + name
    return found


def _rows(table: pd.DataFrame, split: str, path: Path) -> pd.DataFrame:
    stems = table["id"].str.replace(r"\.png$", "", case=False, regex=True)
    head = pd.DataFrame({"image_id": stems, "patient_id": table["subj_id"], "path": "", "split": split})
    head[["view", "age", "sex"]] = None
    return pd.concat([head, label_columns(table, path=path)], axis=1)


def _common_folder(found: dict[str, str]) -> str:
    folders = {path.rpartition("/")[0] for path in found.values()}
    return f"{folders.pop()}/" if len(folders) == 1 and "" not in folders else ""


def _with_entries(frame: pd.DataFrame, entries: str | Path) -> pd.DataFrame:
    required = ("Image Index", "Patient Age", "View Position")
    table = read_table(entries, required=required, what="NIH entries file")
    sex = next((column for column in ("Patient Gender", "Patient Sex") if column in table), None)
    if sex is None:
        raise InputError(f"NIH entries file {entries} lacks the column Patient Gender (or Patient Sex)")
    table["image_id"] = table["Image Index"].str.replace(r"\.png$", "", case=False, regex=True)
    if table["image_id"].duplicated().any():
        twice = table["image_id"][table["image_id"].duplicated()].iloc[0]
        raise InputError(f"NIH entries file {entries} lists {twice} twice; every film may be listed once")
    known = table.set_index("image_id").reindex(frame["image_id"])
    frame["view"] = known["View Position"].to_numpy()
    frame["sex"] = known[sex].to_numpy()
    # older releases write ages as 058Y, 013M, 004D
    age = known["Patient Age"].str.extract(r"^0*(\d+)([YMD]?)$")
    years = pd.to_numeric(age[0]) / age[1].map({"M": 12, "D": 365}).fillna(1).astype(float)
    frame["age"] = years.to_numpy()
    return frame
