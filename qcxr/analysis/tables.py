"""The paper's tables from this study's numbers, and the result tables: tidy frames in, frames for people out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.analysis import answers, cells, comparisons, formats, gaps, trials, variants
from qcxr.analysis.captions import CAPTIONS, captions, heading
from qcxr.analysis.inputs import Run, hours
from qcxr.analysis.learned import untrained
from qcxr.analysis.names import (
    CONFIGURED,
    capital,
    dataset_name,
    head_name,
    head_order,
    key_value,
    metric_name,
    task_name,
    task_order,
)
from qcxr.analysis.outline import Outline
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.response import curve
from qcxr.analysis.results import Results
from qcxr.analysis.shown import Shown
from qcxr.analysis.versus import paper_vs_here

PARTS = {
    "backbone": "Backbone",
    "preprocess": "Classical preprocess",
    "quantum": "Quantum circuit",
    "postprocess": "Classical postprocess",
    "total": "Total",
}


# Of some the rules of the comparison and the settings of the tables have more to say: `captions`.
def counts(frame: pd.DataFrame) -> pd.DataFrame:
    """Table I from counts per dataset, split, label (columns dataset, split, label, n, n_positive).

    Rows are labels, sorted by the first data set's total; one column per data set and split.
    """
    splits = [s for s in ("train", "val", "test", "total") if s in set(frame["split"])]
    table = {}
    for dataset in frame["dataset"].unique():
        part = frame[frame["dataset"] == dataset]
        own = [s for s in splits if s in set(part["split"])]
        for split in own if len(own) > 2 else [s for s in own if s != "total"]:
            rows = part[part["split"] == split]
            # A label that the source does not cover has no count; 0 would say that it never occurs.
            table[f"{dataset_name(dataset)} {split}"] = rows.set_index("label")["n_positive"].where(
                rows.set_index("label")["n"] > 0
            )
    wide = pd.DataFrame(table).astype("Int64")
    first = [c for c in wide if c.endswith("total")] or list(wide)
    wide = wide.sort_values(first[0], ascending=False, kind="stable", na_position="last")
    return wide.rename_axis("Label").reset_index()


def parameters(frame: pd.DataFrame, order: Iterable[str] = ()) -> pd.DataFrame:
    """Table II from counts per task and head (columns task, head, and the parts): one column per task and head.

    More than two heads have a row each instead. order: of the heads.
    """
    tasks, heads = task_order(frame["task"]), head_order(frame["head"], order)
    ordered = sorted(frame.to_dict("records"), key=lambda r: (tasks.index(r["task"]), heads.index(r["head"])))
    if len(heads) > 2:
        return pd.DataFrame(
            [
                {"Task": task_name(row["task"]), "Head": head_name(row["head"])}
                | {name: int(row[part]) for part, name in PARTS.items()}
                for row in ordered
            ]
        )
    table = pd.DataFrame({"Component": list(PARTS.values())})
    for row in ordered:
        column = f"{task_name(row['task'])} {head_name(row['head'])}"
        table[column] = pd.array([int(row[part]) for part in PARTS], dtype="Int64")
    return table


def scores(metrics: pd.DataFrame, shown: Shown = Shown()) -> pd.DataFrame:  # noqa: B008  (frozen)
    """Every metric averaged over labels, mean ± sd over seeds, one row per task, data set, head and variant."""
    part = metrics[(metrics["label"] == "mean")]
    rows = []
    keys = [key for key in ("task", "dataset", "head", "variant") if key in part]
    for key, frame in part.groupby(keys, sort=False):
        row = comparisons.where(dict(zip(keys, key, strict=True))) | {"Head": head_name(key[2])}
        for metric, values in frame.groupby("metric", sort=False)["value"]:
            row[metric.replace("_", " ")] = shown.of_values(values)
        rows.append(row)
    return pd.DataFrame(rows)


def benchmark(frame: pd.DataFrame, order: Iterable[str] = ()) -> pd.DataFrame:
    """Table III from timed steps (columns task, head, framework, seconds; a row per step): one column per framework.

    order: of the heads.
    """
    groups = frame.groupby(["task", "head", "framework"], sort=False)["seconds"].agg(["mean", "std"])
    cells = groups.apply(lambda row: formats.mean_sd(row["mean"], row["std"]), axis=1).unstack("framework")
    cells = cells.reindex(columns=list(frame["framework"].unique()))
    rows = [
        (t, h) for t in task_order(frame["task"]) for h in head_order(frame["head"], order) if (t, h) in cells.index
    ]
    shown = []
    for task, head in rows:
        seconds = cells.loc[(task, head)].fillna("—").to_dict()
        shown.append({"Task": task_name(task), "Head": head_name(head)} | seconds)
    return pd.DataFrame(shown)


def heads(results: Results) -> pd.DataFrame:
    """Name, kind, what differs from the reference, and parameters beside the backbone's, a row per head."""
    outline, kinds = results.outline, {run["head"]: run.get("kind") or run["head"] for run in results.runs}
    counted = [] if results.parameters is None else results.parameters.to_dict("records")
    trained = {(row["task"], row["head"]): f"{trained_parameters(row):,}" for row in counted}
    rows = []
    for k, (head, difference) in enumerate(outline.heads.items()):
        row: dict[str, Any] = {"Head": head_name(head), "Kind": kinds.get(head, "")}
        row["Differs from the reference"] = difference or ("the reference" if k == 0 else "nothing")
        for task in task_order(part["task"] for part in counted):
            row[f"Trained parameters {task_name(task)}"] = trained.get((task, head), "—")
        rows.append(row)
    return pd.DataFrame(rows)


def trained_parameters(row: Mapping[str, Any]) -> int:
    """Parameters that a head adds to the backbone and trains."""
    return int(sum(row[part] for part in ("preprocess", "quantum", "postprocess")))


def varied(results: Results) -> pd.DataFrame:
    """Mean AUROC and average precision at every value of every varied key, other keys at the base variant."""
    rows, shown = [], results.shown
    for axis in results.outline.axes:
        points = curve(results.metrics, results.outline, axis, bootstrap=results.bootstrap)
        for (task, dataset, value, head), part in points.groupby(["task", "dataset", "place", "head"], sort=False):
            by = part.set_index("metric").to_dict("index")
            row: dict[str, Any] = {"Task": task_name(task), "Test set": dataset_name(dataset), "Varied": axis}
            row |= {"Value": key_value(results.outline.along(axis)[value][0]), "Head": head_name(head)}
            for metric in METRICS:
                of = by.get(metric, {"mean": float("nan"), "sd": float("nan"), "n_seeds": 0})
                row[capital(metric_name(metric))] = shown.mean_sd(of["mean"], of["sd"], of["n_seeds"])
            of = by["auroc"]
            row |= {"95 % over seeds": cells.interval(of["seeds_low"], of["seeds_high"]), "Seeds": int(of["n_seeds"])}
            row["95 % over patients"] = cells.interval(of["patients_low"], of["patients_high"])
            rows.append(row)
    return pd.DataFrame(rows)


def run_costs(runs: Sequence[Run]) -> pd.DataFrame:
    """What each run took: device, hours, energy where it was measured, epochs, speed, memory."""
    measured = {
        "Epochs": "epochs",
        "Best epoch": "best_epoch",
        "Best val loss": "best_val_loss",
        "Stopped by": "stopped",
        "Films/s": "films_per_second",
        "Peak MB": "peak_memory_mb",
    }
    varied, weighed = any(r.get("variant") for r in runs), any("kwh" in r for r in runs)
    shown = []
    for r in runs:
        row: dict[str, Any] = {"Task": task_name(r["task"]), "Head": head_name(r["head"])}
        row |= ({"Variant": r.get("variant") or CONFIGURED} if varied else {}) | {"Seed": str(r["seed"])}
        row |= {"Device": r.get("device", ""), "Hours": hours(r)} | ({"Wh": _wh(r)} if weighed else {})
        row |= {name: r.get(key, "" if key == "stopped" else None) for name, key in measured.items()}
        shown.append(row)
    return pd.DataFrame(shown)


def _wh(run: Run) -> float | None:
    """The run's energy in watt-hours, of which a small one takes a fraction."""
    return 1000 * run["kwh"] if "kwh" in run else None


def build(
    results: Results, *, protocol: bool = False, names: Iterable[str] = tuple(CAPTIONS)
) -> dict[str, pd.DataFrame]:
    """Return every table that can be made, by name (keys of CAPTIONS); `protocol` adds `paper`, paper against here.

    names: the tables that are wanted.
    """
    makers, wanted, rules = _makers(results) | answers.makers(results), set(names), results.shown.inference
    if protocol:
        makers["paper"] = lambda: paper_vs_here(results)
    made = {name: makers[name]() for name in CAPTIONS if name in makers and name in wanted}
    return {name: cells.called(table, rules) for name, table in made.items() if len(table)}


def _makers(results: Results) -> dict[str, Callable[[], pd.DataFrame]]:
    """What makes each table of this study, by name; answers to further questions have theirs in `answers`."""
    order, shown = results.outline.heads, results.shown
    known = any(order.values()) or results.runs  # nothing is known of heads whose predictions were made elsewhere
    makers: dict[str, Callable[[], pd.DataFrame]] = {
        "varied": lambda: varied(results),
        "means": lambda: comparisons.means(results.tests, shown),
        "own": lambda: comparisons.own(results.tests, shown),
        "groups": lambda: comparisons.groups(results.tests, results.metrics, shown),
        "labels": lambda: comparisons.labels(results.tests, shown),
        "alone": lambda: comparisons.alone(results.metrics, results.tests, results.estimates, shown),
        "scores": lambda: scores(results.metrics, shown),
    }
    if len(order) > 1 and known:
        makers["heads"] = lambda: heads(results)
    of_parts: dict[str, tuple[pd.DataFrame | None, Callable[[pd.DataFrame], pd.DataFrame]]] = {
        "counts": (results.counts, counts),
        "bootstrap": (results.bootstrap, comparisons.patients),
        "subgroups": (results.subgroups, gaps.groups),
        "gap_differences": (results.subgroups, gaps.differences),
        "parameters": (results.parameters, partial(parameters, order=order)),
        "benchmark": (results.benchmark, partial(benchmark, order=order)),
        "search": (results.search, partial(trials.chosen, order=order)),
    }
    makers |= {name: partial(make, frame) for name, (frame, make) in of_parts.items() if frame is not None}
    if results.runs:
        makers["runs"] = lambda: run_costs(results.runs)
    return makers


def write_tables(folder: str | Path, results: Results, *, protocol: bool = False) -> list[Path]:
    """Write every table of `build` to `folder` as CSV, Markdown and LaTeX; return the paths."""
    said = captions(results)
    return [
        path
        for name, frame in build(results, protocol=protocol).items()
        for path in formats.write(frame, folder, name, caption=said[name])
    ]


def summary_text(
    tests: pd.DataFrame,
    metrics: pd.DataFrame | None = None,
    *,
    outline: Outline = Outline(),  # noqa: B008  (frozen)
    shown: Shown = Shown(),  # noqa: B008  (frozen)
) -> str:
    """Return the short result table for the end of a run in a terminal; where something varies, of the base variant.

    Without a pair of heads to compare it is the mean of every metric, from `metrics`, which also tells labels that
    nothing was learned of.
    """
    if outline.varied:
        kept = variants.at_base({"tests": tests} | ({} if metrics is None else {"metrics": metrics}), outline)
        tests = kept["tests"].drop(columns="variant")
        metrics = kept["metrics"].drop(columns="variant", errors="ignore") if metrics is not None else None
    told = "" if metrics is None else "".join(f"{line}\n" for line in untrained(metrics))
    if not len(tests):
        return told if metrics is None else formats.markdown(scores(metrics, shown)) + f"\n{told}" * bool(told)
    made = comparisons.means(tests, shown)
    first = [name for name in ("Task", "Test set", "Reference", "Head") if name in made]
    heads = [name for name in made.columns[2:4] if name not in first]
    p = "p adjusted" if "p adjusted" in made else "p"
    texts = formats.as_text(made[[*first, "Difference [95 %]", p, "Mark", *heads]])
    rows = [list(texts.columns), *texts.to_numpy().tolist()]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    seeds = int(tests["n_seeds"].max())
    each = f"mean ± sd over {seeds} seeds{shown.by_n}" if seeds > 1 else shown.of_seeds(seeds)
    title = f"Mean AUROC over labels, {each}; {heading(tests)}"
    title += f"; at {outline.said(outline.base)}" * outline.varied
    return "\n".join([title, *lines]) + "\n" + told
