"""Who is behind the films: films and patients of each split, their ages, sexes and views, as far as manifests say."""

from collections.abc import Mapping

import pandas as pd

from qcxr.analysis.names import dataset_name

SPLITS = ("train", "val", "test")
COLUMNS = ("dataset", "split", "films", "patients", "age", "sex", "view")


def with_attributes(manifest: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """The manifest with the sex, age and view that a table of its films (image_id) has, in place of its own."""
    known = attributes.set_index("image_id").reindex(manifest["image_id"])
    told = {name: known[name].array for name in ("view", "age", "sex") if name in known}
    return manifest.assign(**told)


def cohort(manifests: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Describe the splits of {data set: manifest}: columns `COLUMNS`, a row per data set and split.

    films and patients are numbers; age, sex and view are words (median and quartiles in years, shares of films), and
    "" where no film of the split has the fact. Shares are of the films that have it; how many lack it is said.
    """
    rows = []
    for dataset, manifest in manifests.items():
        for split in SPLITS:
            part = manifest[manifest["split"] == split]
            if len(part):
                rows.append((dataset, split, len(part), part["patient_id"].nunique(), *_facts(part)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def shared_patients(manifests: Mapping[str, pd.DataFrame]) -> int:
    """Count the patients of any one data set that are in more than one of its splits."""
    spread = 0
    for manifest in manifests.values():
        spread += int((manifest.groupby("patient_id")["split"].nunique() > 1).sum())
    return spread


def dropped(manifests: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say how many films were left out by their readers (MIMIC's for their view), of data sets whose manifest tells."""
    texts = []
    for dataset, manifest in manifests.items():
        if views := manifest.attrs.get("dropped"):
            said = ", ".join(f"{count:,} {view}" for view, count in views.items())
            texts.append(f"{dataset_name(dataset)}: left out: {said}.")
    return texts


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it, without the facts that no split has."""
    table = frame.rename(columns=dict(zip(COLUMNS, ("Data set", *map(str.capitalize, COLUMNS[1:])), strict=True)))
    table["Data set"] = table["Data set"].map(dataset_name)
    empty = [name for name in ("Age", "Sex", "View") if not table[name].any()]
    return table.drop(columns=empty).replace("", "—")


def _facts(part: pd.DataFrame) -> tuple[str, str, str]:
    return _ages(part), _shares(part, "sex"), _shares(part, "view")


def _ages(part: pd.DataFrame) -> str:
    known = pd.to_numeric(part["age"], errors="coerce").dropna() if "age" in part else pd.Series(dtype=float)
    if known.empty:
        return ""
    low, middle, high = (float(known.quantile(q)) for q in (0.25, 0.5, 0.75))
    return f"{middle:.0f} ({low:.0f} to {high:.0f})" + _unknown(len(part) - len(known))


def _shares(part: pd.DataFrame, column: str) -> str:
    known = part[column].dropna() if column in part else pd.Series(dtype=str)
    known = known[known.astype(str) != ""]
    if known.empty:
        return ""
    shares = known.astype(str).value_counts(normalize=True).sort_index()
    return ", ".join(f"{value} {100 * share:.0f} %" for value, share in shares.items()) + _unknown(
        len(part) - len(known)
    )


def _unknown(count: int) -> str:
    return f", {count:,} unknown" * bool(count)
