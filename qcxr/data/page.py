"""The audit page of a data set: one self-contained HTML file, and its contact sheet as a PNG."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcxr.data.audit import film_facts, film_issues
from qcxr.data.cache import build
from qcxr.data.charts import contact_sheet, long_tail, together
from qcxr.data.columns import ISSUES, SPLITS
from qcxr.data.contract import check
from qcxr.data.counts import cooccurrence, counts
from qcxr.data.entry import unpack_entry
from qcxr.data.films import Films, said_corrupt
from qcxr.data.missing import refuse_above
from qcxr.data.sources import Source
from qcxr.data.store import open_store
from qcxr.errors import InputError
from qcxr.study import formulas
from qcxr.study.files import replacing, write_csv, write_text
from qcxr.study.labels import CXRLT26

_SHOWN = 200  # issues on the page; all of them are in the CSV
_FILMS = 8  # columns of the contact sheet
_SEED = 0  # of its augmentation


@dataclass(frozen=True)
class Audit:
    """What `write_audit` found: counts (`counts.counts`), issues (`columns.ISSUES`), facts (`audit.film_facts`)."""

    counts: pd.DataFrame
    issues: pd.DataFrame
    facts: pd.DataFrame


@dataclass(frozen=True)
class AuditFiles:
    """Where an audit goes: the page (HTML), its contact sheet alone (PNG), the issues and the counts (CSV)."""

    page: str | Path
    sheet: str | Path | None = None
    issues: str | Path | None = None
    counts: str | Path | None = None


def write_audit(
    manifest: pd.DataFrame,
    films: Films,
    *,
    dataset: str,
    out: AuditFiles,
    unreadable: pd.DataFrame | None = None,
    augmentation: Mapping[str, Any] | None = None,
) -> Audit:
    """Write the audit of a data set whose films are in the cache.

    The page holds the counts per split and label with the long-tail chart, label co-occurrence, films by size and
    mode, the issues of `film_issues`, and a contact sheet.

    unreadable: issues that the manifest and the cache step found, to be shown with the others.
    augmentation: of the contact sheet (`augment.augment`'s keywords).

    Raises InputError when none of the films is cached, or an entry is corrupt.
    """
    facts = film_facts(manifest, films)
    if facts.empty:
        raise InputError(f"no film of {dataset} is in the cache {films.cache}; run the cache step first")
    issues = film_issues(facts, films)
    if unreadable is not None and len(unreadable):
        issues = pd.concat([unreadable[list(ISSUES)], issues], ignore_index=True)
    found = Audit(counts(manifest, dataset=dataset), issues, facts)
    sheet = _sheet(manifest, facts, films, dataset=dataset, augmentation=augmentation or {})
    if out.issues is not None:
        write_csv(found.issues, out.issues)
    if out.counts is not None:
        write_csv(found.counts, out.counts)
    if out.sheet is not None:
        with replacing(out.sheet) as temporary:
            temporary.write_bytes(_png(sheet))
    write_text(_html(manifest, found, sheet, dataset=dataset), out.page)
    return found


def audit_source(
    source: Source,
    films: Films,
    *,
    dataset: str,
    out_dir: str | Path,
    workers: int = 1,
    progress: bool = True,
    augmentation: Mapping[str, Any] | None = None,
) -> Audit:
    """Audit a source from its folders on (`qcxr audit`): read, check, cache what is not cached yet, look, write.

    Leaves {dataset}-audit.html, -films.png, -issues.csv and -counts.csv in out_dir. Missing and unreadable films are
    listed there before they are refused, so the list is at hand when it is needed.

    Raises InputError as `contract.check`, and, with everything written, for more than max_missing of such films.
    """
    stem = str(Path(out_dir) / dataset)
    listed = f"{stem}-issues.csv"
    out = AuditFiles(f"{stem}-audit.html", f"{stem}-films.png", listed, f"{stem}-counts.csv")
    frame = check(source.read())
    unreadable = build(frame, films, workers=workers, max_missing=1.0, progress=progress).issues
    if len(unreadable) == len(frame):
        write_csv(unreadable, listed)
        limit = min(source.max_missing, 0.5)
        refuse_above(unreadable, n=len(frame), limit=limit, root=films.images, listed=listed)
    found = write_audit(frame, films, dataset=dataset, out=out, unreadable=unreadable, augmentation=augmentation)
    refuse_above(unreadable, n=len(frame), limit=source.max_missing, root=films.images, listed=listed)
    return found


def _html(manifest: pd.DataFrame, found: Audit, sheet: Figure, *, dataset: str) -> str:
    table, facts, issues = found.counts, found.facts, found.issues
    shown = [label for label in CXRLT26 if label in manifest and label != "No Finding"]
    shown += [label for label in table["label"].unique() if label not in CXRLT26]
    charts = {
        "long_tail": long_tail(table, title=f"{dataset}: positive films per label and split"),
        "together": together(cooccurrence(manifest, shown), title=f"{dataset}: labels that come together"),
        "sheet": sheet,
    }
    wide = table.pivot(index="label", columns="split", values="n_positive").sort_values("total", ascending=False)
    wide = wide[[split for split in (*SPLITS, "total") if split in wide]]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = resources.files("qcxr.data").joinpath("audit.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        dataset=dataset,
        films={split: int(n) for split, n in manifest["split"].value_counts().reindex(list(SPLITS)).dropna().items()},
        patients=manifest["patient_id"].nunique(),
        dropped=manifest.attrs.get("dropped", {}),
        partial=[label for label in shown if manifest[label].isna().any()],
        counts=wide,
        modes=facts["mode"].value_counts().to_dict(),
        sizes=facts.groupby(["width", "height"]).size().sort_values(ascending=False).head(10).to_dict(),
        not_cached=len(manifest) - len(facts),
        by_issue=issues["issue"].value_counts().to_dict(),
        issues=issues.head(_SHOWN),
        charts={name: base64.b64encode(_png(figure)).decode("ascii") for name, figure in charts.items()},
    )


def _sheet(
    manifest: pd.DataFrame, facts: pd.DataFrame, films: Films, *, dataset: str, augmentation: Mapping[str, Any]
) -> Figure:
    cached = manifest[manifest["image_id"].isin(facts["image_id"])]
    split = next(split for split in SPLITS if (cached["split"] == split).any())
    shown = manifest[manifest["split"] == split].reset_index(drop=True)  # row numbers are those of the packed split
    shown = shown[shown["image_id"].isin(facts["image_id"])]
    shown = shown.iloc[np.unique(np.linspace(0, len(shown) - 1, _FILMS).astype(int))]
    images = []
    with open_store(films.cache) as store:
        for path in shown["path"]:
            with said_corrupt(path):
                images.append(unpack_entry(store.get(films.key(store, path)), crop=films.preprocessing.crop))
    title = f"{dataset}, {split}: films as cached, and as augmented in two epochs (seed {_SEED})"
    names, rows = list(shown["image_id"]), list(shown.index)
    return contact_sheet(np.stack(images), names, rows=rows, seed=_SEED, title=title, **augmentation)


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    formulas.only_sound(figure)
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
