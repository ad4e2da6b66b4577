"""The report's own charts: forests and volcanoes of a study's tests, each with its caption and the table behind it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qcxr.analysis.charts import scale
from qcxr.analysis.charts.forest import Row, forest, reach
from qcxr.analysis.charts.volcano import Point, height, volcano
from qcxr.analysis.evidence import at, bases, evidence
from qcxr.analysis.facts import Facts
from qcxr.analysis.formats import mean_sd, p_value
from qcxr.analysis.inference import PATIENTS, SEEDS
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.ordering import label_order
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.results import Results

MOST_ROWS = 1200  # of labels in all charts of many pairs: beyond it a page is too heavy, and the table has them
MEAN_NAMES = {"mean": "Mean", "mean_head": "Mean, head", "mean_medium": "Mean, medium", "mean_tail": "Mean, tail"}
Chart = dict[str, Any]
Cells = dict[str, Any]


def of_heads(results: Results, facts: Facts, *, heads: Sequence[str] = ()) -> dict[str, Chart]:
    """A forest with a row per head, of mean AUROC, per reference that meets several heads: reference -> chart.

    heads: their order, by default the study's.
    """
    rows = at(_rows(results, facts))
    charts = {}
    for reference, part in rows.groupby("head_a", sort=False):
        order = [head for head in heads or facts.heads if head in set(part["head_b"])]
        if len(order) < 2:
            continue
        panels = []
        for place, here in _places(part, facts):
            by_head = {row["head_b"]: row for row in here.to_dict("records")}
            found = [(_row(by_head[h], head_name(h)), by_head[h]) for h in order if h in by_head]
            panels.append((place, found))
        title = f"Mean AUROC of {head_name(str(reference))} minus that of each head"
        key = f"{'ladder' if heads else 'heads'}-{facts.heads.index(str(reference))}"
        charts[str(reference)] = _forest(key, title, panels, (str(reference), ""), facts, part)
    return charts


def of_labels(results: Results, facts: Facts) -> list[Chart]:
    """A forest per pair of heads: the means, set apart, then the labels from rare to common; none where too many."""
    rows = _of_first(_rows(results, facts))
    if len(rows) > MOST_ROWS:
        return []
    charts = []
    for k, (pair, part) in enumerate(rows.groupby(["head_a", "head_b"], sort=False)):
        panels = []
        for place, here in _places(part, facts):
            by_label = {row["label"]: row for row in here.to_dict("records")}
            labels = label_order(_counted(results, part), here["task"].iloc[0])[::-1]
            means = [label for label in MEANS if label in by_label and pd.notna(by_label[label]["difference"])]
            order = means + [label for label in labels if label in by_label]
            panels.append((place, [(_row(by_label[label], label), by_label[label]) for label in order]))
        title = f"{head_name(pair[0])} minus {head_name(pair[1])}: difference of AUROC per label"
        charts.append(_forest(f"forest-{k}", title, panels, pair, facts, part))
    return charts


def of_evidence(results: Results, facts: Facts) -> list[Chart]:
    """A volcano per pair of heads, a panel per task and test set; none where too many."""
    rows = _of_first(_rows(results, facts))
    rows = rows[~rows["label"].isin(MEANS) & rows["p_read"].notna()]
    if len(rows) > MOST_ROWS:
        return []
    return [
        _volcano(k, pair, part, facts) for k, (pair, part) in enumerate(rows.groupby(["head_a", "head_b"], sort=False))
    ]


def _volcano(k: int, pair: tuple[str, str], part: pd.DataFrame, facts: Facts) -> Chart:
    found = {
        place: [
            Point(r["label"], r["difference"], r["p_read"], r["significant"], _said(r, r["label"]))
            for r in here.to_dict("records")
        ]
        for place, here in _places(part, facts)
    }
    every = [point for points in found.values() for point in points]
    axes = {"reach": scale.reach([point.difference for point in every], [], least=facts.margin)}
    axes["high"] = height(every, alpha=facts.alpha)
    sides = (head_name(pair[1]), head_name(pair[0]))
    title = f"{sides[1]} minus {sides[0]}: evidence against difference"
    drawn = [
        {
            "heading": place,
            "svg": volcano(
                points, name=f"volcano-{k}-{i}", title=f"{title}; {place}", sides=sides, alpha=facts.alpha, **axes
            ),
        }
        for i, (place, points) in enumerate(found.items())
    ]
    p = "adjusted p" if part["adjusted"].all() else "p"
    caption = (
        f"Upwards −log10 of the {p}, to the right the difference of AUROC; filled points lie above the dashed line, "
        f"{p} = {facts.alpha:g}. Point at a label, or tab to the chart and use the arrow keys, to read its numbers."
    )
    return {
        "name": f"volcano-{k}",
        "kind": "volcano",
        "title": title,
        "caption": caption,
        "panels": drawn,
        "legend": [],
        "table": None,
    }


def _rows(results: Results, facts: Facts) -> pd.DataFrame:
    return evidence(results.at_base().tests, adjust=facts.adjust)


def _of_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of AUROC of the first reference: with several, its labels are enough to look at."""
    return rows[(rows["metric"] == "auroc") & (rows["head_a"] == rows["head_a"].iloc[0])] if len(rows) else rows


def _counted(results: Results, part: pd.DataFrame) -> pd.DataFrame:
    """What orders labels: the tests themselves, or the metrics for tests that were written without counts."""
    if part["train_positives"].notna().any() or part["n_positive"].notna().any():
        return part
    metrics = results.metrics
    return metrics if "train_positives" in metrics else metrics.assign(train_positives=pd.NA)


def _places(part: pd.DataFrame, facts: Facts) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows by task and test set, in the study's order, with their heading."""
    for task in facts.tasks:
        for dataset in facts.datasets:
            here = part[(part["task"] == task) & (part["dataset"] == dataset)]
            if len(here):
                yield f"{task_name(task)}, {dataset_name(dataset)}", here


def _row(row: Cells, label: str) -> Row:
    """One row of a forest; label: of the label, of means, or a head's name."""
    apart = label in MEAN_NAMES
    name = MEAN_NAMES.get(label, label)
    key = "" if apart or row["label"] in MEANS else label
    return Row(
        name,
        row["difference"],
        (row["low"], row["high"]),
        _part(row, SEEDS),
        _part(row, PATIENTS),
        mark=row["mark"],
        sure=row["significant"],
        equivalent=row["equivalent"],
        apart=apart,
        key=key,
        said=_said(row, name),
    )


def _part(row: Cells, over: str) -> tuple[float, float]:
    """One part of the leading interval; NaN where it is itself the one that leads, and is drawn as such."""
    return (np.nan, np.nan) if row["basis"] == over else (row[f"{over}_low"], row[f"{over}_high"])


def _said(row: Cells, name: str) -> str:
    """All numbers of a comparison in words, for a point's hover."""
    if pd.isna(row["difference"]):
        return f"{name}: undefined ({row['reason'] or 'no value'})"
    texts = [f"{name}: {head_name(row['head_a'])} {row['mean_a']:.3f}, {head_name(row['head_b'])} {row['mean_b']:.3f}"]
    texts.append(f"difference {scale.signed(row['difference'])}{_ends(row, '', ' ')}")
    if row["basis"] == "seeds and patients":
        texts.append(f"over seeds{_ends(row, 'seeds_', ' ')}, over patients{_ends(row, 'patients_', ' ')}")
    if pd.notna(row["p_read"]):
        texts.append(f"{'adjusted ' * bool(row['adjusted'])}p {p_value(row['p_read'])}")
    if pd.notna(row["n_positive"]):
        patients = f" of {row['positive_patients']:.0f} patients" if pd.notna(row["positive_patients"]) else ""
        texts.append(f"{row['n_positive']:.0f} positive films{patients}")
    if not row["significant"] and pd.notna(row["detectable"]):
        texts.append(f"detectable {row['detectable']:.3f}")
    texts += [text for text in (row["collapsed"], row["reason"]) if text]
    return "; ".join(texts)


def _ends(row: Cells, prefix: str, before: str) -> str:
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return "" if pd.isna(low) else f"{before}[{scale.signed(low)}, {scale.signed(high)}]"


def _forest(
    name: str,
    title: str,
    panels: Sequence[tuple[str, list[tuple[Row, Cells]]]],
    pair: tuple[str, str],
    facts: Facts,
    part: pd.DataFrame,
) -> Chart:
    """Panels of one forest on one axis, with caption, legend, and the table behind it."""
    far = reach([row for _, rows in panels for row, _ in rows], margin=facts.margin)
    sides = (head_name(pair[1]) if pair[1] else "the head", head_name(pair[0]))
    drawn = [
        {
            "heading": place,
            "svg": forest(
                [row for row, _ in rows],
                name=f"{name}-{i}",
                title=f"{title}; {place}",
                sides=sides,
                margin=facts.margin,
                reach=far,
            ),
        }
        for i, (place, rows) in enumerate(panels)
    ]
    found = bases(part)
    both = "seeds and patients" in found
    legend = [("total", f"95 % interval over {' or '.join(found)}")] if found else []
    legend += [("seeds", "over seeds alone"), ("patients", "over patients alone")] if both else []
    legend += [("sure", "significant"), ("unsure", "not significant"), ("band", f"within ±{facts.margin:g}")]
    caption = _caption(part, labels=bool(pair[1]))
    p = "Adjusted p" if part["adjusted"].all() else "p"
    cells = [
        {"Task and test set": place, "Label" if pair[1] else "Head": row.name, **_means(numbers, named=bool(pair[1]))}
        | _cells(numbers, both=both, p=p)
        for place, rows in panels
        for row, numbers in rows
    ]
    return {
        "name": name,
        "kind": "forest" if pair[1] else "heads",
        "title": title,
        "caption": caption,
        "panels": drawn,
        "legend": legend,
        "table": pd.DataFrame(cells),
    }


def _caption(part: pd.DataFrame, *, labels: bool) -> str:
    """How rows are ordered and what the marks at the right mean."""
    texts = []
    if labels:
        known = " in training" * bool(part["train_positives"].notna().any())
        texts.append(f"Labels from rare to common{known}, below their means.")
        part = part[~part["label"].isin(MEANS)]
    if part["mark"].ne("").any():
        of = "adjusted p" if part["adjusted"].all() else "p, not adjusted,"
        alike = "; ≈ is equivalent" * bool(part["equivalent"].any())
        texts.append(f"At the right: *** {of} < 0.001, ** < 0.01, * < 0.05, else ns{alike}.")
    excluded = (part["low"] > 0) | (part["high"] < 0)
    if (excluded & ~part["significant"] & part["adjusted"]).any():
        texts.append(
            "Intervals are of single comparisons, marks of all together: an ns may stand beside one without 0."
        )
    if (part["seeds_high"] - part["seeds_low"] > part["high"] - part["low"]).any():
        texts.append(
            "With few seeds the interval over seeds alone may be the widest: its t has few degrees of freedom."
        )
    texts.append("Point at a row, or tab to a panel and use the arrow keys, to read its numbers.")
    return " ".join(texts)


def _means(row: Cells, *, named: bool) -> Cells:
    """Both means, under the heads' names or, where rows have different heads, under their part."""
    names = [head_name(row[f"head_{side}"]) for side in "ab"] if named else ["Mean of reference", "Mean of head"]
    return {name: mean_sd(row[f"mean_{side}"], float("nan")) for name, side in zip(names, "ab", strict=True)}


def _cells(row: Cells, *, both: bool, p: str) -> Cells:
    """The difference of one row of a forest with all that is known of it, for the table behind it."""
    cells: Cells = {"Difference": "—" if pd.isna(row["difference"]) else scale.signed(row["difference"])}
    cells["95 % interval"] = _ends(row, "", "") or "—"
    if both:
        cells |= {"over seeds": _ends(row, "seeds_", "") or "—", "over patients": _ends(row, "patients_", "") or "—"}
    cells |= {p: p_value(row["p_read"]), "Mark": row["mark"]}
    if both:
        cells["Equivalent"] = "yes" if row["equivalent"] else "no"
    for name, column, digits in (
        ("Detectable", "detectable", 3),
        ("Positive films", "n_positive", 0),
        ("Positive patients", "positive_patients", 0),
    ):
        cells[name] = "—" if pd.isna(row[column]) else f"{row[column]:,.{digits}f}"
    return cells | {"Note": "; ".join(filter(None, (row["collapsed"], row["reading"], row["reason"])))}
