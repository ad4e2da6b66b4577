"""The paper's tables from this study's numbers, and the result tables: tidy frames in, frames for people out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from qcxr.analysis import formats
from qcxr.analysis.inputs import hours
from qcxr.analysis.metrics import MEANS
from qcxr.analysis.names import dataset_name, head_name, head_order, task_name, task_order
from qcxr.analysis.versus import paper_vs_here

PARTS = {
    "backbone": "Backbone",
    "preprocess": "Classical preprocess",
    "quantum": "Quantum circuit",
    "postprocess": "Classical postprocess",
    "total": "Total",
}
CAPTIONS = {
    "counts": "Positive films per label and split, sorted by occurrence (paper: Table I).",
    "parameters": "Parameters by component (paper: Table II).",
    "means": "Mean AUROC over labels, mean ± sd over seeds; paired t-test over seeds (raw p) and its effect size.",
    "groups": "Mean AUROC over head, medium and tail labels by training frequency, mean ± sd over seeds.",
    "labels": "AUROC per label, mean ± sd over seeds; p of the paired t-test: raw, Holm, Benjamini-Hochberg.",
    "scores": "All metrics, mean over labels, mean ± sd over seeds.",
    "bootstrap": "AUROC differences averaged over seeds, with 95 % intervals of a bootstrap over patients.",
    "runs": "What each run took.",
    "benchmark": "Seconds of a training step, mean ± sd over the timed steps (paper: Table III).",
    "paper": "The paper's numbers beside this study's.",
}


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


def parameters(frame: pd.DataFrame) -> pd.DataFrame:
    """Table II from counts per task and head (columns task, head, and the parts): one column per task and head."""
    tasks, heads = task_order(frame["task"]), head_order(frame["head"])
    ordered = sorted(frame.to_dict("records"), key=lambda r: (tasks.index(r["task"]), heads.index(r["head"])))
    table = pd.DataFrame({"Component": list(PARTS.values())})
    for row in ordered:
        column = f"{task_name(row['task'])} {head_name(row['head'])}"
        table[column] = pd.array([int(row[part]) for part in PARTS], dtype="Int64")
    return table


def means(tests: pd.DataFrame, *, label: str = "mean") -> pd.DataFrame:
    """Mean AUROC by task and data set for each pair of heads, with the test."""
    rows = tests[(tests["label"] == label) & (tests["metric"] == "auroc")].to_dict("records")
    several = _several(rows)
    return pd.DataFrame([
        {"Task": task_name(r["task"]), "Test set": dataset_name(r["dataset"])} | _pair(r, several=several)
        | {"p": formats.p_value(r["p"]), "Mark": r["mark"], "d_z": r["d_z"], "Seeds": r["n_seeds"]}
        for r in rows
    ])  # fmt: skip


def groups(tests: pd.DataFrame) -> pd.DataFrame:
    """Mean AUROC of head, medium and tail labels, where they were scored."""
    rows = tests[tests["label"].isin(MEANS[1:]) & (tests["metric"] == "auroc")].to_dict("records")
    several = _several(rows)
    return pd.DataFrame([
        {"Task": task_name(r["task"]), "Test set": dataset_name(r["dataset"]),
         "Labels": r["label"].removeprefix("mean_")} | _pair(r, several=several)
        | {"p": formats.p_value(r["p"]), "Note": r["reason"]}
        for r in rows
    ])  # fmt: skip


def labels(tests: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """AUROC per task, data set and label for each pair of heads, sorted by occurrence in the test set."""
    n = metrics[metrics["metric"] == "auroc"].groupby(["task", "dataset", "label"])["n_positive"].max()
    rows = tests[~tests["label"].isin(MEANS) & (tests["metric"] == "auroc")].to_dict("records")
    groups = list(dict.fromkeys((r["task"], r["dataset"]) for r in rows))
    occurrence = {(r["task"], r["dataset"], r["label"]): n[r["task"], r["dataset"], r["label"]] for r in rows}
    rows.sort(key=lambda r: (groups.index((r["task"], r["dataset"])), -occurrence[r["task"], r["dataset"], r["label"]]))
    several = _several(rows)
    return pd.DataFrame([
        {"Task": task_name(r["task"]), "Test set": dataset_name(r["dataset"]), "Label": r["label"],
         "Positives": int(occurrence[r["task"], r["dataset"], r["label"]])} | _pair(r, several=several)
        | {"p": formats.p_value(r["p"]), "p Holm": formats.p_value(r["p_holm"]), "p BH": formats.p_value(r["p_bh"]),
           "d_z": r["d_z"], "Note": r["reason"]}
        for r in rows
    ])  # fmt: skip


def scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """Every metric averaged over labels, mean ± sd over seeds, one row per task, data set and head."""
    part = metrics[(metrics["label"] == "mean")]
    rows = []
    for (task, dataset, head), frame in part.groupby(["task", "dataset", "head"], sort=False):
        row = {"Task": task_name(task), "Test set": dataset_name(dataset), "Head": head_name(head)}
        for metric, values in frame.groupby("metric", sort=False)["value"]:
            row[metric.replace("_", " ")] = formats.mean_sd(
                values.mean(), values.std(ddof=1) if len(values) > 1 else None
            )
        rows.append(row)
    return pd.DataFrame(rows)


def patients(bootstrap: pd.DataFrame) -> pd.DataFrame:
    """AUROC differences averaged over seeds with their patient-clustered bootstrap intervals."""
    rows = bootstrap[(bootstrap["kind"] == "difference") & (bootstrap["seed"] == "mean")]
    return pd.DataFrame([
        {"Task": task_name(r["task"]), "Test set": dataset_name(r["dataset"]), "Label": r["label"],
         "Heads": f"{head_name(r['head'])} − {head_name(r['head_b'])}", "Difference": r["value"], "2.5 %": r["ci_low"],
         "97.5 %": r["ci_high"], "Patients": r["n_patients"], "Note": r["reason"]}
        for r in rows.to_dict("records")
    ])  # fmt: skip


def benchmark(frame: pd.DataFrame) -> pd.DataFrame:
    """Table III from timed steps (columns task, head, framework, seconds; a row per step): one column per framework."""
    groups = frame.groupby(["task", "head", "framework"], sort=False)["seconds"].agg(["mean", "std"])
    cells = groups.apply(lambda row: formats.mean_sd(row["mean"], row["std"]), axis=1).unstack("framework")
    cells = cells.reindex(columns=list(frame["framework"].unique()))
    rows = [(t, h) for t in task_order(frame["task"]) for h in head_order(frame["head"]) if (t, h) in cells.index]
    return pd.DataFrame([
        {"Task": task_name(task), "Head": head_name(head)} | cells.loc[(task, head)].fillna("—").to_dict()
        for task, head in rows
    ])  # fmt: skip


def run_costs(runs: Sequence[Mapping]) -> pd.DataFrame:
    """What each run took: device, hours, epochs, speed, memory."""
    return pd.DataFrame([
        {"Task": task_name(r["task"]), "Head": head_name(r["head"]), "Seed": str(r["seed"]),
         "Device": r.get("device", ""),
         "Hours": hours(r), "Epochs": r.get("epochs"),
         "Best epoch": r.get("best_epoch"), "Best val loss": r.get("best_val_loss"), "Stopped by": r.get("stopped", ""),
         "Films/s": r.get("films_per_second"), "Peak MB": r.get("peak_memory_mb")}
        for r in runs
    ])  # fmt: skip


def build(
    *,
    metrics: pd.DataFrame,
    tests: pd.DataFrame,
    runs: Sequence[Mapping] = (),
    label_counts: pd.DataFrame | None = None,
    parameter_counts: pd.DataFrame | None = None,
    benchmark_steps: pd.DataFrame | None = None,
    bootstrap: pd.DataFrame | None = None,
    protocol: bool = False,
) -> dict[str, pd.DataFrame]:
    """Return every table that can be made, by name (keys of CAPTIONS); `protocol` adds `paper`, paper against here."""
    tables = {
        "means": means(tests),
        "groups": groups(tests),
        "labels": labels(tests, metrics),
        "scores": scores(metrics),
    }
    if label_counts is not None:
        tables = {"counts": counts(label_counts)} | tables
    if bootstrap is not None:
        tables["bootstrap"] = patients(bootstrap)
    if parameter_counts is not None:
        tables["parameters"] = parameters(parameter_counts)
    if benchmark_steps is not None:
        tables["benchmark"] = benchmark(benchmark_steps)
    if runs:
        tables["runs"] = run_costs(runs)
    if protocol:
        tables["paper"] = paper_vs_here(
            metrics=metrics,
            tests=tests,
            runs=runs,
            label_counts=label_counts,
            parameter_counts=parameter_counts,
            benchmark=benchmark_steps,
        )
    return {name: tables[name] for name in CAPTIONS if name in tables and len(tables[name])}


def write_tables(folder: str | Path, **inputs) -> list[Path]:
    """Write every table of `build(**inputs)` to `folder` as CSV, Markdown and LaTeX; return the paths."""
    return [
        path
        for name, frame in build(**inputs).items()
        for path in formats.write(frame, folder, name, caption=CAPTIONS[name])
    ]


def summary_text(tests: pd.DataFrame, metrics: pd.DataFrame | None = None) -> str:
    """Return the short result table for the end of a run in a terminal.

    Without a pair of heads to compare it is the mean of every metric, from `metrics`.
    """
    if not len(tests):
        return "" if metrics is None else formats.markdown(scores(metrics))
    texts = formats.as_text(means(tests).drop(columns=["d_z", "Seeds"]))
    rows = [list(texts.columns), *texts.to_numpy().tolist()]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    seeds = int(tests["n_seeds"].max())
    title = f"Mean AUROC over labels, mean ± sd over {seeds} seed{'s' if seeds != 1 else ''}; p of the paired t-test"
    return "\n".join([title, *lines]) + "\n"


def _several(rows: Sequence[Mapping]) -> bool:
    return len({(row["head_a"], row["head_b"]) for row in rows}) > 1


def _pair(row: Mapping, *, several: bool) -> dict:
    """The cells of one comparison: both heads, difference with its interval, percent difference.

    With one pair in the table each head is a column, as in the paper; with `several` the head is a cell.
    """
    named = {head_name(row[f"head_{x}"]): formats.mean_sd(row[f"mean_{x}"], row[f"sd_{x}"]) for x in "ab"}
    if several:
        named = dict(zip(("Reference", "Head"), (f"{head} {value}" for head, value in named.items()), strict=True))
    interval = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"
    return {
        **named,
        "Difference [95 % CI]": "—" if pd.isna(row["difference"]) else f"{row['difference']:+.3f}{interval}",
        "% diff.": "—" if pd.isna(row["percent_difference"]) else f"{row['percent_difference']:+.1f}",
    }
