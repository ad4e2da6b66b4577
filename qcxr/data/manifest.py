"""The manifest: one row per film of a data set, checked (`contract`) before anything expensive is done with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qcxr.data.columns import PLACE, SPLITS
from qcxr.data.contract import check, require
from qcxr.data.counts import counts
from qcxr.data.csvfile import read_table
from qcxr.data.missing import missing_films, refuse_above
from qcxr.data.sources import Source
from qcxr.errors import InputError, one_line
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
    labels_wanted: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a source, check it, and write its manifest with the first part of its audit.

    dataset: the data set's name (default: the source's kind).
    splits: those that the study uses: each must hold a film (all that are there when None). The manifest has the
        others too, so that it is the same whichever are used, but of them films may be missing.
    labels_needed: labels that every film of these splits must cover.
    labels_wanted: labels that every film of these splits must cover, or none.

    Of a label that the reader leaves open on purpose (`attrs["partial"]` of its frame) some films may have no value.

    Returns the manifest. Raises InputError with nothing written but out.issues, for everything `check` and the
    source's reader refuse.
    """
    name = dataset or source.kind
    frame = source.read()
    used, open_ = _of(frame, splits, source, name=name), frame.attrs.get("partial", ())
    for label in [label for label in (*labels_needed, *labels_wanted) if label not in open_]:
        _refuse_blank(used, label, needed=label in labels_needed, what=name)
    frame = check(frame)
    used = frame if splits is None else frame[frame["split"].isin(list(splits))]
    require(used, [label for label in labels_needed if label not in open_], what=name)
    issues = missing_films(frame, source.options["images"])
    if out.issues is not None:
        write_csv(issues, out.issues)
    gone = issues[issues["image_id"].isin(used["image_id"])]
    refuse_above(gone, n=len(used), limit=source.max_missing, root=source.options["images"], listed=out.issues)
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
        raise InputError(f"manifest {path} is not readable parquet ({one_line(error)}); {again}") from None


def _of(frame: pd.DataFrame, splits: Sequence[str] | None, source: Source, *, name: str) -> pd.DataFrame:
    """The films of `splits`. Raises InputError for a split without any, which names its label file."""
    if splits is None:
        return frame
    if unknown := [split for split in splits if split not in SPLITS]:
        raise InputError(f"splits must be among {', '.join(SPLITS)}, got {unknown[0]!r}")
    for split in splits:
        if (frame["split"] == split).any():
            continue
        if files := source.label_files(split):
            listed = ", ".join(map(str, files))
            rows = sum(len(read_table(file)) for file in files)
            reason = f"none of the {rows} rows of {listed} is a film to keep" if rows else f"{listed} has no data row"
        elif hasattr(reader := source.reader(), "why_empty"):
            reason = reader.why_empty(split, **source.options)
        else:
            reason = "no label file has that split in its name"
        key = f"data.sources.{name}" + ".labels" * ("labels" in source.options)
        raise InputError(
            f"{name} has no film in split {split}, which the study needs: {reason}; correct {key} "
            "or choose other data sets (data.train_on, data.test_on)"
        )
    return frame[frame["split"].isin(list(splits))]


def _refuse_blank(frame: pd.DataFrame, label: str, *, needed: bool, what: str) -> None:
    """Raises InputError for a label that some films lack and others have; which file, and the first row in it.

    needed: not even all may lack it.
    """
    if label not in frame or not (blank := frame[label].isna()).any() or (blank.all() and not needed):
        return
    if tuple(frame.index.names) == PLACE:
        file, row = frame.index[int(blank.argmax())]
        here = blank[frame.index.get_level_values("file") == file]
        found = f"label file {file} " + (
            f"has no value of {label} (the column is missing or empty)"
            if here.all()
            else f"leaves {label} blank in data row {row} ({int(here.sum())} such row(s))"
        )
    elif needed:  # another reader's: `require` says which label, without the place
        return
    else:
        found = f"{what} leaves {label} blank on {int(blank.sum())} of its {len(frame)} films"
    raise InputError(
        f"{found}, but a task needs it on every film{'' if needed else ' of a data set, or on none'}: write 0 or 1, "
        "use the label files of one release, or choose a task without it"
    )
