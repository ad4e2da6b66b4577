"""The manifest: one row per film of a data set, checked before anything expensive is done with it.

Columns: image_id, patient_id, path (POSIX, relative to the source's image root), split, view, age, sex, then one
nullable Int8 column per label. A missing label value means that the source does not cover the label; it is never 0.
Rows are sorted by split (train, val, test) and image_id, so the order of a label file decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qcxr.data.columns import KEYS, SPLITS, labels_of
from qcxr.data.counts import counts
from qcxr.data.csvfile import read_table
from qcxr.data.missing import missing_films, refuse_above
from qcxr.data.sources import Source
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_parquet


@dataclass(frozen=True)
class ManifestFiles:
    """Where a manifest goes: itself (parquet), its `counts.counts`, and the films left out and why (CSV).

    issues has `columns.ISSUES` and is written also when the manifest is refused; a header only when there are none.
    """

    manifest: str | Path
    counts: str | Path | None = None
    issues: str | Path | None = None


def write_manifest(
    source: Source,
    out: ManifestFiles,
    *,
    dataset: str | None = None,
    splits: Sequence[str] | None = None,
    labels_needed: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a source, check it, and write its manifest with the first part of its audit.

    dataset: the data set's name (default: the source's kind).
    splits: keep these splits only, of which each must hold a film (all that are there when None).
    labels_needed: labels that every film kept must cover.

    Returns the manifest. Raises InputError with nothing written but out.issues, for everything `check` and the
    source's reader refuse.
    """
    name = dataset or source.kind
    frame = source.read()
    if splits is not None:
        frame = _only(frame, splits, source, name=name)
    _refuse_blank(frame, labels_needed)
    frame = check(frame)
    require(frame, labels_needed, what=name)
    issues = missing_films(frame, source.options["images"])
    if out.issues is not None:
        write_csv(issues, out.issues)
    refuse_above(issues, n=len(frame), limit=source.max_missing, root=source.options["images"], listed=out.issues)
    frame = frame[~frame["image_id"].isin(issues["image_id"])].reset_index(drop=True)
    for split in splits or ():
        if not (frame["split"] == split).any():
            where = "" if out.issues is None else f", as listed in {out.issues}"
            raise InputError(f"{name} has no film left in split {split}: all are missing or empty{where}; restore them")
    if out.counts is not None:
        write_csv(counts(frame, dataset=name), out.counts)
    write_parquet(frame, out.manifest)
    return frame


def read_manifest(path: str | Path) -> pd.DataFrame:
    """A manifest from disk, checked again (it may have been edited). Raises InputError."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"manifest {path} does not exist; run the manifest step first")
    again = "delete the file and run the manifest step again"
    try:
        return check(pd.read_parquet(path))
    except InputError as error:
        raise InputError(f"manifest {path} is not as it was written: {error}; or {again}") from None
    except Exception as error:  # what pyarrow raises depends on where the file is damaged
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"manifest {path} is not readable parquet ({reason}); {again}") from None


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with contract dtypes and row order, if it keeps the contract.

    Raises InputError for: a missing column, an empty id, an unknown split, an image_id twice, a patient in two
    splits, a path that is absolute or leaves its root, a label outside {0, 1, NA}, no label column at all.
    """
    if missing := [column for column in KEYS if column not in frame.columns]:
        raise InputError(f"manifest lacks the column(s) {', '.join(missing)}; it has {', '.join(frame.columns)}")
    if frame.empty:
        raise InputError("manifest has no film")
    labels = labels_of(frame)
    if not labels:
        raise InputError("manifest has no label column")
    places, frame = frame.index, frame.reset_index(drop=True)
    out = pd.DataFrame({column: frame[column].astype("string") for column in KEYS}, index=frame.index)
    for column in KEYS:
        if (empty := out[column].isna() | (out[column] == "")).any():
            first = _place(places, int(empty.argmax()))
            raise InputError(f"manifest has {int(empty.sum())} film(s) without {column}, first in {first}")
    if (unknown := ~out["split"].isin(SPLITS)).any():
        raise InputError(f"split must be one of {', '.join(SPLITS)}, got {out['split'][unknown].iloc[0]!r}")
    if (twice := out["image_id"].duplicated()).any():
        raise InputError(
            f"image id {out['image_id'][twice].iloc[0]} is there twice ({int(twice.sum())} repeated id(s) in all); "
            "every film may stand in one label file, once"
        )
    pairs = out[["patient_id", "split"]].drop_duplicates()
    if (spread := pairs["patient_id"].duplicated()).any():
        patient = pairs["patient_id"][spread].iloc[0]
        where = "/".join(sorted(pairs["split"][pairs["patient_id"] == patient]))
        raise InputError(
            f"patient {patient} is in two splits ({where}; {pairs['patient_id'][spread].nunique()} such patient(s)); "
            "split by patient, or the test set leaks into training"
        )
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


def _only(frame: pd.DataFrame, splits: Sequence[str], source: Source, *, name: str) -> pd.DataFrame:
    """The films of `splits`. Raises InputError for a split without any, which names its label file."""
    if unknown := [split for split in splits if split not in SPLITS]:
        raise InputError(f"splits must be among {', '.join(SPLITS)}, got {unknown[0]!r}")
    for split in splits:
        if (frame["split"] == split).any():
            continue
        if files := source.label_files(split):
            listed = ", ".join(map(str, files))
            rows = sum(len(read_table(file)) for file in files)
            reason = f"none of the {rows} rows of {listed} is a film to keep" if rows else f"{listed} has no data row"
        else:
            reason = "no label file has that split in its name"
        raise InputError(
            f"{name} has no film in split {split}, which the study needs: {reason}; correct data.sources.{name}.labels "
            "or choose other data sets (data.train_on, data.test_on)"
        )
    return frame[frame["split"].isin(list(splits))]


def _refuse_blank(frame: pd.DataFrame, labels: Sequence[str]) -> None:
    """Raises InputError for a label that some films lack and others have; which file, and the first row in it."""
    for label in labels:
        if label not in frame or not (blank := frame[label].isna()).any():
            continue
        file, row = frame.index[int(blank.argmax())]
        here = blank[frame.index.get_level_values("file") == file]
        found = (
            f"has no value of {label} (the column is missing or empty)"
            if here.all()
            else f"leaves {label} blank in data row {row} ({int(here.sum())} such row(s))"
        )
        raise InputError(
            f"label file {file} {found}, but a task needs it on every film: write 0 or 1, use the label files of one "
            "release, or choose a task without it"
        )


def _place(index: pd.Index, position: int) -> str:
    """Where a row of a frame comes from: its label file, if a reader made the frame."""
    if index.names != ["file", "row"]:
        return f"row {position}"
    file, row = index[position]
    return f"data row {row} of {file}"


# absolute, with a parent folder in it, with a backslash, with a drive: all that may leave the image root
_OUTSIDE = r"^/|(?:^|/)\.\.(?:/|$)|\\|^[^/]*:"


def _refuse_outside(paths: pd.Series) -> None:
    if (outside := paths.str.contains(_OUTSIDE, regex=True)).any():
        first = paths[outside].iloc[0]
        raise InputError(f"path {first!r} must stay inside the image root (relative, no '..'); correct the label file")
