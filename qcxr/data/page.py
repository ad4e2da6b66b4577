"""The audit page of a data set: one self-contained HTML file, and its contact sheet as a PNG."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcxr.data import sources
from qcxr.data.audit import film_facts, film_issues
from qcxr.data.cache import build, content_of
from qcxr.data.charts import contact_sheet, long_tail, together
from qcxr.data.columns import ISSUES, SPLITS
from qcxr.data.counts import cooccurrence, counts
from qcxr.data.entry import entry_key, settings_key, unpack_entry
from qcxr.data.manifest import check, refuse_above
from qcxr.data.store import open_store
from qcxr.errors import InputError
from qcxr.study.files import replacing, write_csv, write_text
from qcxr.study.labels import CXRLT26

_SHOWN = 200  # issues on the page; all of them are in the CSV
_FILMS = 8  # columns of the contact sheet


@dataclass(frozen=True)
class Audit:
    """What `write_audit` found: counts (`counts.counts`), issues (`columns.ISSUES`), facts (`audit.film_facts`)."""

    counts: pd.DataFrame
    issues: pd.DataFrame
    facts: pd.DataFrame


def write_audit(
    manifest: pd.DataFrame,
    images_root: str | Path,
    cache_dir: str | Path,
    *,
    dataset: str,
    out_html: str | Path,
    out_png: str | Path | None = None,
    issues_out: str | Path | None = None,
    counts_out: str | Path | None = None,
    unreadable: pd.DataFrame | None = None,
    resize: int = 256,
    crop: int = 224,
    seed: int = 0,
    augmentation: dict | None = None,
) -> Audit:
    """Write the audit of a data set whose films are in the cache.

    out_html: counts per split and label with the long-tail chart, label co-occurrence, films by size and mode, issues
        of `film_issues`, a contact sheet. out_png: the contact sheet alone. issues_out, counts_out: as CSV.
    unreadable: issues that the manifest and the cache step found, to be shown with the others.
    seed, augmentation: of the contact sheet (`augment.augment`'s keywords).

    Raises InputError when none of the films is cached.
    """
    sizes = {"resize": resize, "crop": crop}
    facts = film_facts(manifest, images_root, cache_dir, **sizes)
    if facts.empty:
        raise InputError(f"no film of {dataset} is in the cache {cache_dir}; run the cache step first")
    issues = film_issues(facts, images_root)
    if unreadable is not None and len(unreadable):
        issues = pd.concat([unreadable[list(ISSUES)], issues], ignore_index=True)
    table = counts(manifest, dataset=dataset)
    sheet = _sheet(manifest, facts, images_root, cache_dir, dataset=dataset, seed=seed, **sizes, **(augmentation or {}))
    if issues_out is not None:
        write_csv(issues, issues_out)
    if counts_out is not None:
        write_csv(table, counts_out)
    if out_png is not None:
        with replacing(out_png) as temporary:
            temporary.write_bytes(_png(sheet))
    write_text(_html(manifest, facts, issues, table, sheet, dataset=dataset), out_html)
    return Audit(table, issues, facts)


def audit_source(
    *,
    kind: str,
    dataset: str,
    images: str | Path,
    cache_dir: str | Path,
    out_dir: str | Path,
    splits: Sequence[str] | None = None,
    max_missing: float = 0.0,
    resize: int = 256,
    crop: int = 224,
    workers: int = 1,
    progress: bool = True,
    seed: int = 0,
    augmentation: dict | None = None,
    **source,
) -> Audit:
    """Audit a source from its folders on (`qcxr audit`): read, check, cache what is not cached yet, look, write.

    Leaves {dataset}-audit.html, -films.png, -issues.csv and -counts.csv in out_dir. Missing and unreadable films are
    listed there before they are refused, so the list is at hand when it is needed.

    Raises InputError as `manifest.check`, and, with everything written, for more than max_missing of such films.
    """
    stem = str(Path(out_dir) / dataset)
    frame = sources.read(kind, images=images, **source)
    frame = check(frame if splits is None else frame[frame["split"].isin(list(splits))])
    sizes = {"resize": resize, "crop": crop}
    report = build(frame, images, cache_dir, **sizes, workers=workers, max_missing=1.0, progress=progress)
    listed = f"{stem}-issues.csv"
    if len(report.issues) == len(frame):
        write_csv(report.issues, listed)
        refuse_above(report.issues, n=len(frame), limit=min(max_missing, 0.5), root=images, listed=listed)
    found = write_audit(
        frame, images, cache_dir, dataset=dataset, out_html=f"{stem}-audit.html", out_png=f"{stem}-films.png",
        issues_out=listed, counts_out=f"{stem}-counts.csv", unreadable=report.issues, seed=seed,
        augmentation=augmentation, **sizes,
    )  # fmt: skip
    refuse_above(report.issues, n=len(frame), limit=max_missing, root=images, listed=listed)
    return found


def _html(
    manifest: pd.DataFrame, facts: pd.DataFrame, issues: pd.DataFrame, table: pd.DataFrame, sheet: Figure, *,
    dataset: str,
) -> str:  # fmt: skip
    shown = [label for label in CXRLT26 if label in manifest and label != "No Finding"]
    shown += [label for label in table["label"].unique() if label not in CXRLT26]
    charts = {
        "long_tail": long_tail(table, title=f"{dataset}: positive films per label and split"),
        "together": together(cooccurrence(manifest, tuple(shown)), title=f"{dataset}: labels that come together"),
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
    manifest: pd.DataFrame, facts: pd.DataFrame, images_root: str | Path, cache_dir: str | Path, *, dataset: str,
    resize: int, crop: int, seed: int, **augmentation,
) -> Figure:  # fmt: skip
    cached = manifest[manifest["image_id"].isin(facts["image_id"])]
    split = next(split for split in SPLITS if (cached["split"] == split).any())
    films = manifest[manifest["split"] == split].reset_index(drop=True)  # row numbers are those of the packed split
    films = films[films["image_id"].isin(facts["image_id"])]
    chosen = films.iloc[np.unique(np.linspace(0, len(films) - 1, _FILMS).astype(int))]
    settings = settings_key(resize=resize, crop=crop)
    with open_store(cache_dir) as store:
        images = np.stack([
            unpack_entry(store[entry_key(content_of(store, images_root, path), settings=settings)], crop=crop)
            for path in chosen["path"]
        ])  # fmt: skip
    title = f"{dataset}, {split}: films as cached, and as augmented in two epochs (seed {seed})"
    return contact_sheet(
        images, list(chosen["image_id"]), rows=list(chosen.index), seed=seed, title=title, **augmentation
    )


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110, metadata={"Software": None})
    return out.getvalue()
