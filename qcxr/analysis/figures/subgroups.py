"""Mean AUROC in groups of films by sex, age, view or another attribute: who is served worse, and how sure that is."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.figures import style
from qcxr.analysis.leading import led
from qcxr.analysis.names import FEW, dataset_name, dataset_order, head_name, shortened, task_name

ROW, MOST, BETWEEN = 0.16, 0.55, 0.1  # inches for a head, for a group's heads at most, and between groups


def subgroups(*, subgroups: pd.DataFrame, heads: Sequence[str], task: str, alpha: float = 0.05) -> Figure:
    """A panel per attribute (rows) and data set (columns), in it a row per group and head: AUROC with its interval.

    Small groups are hollow, a star is an adjusted p below alpha of the gap to the reference, whose name is bold. More
    heads than a few are columns of a table, whose colour is each head's gap.
    """
    part = led(subgroups[(subgroups["task"] == task) & (subgroups["label"] == "mean")])
    means = part[part["kind"] == "group"]
    if means["value"].isna().all():
        return style.empty(f"{task_name(task)}: nothing is known of the films to group them by, or no AUROC is defined")
    gaps = part[part["kind"] == "gap"]
    gaps = gaps.assign(sure=gaps["p_adjusted"] < alpha)
    return _table(means, gaps, heads, task) if len(heads) > FEW else _rows(means, gaps, heads, task)


def _rows(means: pd.DataFrame, gaps: pd.DataFrame, heads: Sequence[str], task: str) -> Figure:
    attributes, datasets = list(dict.fromkeys(means["attribute"])), dataset_order(means["dataset"])
    groups = {name: list(dict.fromkeys(means.loc[means["attribute"] == name, "group"])) for name in attributes}
    sizes = [len(groups[name]) * (min(ROW * len(heads), MOST) + BETWEEN) + 0.25 for name in attributes]
    figure = Figure(figsize=(style.PAGE if len(datasets) > 1 else 5.2, 0.75 + sum(sizes)))
    grid = figure.subplots(len(attributes), len(datasets), squeeze=False, gridspec_kw={"height_ratios": sizes})
    for i, attribute in enumerate(attributes):
        for j, dataset in enumerate(datasets):
            axes = grid[i, j]
            own = (means["attribute"] == attribute) & (means["dataset"] == dataset)
            compared = gaps[(gaps["attribute"] == attribute) & (gaps["dataset"] == dataset)]
            _panel(axes, means[own], compared, groups[attribute], heads)
            if i == 0:
                axes.set_title(f"{task_name(task)}, {dataset_name(dataset)}", pad=3)
            if j == 0:
                axes.set_ylabel(attribute.capitalize())
    for j, dataset in enumerate(datasets):
        limits = _limits(means[means["dataset"] == dataset])
        for axes in grid[:, j]:
            axes.set_xlim(limits)
            axes.tick_params(labelbottom=axes is grid[-1, j])
    figure.supxlabel("Mean AUROC over labels (patients at the right)", fontsize=7.5)
    hollow = Line2D([], [], color=style.INK, marker="o", markerfacecolor="white", linestyle="", label="a small group")
    extra = [hollow] if means["small"].any() else []
    style.legend(figure, [*style.line_handles(heads), *extra], loc="outside upper center")
    return figure


def _limits(means: pd.DataFrame) -> tuple[float, float]:
    """Ends of an axis: every point, and the intervals of groups that are not small; those of small ones may be cut."""
    sure = means[~means["small"]]
    ends = [means["value"], sure["low"], sure["high"]]
    known = np.concatenate([part.dropna().to_numpy(float) for part in ends])
    room = 0.04 * (np.ptp(known) or 0.1)
    return style.possible((known.min() - room, known.max() + room))


def _panel(axes: Axes, means: pd.DataFrame, gaps: pd.DataFrame, groups: Sequence[str], heads: Sequence[str]) -> None:
    """One attribute on one data set; `groups` are those of all data sets, so that rows of a line of panels agree."""
    step = 0.8 / len(heads)
    sure = {(row["group"], row["head"]) for row in gaps.to_dict("records") if row["sure"]}
    for row in means.to_dict("records"):
        look = style.head_styles(heads).get(row["head"])
        if look is None:
            continue
        y = groups.index(row["group"]) + step * (list(heads).index(row["head"]) - (len(heads) - 1) / 2)
        ends = [row["low"], row["high"]]
        if pd.isna(row["value"]):
            continue
        axes.plot(ends, [y, y], color=look.colour, linewidth=1.3, zorder=3)
        face = "white" if row["small"] else look.colour
        axes.plot(row["value"], y, look.marker, color=look.colour, markersize=4.5, markerfacecolor=face, zorder=5)
        if (row["group"], row["head"]) in sure:
            right = row["value"] if pd.isna(ends[1]) else ends[1]
            axes.annotate("*", (right, y), (2, -3.5), textcoords="offset points", fontsize=8, annotation_clip=False)
    counts = means.groupby("group", sort=False)["n_patients"].max()
    none = means.groupby("group", sort=False)["value"].agg(lambda values: values.isna().all())
    references = set(gaps["reference"])
    axes.set_yticks(range(len(groups)), groups)
    for tick, group in zip(axes.get_yticklabels(), groups, strict=True):
        tick.set_fontweight("bold" if group in references else "normal")
    for y, group in enumerate(groups):
        said = f"{int(counts[group]):,}" if group in counts else "0"
        if none.get(group, False):
            place: style.Keywords = {"transform": axes.get_yaxis_transform(), "va": "center", "color": style.FAINT}
            axes.text(0.03, y, "undefined: too few patients", style="italic", fontsize=6, **place)
        axes.text(1.02, y, said, transform=axes.get_yaxis_transform(), va="center", ha="left", fontsize=6)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(groups) - 0.45, -0.55)
    axes.grid(False, axis="y")


def _table(means: pd.DataFrame, gaps: pd.DataFrame, heads: Sequence[str], task: str) -> Figure:
    """Groups as rows, heads as columns: AUROC in numbers, the gap to the reference as colour, stars where sure."""
    keys = ["dataset", "attribute", "group"]
    rows = list(means[keys].drop_duplicates().itertuples(index=False, name=None))
    value = means.pivot_table(index=keys, columns="head", values="value", sort=False).reindex(rows, columns=list(heads))
    gap, sure = (
        gaps.pivot_table(index=keys, columns="head", values=of, sort=False, dropna=False).reindex(
            index=pd.MultiIndex.from_tuples(rows, names=keys), columns=list(heads)
        )
        for of in ("value", "sure")
    )
    colours = gap.to_numpy(float)
    known = np.abs(colours[~np.isnan(colours)])
    reach = max(float(np.quantile(known, 0.95)), 0.01) if known.size else 0.01
    figure = Figure(figsize=(min(max(style.COLUMN, 3.2 + 0.29 * len(heads)), 13.0), 1.9 + 0.22 * len(rows)))
    axes = figure.subplots()
    image = axes.imshow(colours, cmap="PuOr_r", vmin=-reach, vmax=reach, aspect="auto")
    for i, j in np.ndindex(colours.shape):
        number = value.iat[i, j]
        said = "—" if np.isnan(number) else f"{number:.2f}".lstrip("0") + "*" * bool(sure.iat[i, j] > 0)
        ink = "white" if abs(colours[i, j]) > 0.7 * reach else style.INK
        axes.text(j, i, said, ha="center", va="center", fontsize=5, color=ink)
    counts = means.groupby(keys, sort=False)["n_patients"].max()
    to = set(gaps[["dataset", "attribute", "reference"]].itertuples(index=False, name=None))
    names = [
        f"{dataset_name(key[0])}, {key[1]}: {key[2]}{', reference' * (key in to)} ({int(counts[key]):,})"
        for key in rows
    ]
    axes.set_yticks(range(len(rows)), names, fontsize=6)
    tilted = shortened([head_name(head) for head in heads], 24)
    axes.set_xticks(range(len(heads)), tilted, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.grid(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, extend="both")
    bar.set_label("Gap to the reference group", fontsize=7)
    figure.suptitle(f"{task_name(task)}: mean AUROC", fontsize=8)
    return figure
