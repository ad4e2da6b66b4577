"""What a manifest is, and the check that one is.

Columns: image_id, patient_id, path (POSIX, relative to the source's image root), split, view, age, sex, then one
nullable Int8 column per label. A missing label value means that the source does not cover the label; it is never 0.
Rows are sorted by split (train, val, test) and image_id, so the order of a label file decides nothing.
"""

from collections.abc import Sequence

import pandas as pd

from qcxr.data.columns import KEYS, SPLITS, labels_of, place
from qcxr.errors import InputError


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with contract dtypes and row order, if it keeps the contract.

    Raises InputError for: a missing column, an empty id, an unknown split, an image_id twice, a patient in two
    splits, a path that is absolute or leaves its root, a label outside {0, 1, NA}, no label column at all, a
    column whose name is no text.
    """
    _refuse_columns(frame)
    if frame.empty:
        raise InputError("manifest has no film")
    labels = labels_of(frame)
    if not labels:
        raise InputError("manifest has no label column")
    places, frame = frame.index, frame.reset_index(drop=True)
    out = pd.DataFrame({column: _text(frame[column]) for column in KEYS}, index=frame.index)
    for column in KEYS:
        if (empty := out[column].isna() | (out[column] == "")).any():
            first = place(places, int(empty.argmax()))
            raise InputError(f"manifest has {int(empty.sum())} film(s) without {column}, first in {first}")
    if (unknown := ~out["split"].isin(SPLITS)).any():
        raise InputError(f"split must be one of {', '.join(SPLITS)}, got {out['split'][unknown].iloc[0]!r}")
    if (twice := out["image_id"].duplicated()).any():
        raise InputError(
            f"image id {out['image_id'][twice].iloc[0]} is there twice ({int(twice.sum())} repeated id(s) in all); "
            "every film may stand in one label file, once"
        )
    refuse_spread(out.set_axis(places))
    _refuse_outside(out["path"])
    for column, dtype in (("view", "string"), ("age", "Float32"), ("sex", "string")):
        if column in frame:
            try:
                out[column] = frame[column].astype(dtype)
            except (TypeError, ValueError):
                raise InputError(f"{column} of a manifest must be of type {dtype}, got {frame[column].dtype}") from None
    for label in labels:
        values = pd.to_numeric(frame[label], errors="coerce")
        if (wrong := frame[label].notna() & ~values.isin([0, 1])).any():
            raise InputError(f"label {label!r} must be 0, 1 or missing, got {str(frame[label][wrong].iloc[0])!r}")
        out[label] = values.astype("Int8")
    order = out.assign(split=out["split"].map({split: i for i, split in enumerate(SPLITS)}))
    out = out.loc[order.sort_values(["split", "image_id"]).index].reset_index(drop=True)
    out.attrs = dict(frame.attrs)  # what the reader left out, for the audit; parquet keeps it
    return out


def refuse_spread(frame: pd.DataFrame) -> None:
    """Raises InputError for a patient with films in two splits, with a file and row for each (`columns.place`)."""
    pairs = frame[["patient_id", "split"]].drop_duplicates()
    if not (spread := pairs["patient_id"].duplicated()).any():
        return
    patient = pairs["patient_id"][spread].iloc[0]
    numbered = frame.reset_index(drop=True)
    splits = numbered[numbered["patient_id"] == patient].drop_duplicates("split")["split"]
    where = " and ".join(f"{split} ({place(frame.index, at)})" for at, split in splits.items())
    raise InputError(
        f"patient {patient} is in two splits, {where} ({pairs['patient_id'][spread].nunique()} such patient(s)); split "
        "by patient, or the test set leaks into training"
    )


def _refuse_columns(frame: pd.DataFrame) -> None:
    if missing := [column for column in KEYS if column not in frame.columns]:
        raise InputError(f"manifest lacks the column(s) {', '.join(missing)}; it has {', '.join(map(str, frame))}")
    if unnamed := [name for name in frame.columns if not isinstance(name, str) or not name.strip()]:
        raise InputError(f"a column of a manifest must have a text for a name, got {unnamed[0]!r}; name it")


def _text(values: pd.Series) -> pd.Series:
    """As text; whole numbers that pandas has read as floats, since some are missing, without a point."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("string")


def require(frame: pd.DataFrame, labels: Sequence[str], *, split: str | None = None, what: str = "manifest") -> None:
    """Refuse if a film of `split` (of any split when None) does not cover a label of `labels`.

    For training and validation every film must cover every label. Raises InputError that names the labels.
    """
    part = frame if split is None or "split" not in frame else frame[frame["split"] == split]
    absent = [label for label in labels if label not in part.columns]
    partial = [label for label in labels if label in part.columns and part[label].isna().any()]
    if absent or partial:
        where = what if split is None else f"{what}, split {split},"
        known = [label for label in labels_of(frame) if label not in partial]
        raise InputError(
            f"{where} does not cover the label(s) {', '.join(absent + partial)}; it covers {', '.join(known)}: "
            "choose a task it covers, or label files of the right release"
        )


# absolute, with a parent folder in it, with a backslash, with a drive: all that may leave the image root
OUTSIDE = r"^/|(?:^|/)\.\.(?:/|$)|\\|^[^/]*:"


def _refuse_outside(paths: pd.Series) -> None:
    if (outside := paths.str.contains(OUTSIDE, regex=True)).any():
        first = paths[outside].iloc[0]
        raise InputError(f"path {first!r} must stay inside the image root (relative, no '..'); correct the label file")
