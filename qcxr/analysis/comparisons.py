"""The result tables: AUROC of heads side by side with their tests, and of a head that is compared with none."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from qcxr.analysis import cells, formats, variants
from qcxr.analysis.leading import NAMES, led
from qcxr.analysis.names import CONFIGURED, capital, dataset_name, head_name, metric_name, task_name
from qcxr.analysis.ordering import label_order
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.shown import Shown

Records = list[dict[str, Any]]
Cells = Callable[[Mapping[str, Any]], dict[str, Any]]  # of a row of tests


def means(tests: pd.DataFrame, shown: Shown = Shown(), *, label: str = "mean") -> pd.DataFrame:  # noqa: B008  (frozen)
    """Mean AUROC by task and data set for each pair of heads, with the test."""
    rows = tests[(tests["label"] == label) & (tests["metric"] == "auroc")].to_dict("records")
    return _table(rows, shown, after=lambda row: {"Seeds": row["n_seeds"]})


def own(tests: pd.DataFrame, shown: Shown = Shown()) -> pd.DataFrame:  # noqa: B008  (frozen)
    """Means over labels of the user's own metrics, for each pair of heads, with the test over seeds."""
    rows = tests[(tests["label"] == "mean") & ~tests["metric"].isin(METRICS)].to_dict("records")
    return _table(rows, shown, before=lambda row: {"Metric": capital(metric_name(row["metric"]))})


def groups(
    tests: pd.DataFrame,
    metrics: pd.DataFrame,
    shown: Shown = Shown(),  # noqa: B008  (frozen)
) -> pd.DataFrame:
    """Mean AUROC of head, medium and tail labels, where they were scored, and who stands behind each.

    Labels are those with an AUROC; films and patients are positive for any finding of the group, each counted once.
    """
    behind = _behind(metrics)
    rows = tests[tests["label"].isin(MEANS[1:]) & (tests["metric"] == "auroc")].to_dict("records")
    return _table(
        rows,
        shown,
        before=lambda row: {
            "Group": row["label"].removeprefix("mean_"),
            **behind[row["task"], row["dataset"], row["label"]],
        },
    )


def _behind(metrics: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(task, data set, group) -> its labels with an AUROC, films and patients with any of its findings; or dashes."""
    counts = {"Labels": "n_labels", "Positives": "n_positive", "Positive patients": "positive_patients"}
    rows = metrics[metrics["label"].isin(MEANS[1:]) & (metrics["metric"] == "auroc")]
    found = {}
    for key, part in rows.groupby(["task", "dataset", "label"], sort=False):
        values = {name: part[column].max() if column in part else pd.NA for name, column in counts.items()}
        found[key] = {name: formats.number(n if pd.isna(n) else int(n)) for name, n in values.items()}
    return found


def labels(tests: pd.DataFrame, shown: Shown = Shown()) -> pd.DataFrame:  # noqa: B008  (frozen)
    """AUROC per task, data set and label for each pair of heads, from common to rare in training."""
    part = tests[~tests["label"].isin(MEANS) & (tests["metric"] == "auroc")]
    places = list(zip(part["task"], part["dataset"], variants.of(part), strict=True))
    first = {place: k for k, place in enumerate(dict.fromkeys(places))}
    rank = {(task, name): k for task in part["task"].unique() for k, name in enumerate(label_order(part, task))}
    order = sorted(
        range(len(part)), key=lambda k: (first[places[k]], rank[part["task"].iloc[k], part["label"].iloc[k]])
    )
    rows = part.iloc[order].to_dict("records")
    ranked = bool((part["n_seeds"] >= cells.RANKED).any())
    return _table(
        rows,
        shown,
        before=lambda row: {"Label": row["label"], "Positives": row["n_positive"]},
        after=lambda row: {"p Wilcoxon": cells.wilcoxon(row)} if ranked else {},
    )


def _table(
    rows: Records, shown: Shown, *, before: Cells = lambda row: {}, after: Cells = lambda row: {}
) -> pd.DataFrame:
    """A row per comparison: where, `before`, both heads, what the tests say, `after`, notes."""
    several = len({(row["head_a"], row["head_b"]) for row in rows}) > 1
    made = [
        where(row)
        | before(row)
        | _heads(row, shown, several=several)
        | cells.tested(row, shown.inference)
        | after(row)
        | {"Note": cells.note(row)}
        for row in rows
    ]
    return cells.called(cells.filled(pd.DataFrame(made)), shown.inference) if made else pd.DataFrame()


def alone(
    metrics: pd.DataFrame,
    tests: pd.DataFrame,
    estimates: pd.DataFrame | None = None,
    shown: Shown = Shown(),  # noqa: B008  (frozen)
) -> pd.DataFrame:
    """AUROC of every head that no other is compared with on a task and data set: its means, then its labels.

    Labels stand from common to rare in training. estimates: give the interval that leads, and what it is over.
    """
    paired = {(r["task"], r["dataset"], r[side]) for r in tests.to_dict("records") for side in ("head_a", "head_b")}
    known = leading(estimates)
    made = []
    keys = [key for key in ("task", "dataset", "head", "variant") if key in metrics]
    auroc = metrics[metrics["metric"] == "auroc"]
    for key, part in auroc.groupby(keys, sort=False):
        if key[:3] in paired:
            continue
        named = dict(zip(keys, key, strict=True))
        by = dict(iter(part.groupby("label", sort=False)))
        for label in [*(mean for mean in MEANS if mean in by), *label_order(auroc, key[0])]:
            if label not in by:
                continue
            runs = by[label]
            row: dict[str, Any] = {
                "Head": head_name(key[2]),
                "Label": label.replace("mean_", "mean, ") if label in MEANS else label,
            }
            row |= {"Positives": runs["n_positive"].max(), "AUROC": shown.of_values(runs["value"])}
            if known:
                row |= known.get((*key[:3], named.get("variant", ""), label), {"95 %": "—", "Over": ""})
            row |= {"Seeds": len(runs), "Note": "; ".join(filter(None, runs["reason"].unique()))}
            made.append(where(named) | row)
    return pd.DataFrame(made).astype({"Positives": "Int64"}) if made else pd.DataFrame()


def leading(estimates: pd.DataFrame | None, *, metric: str = "auroc") -> dict[tuple[str, ...], dict[str, str]]:
    """The 95 % interval that each head's values lead with: over seeds and patients, of one seed over patients.

    (task, data set, head, variant, label) -> the cells `95 %` and `Over`; without estimates none.

    One over seeds leads where nothing is known of patients, not where it is unknown how they vary in a rare label: it
    would look surer than those of the labels beside it.
    """
    if estimates is None:
        return {}
    part = led(estimates[estimates["metric"] == metric])
    known = part[["total_low", "patients_low"]].notna().any(axis=None)
    part = part[part["lead"].isin(["total", "patients"] if known else ["seeds"])]
    keys = zip(part["task"], part["dataset"], part["head"], variants.of(part), part["label"], strict=True)
    found = zip(part["low"], part["high"], part["lead"], strict=True)
    return {
        key: {"95 %": cells.interval(low, high), "Over": NAMES[lead]}
        for key, (low, high, lead) in zip(keys, found, strict=True)
    }


def patients(bootstrap: pd.DataFrame) -> pd.DataFrame:
    """AUROC differences averaged over seeds with their patient-clustered bootstrap intervals."""
    chosen = (bootstrap["kind"] == "difference") & (bootstrap["seed"] == "mean") & (bootstrap["metric"] == "auroc")
    shown = []
    for r in bootstrap[chosen].to_dict("records"):
        pair = {"Label": r["label"], "Heads": f"{head_name(r['head'])} − {head_name(r['head_b'])}"}
        found = {"Difference": r["value"], "2.5 %": r["ci_low"], "97.5 %": r["ci_high"], "Patients": r["n_patients"]}
        shown.append(where(r) | pair | found | {"Note": r["reason"]})
    return pd.DataFrame(shown)


def where(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells that say where a row of results belongs; a head without the varied keys stands at all variants."""
    variant = {"Variant": row["variant"] or CONFIGURED} if "variant" in row else {}
    return {"Task": task_name(row["task"]), "Test set": dataset_name(row["dataset"])} | variant


def _heads(row: Mapping[str, Any], shown: Shown, *, several: bool) -> dict[str, Any]:
    """Both heads' mean ± sd: each a column, as in the paper, or with `several` pairs in the table a cell."""
    named = {head_name(row[f"head_{x}"]): shown.mean_sd(row[f"mean_{x}"], row[f"sd_{x}"], row["n_seeds"]) for x in "ab"}
    if several:
        named = dict(zip(("Reference", "Head"), (f"{head} {value}" for head, value in named.items()), strict=True))
    return named
