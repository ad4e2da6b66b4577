"""The manifest: one row per film of a data set, checked before anything expensive is done with it.

Columns: image_id, patient_id, path (POSIX, relative to the source's image root), split, view, age, sex, then one
nullable Int8 column per label. A missing label value means that the source does not cover the label; it is never 0.
Rows are sorted by split (train, val, test) and image_id, so the order of a label file decides nothing.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from qcxr.data import sources
from qcxr.data.columns import ISSUES, KEYS, SPLITS, labels_of
from qcxr.data.counts import counts
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_parquet


def write_manifest(
    *,
    kind: str,
    out: str | Path,
    counts_out: str | Path | None = None,
    issues_out: str | Path | None = None,
    dataset: str | None = None,
    splits: Sequence[str] | None = None,
    labels_needed: Sequence[str] = (),
    max_missing: float = 0.0,
    images: str | Path,
    **source,
) -> pd.DataFrame:
    """Read a source, check it, and write its manifest (parquet) with the first part of its audit (CSV).

    kind, images, **source: which layout, its image root, and what else its reader takes (`sources.SOURCES`).
    out: the manifest. counts_out: `counts.counts` of it, under the name `dataset` (default: kind). issues_out: films
        left out and why (`columns.ISSUES`; header only when there are none).
    splits: keep these splits only (all when None). labels_needed: labels that some film must cover (`require`).
    max_missing: the fraction of films, in [0, 1], that may be absent or empty on disk; they are left out.

    Returns the manifest. Raises InputError with nothing written but issues_out, for everything `check` and the
    source's reader refuse.
    """
    frame = sources.read(kind, images=images, **source)
    if splits is not None:
        if unknown := [split for split in splits if split not in SPLITS]:
            raise InputError(f"splits must be among {', '.join(SPLITS)}, got {unknown[0]!r}")
        frame = frame[frame["split"].isin(list(splits))]
        if frame.empty:
            raise InputError(f"source {kind} has no film in {', '.join(splits)}; check its labels and splits")
    frame = check(frame)
    require(frame, labels_needed, what=dataset or kind)
    issues = missing_films(frame, images)
    if issues_out is not None:
        write_csv(issues, issues_out)
    refuse_above(issues, n=len(frame), limit=max_missing, root=images, listed=issues_out)
    frame = frame[~frame["image_id"].isin(issues["image_id"])].reset_index(drop=True)
    if counts_out is not None:
        write_csv(counts(frame, dataset=dataset or kind), counts_out)
    write_parquet(frame, out)
    return frame


def read_manifest(path: str | Path) -> pd.DataFrame:
    """A manifest from disk, checked again (it may have been edited). Raises InputError."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"manifest {path} does not exist; run the manifest step first")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"manifest {path} is not readable parquet ({error}); delete it and run again") from None
    return check(frame)


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
    out = pd.DataFrame({column: frame[column].astype("string") for column in KEYS}, index=frame.index)
    for column in KEYS:
        if (empty := out[column].isna() | (out[column] == "")).any():
            raise InputError(f"manifest has {int(empty.sum())} film(s) without {column}, first in row {empty.argmax()}")
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
            out[column] = frame[column].astype(dtype)
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


def missing_films(frame: pd.DataFrame, images: str | Path) -> pd.DataFrame:
    """The films that are not on disk, or are empty files, as issues (`columns.ISSUES`)."""
    root = str(images)

    def issue(path: str) -> str | None:
        try:
            return None if os.stat(f"{root}/{path}").st_size else "empty"
        except OSError:
            return "missing"

    with ThreadPoolExecutor(16) as pool:  # stat on a network disk waits, it does not compute
        found = list(pool.map(issue, frame["path"], chunksize=256))
    rows = frame[["image_id", "path"]].assign(issue=found, detail="")
    return rows[rows["issue"].notna()].reset_index(drop=True)[list(ISSUES)]


def refuse_above(issues: pd.DataFrame, *, n: int, limit: float, root: str | Path, listed: str | Path | None) -> None:
    """Raises InputError when more than the fraction `limit` of `n` films have an issue."""
    if not 0 <= limit <= 1:
        raise InputError(f"max_missing must be a fraction in [0, 1], got {limit!r}; set it in data.sources")
    if len(issues) > limit * n:
        first = issues.iloc[0]
        reason = f" ({first['detail']})" if first["detail"] else ""
        raise InputError(
            f"{len(issues)} of {n} films under {root} are missing or unreadable, first {first['path']}: "
            f"{first['issue']}{reason}; allowed is a fraction of {limit:g} (the source's max_missing in data.sources)"
            + (f", all are listed in {listed}" if listed is not None else "")
        )


# absolute, with a parent folder in it, with a backslash, with a drive: all that may leave the image root
_OUTSIDE = r"^/|(?:^|/)\.\.(?:/|$)|\\|^[^/]*:"


def _refuse_outside(paths: pd.Series) -> None:
    if (outside := paths.str.contains(_OUTSIDE, regex=True)).any():
        first = paths[outside].iloc[0]
        raise InputError(f"path {first!r} must stay inside the image root (relative, no '..'); correct the label file")
