"""The figures by name: what draws each, from which inputs, and its caption.

A figure drawn once per task or data set has names such as `labels-cxr8-nih`; `names` lists them for an experiment.
Adding a figure: one function (tidy frames in, Figure out) and one entry here (`qcxr.analysis.figures.entry` says what
it holds); the caption file in `workflow/report` has the same text (held by a test). Those of plug-ins stand behind
ours: `registry` has both.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from qcxr.analysis.facts import If
from qcxr.analysis.figures.entry import FigureSpec, of_plugin
from qcxr.analysis.figures.published import PUBLISHED
from qcxr.analysis.inference import UNADJUSTED
from qcxr.analysis.names import dataset_order, head_order, task_order
from qcxr.analysis.outline import Outline
from qcxr.errors import InputError
from qcxr.study import plugged

_MARKS = (
    If(("tested", "adjusted"),
       "Marks follow the adjusted p: ns p >= 0.05, * p < 0.05, ** p < 0.01, *** p < 0.001."),
    If(("tested", "unadjusted"),
       f"Marks follow p, {UNADJUSTED}: ns p >= 0.05, * p < 0.05, ** p < 0.01, *** p < 0.001."),
)  # fmt: skip
_BY_HEAD = (
    "Of so many heads each has one panel: a thin line is a label (vertical mean over runs, as steps), the bold line "
    "the mean over labels, the dotted dark one that of the first head."
)
FIGURES = {
    "difference": FigureSpec(
        "difference:difference", ("metrics", "tests"), ("task",), "difference.rst", "Difference of AUROC per label",
        ("AUROC of the first head minus that of the other, labels from common to rare in training (positive training "
         "films in brackets), the means over labels below them. The colour is the better head's.",
         If("tested", "The long line is the 95 % interval that the words of the report follow, and the legend names "
            "what varies in it; an arrow says that it goes on beyond the panel."),
         If("few", "Thin lines below it are of seeds alone and of patients alone; with few seeds the former may be the "
            "widest, for its t has few degrees of freedom."),
         "In the grey band the heads count as equivalent.",
         If("several", "Each head has its own panels, against the first."), *_MARKS),
        options=("margin",), pair=True,
    ),
    "losses": FigureSpec(
        "losses:losses", ("history", "steps"), (), "losses.rst", "Training and validation loss",
        ("Training loss (averaged over tenths of an epoch) and validation loss by epoch, one line per run. The marker "
         "is the epoch whose weights were kept: the lowest validation loss.",
         If("many", "A panel per head: the thick line is the validation loss; grey is the first head's."),
         If("like_paper", "Compare with Fig. 4 of the paper.")),
    ),
    "mean_auroc": FigureSpec(
        "means:means", ("metrics", "tests"), (), "mean_auroc.rst", "Mean AUROC",
        ("AUROC averaged over the labels of each task for which it is defined.",
         If("few", "Bars are means over seeds, points are runs; a line beside them is the mean's 95 % interval for "
            "seeds and patients together, where it is known."),
         If("many", "Markers are means over seeds, points are runs, lines the means' 95 % intervals for seeds and "
            "patients together, or for seeds where no more is known; the dashed line is the first head's mean."),
         If("joined", "Thin lines join the heads of one seed."),
         If("alike", "All heads of a seed had the same initial backbone, batches and augmentations."),
         *_MARKS,
         If("like_paper", "Compare with Fig. 5 of the paper.")),
        also=("estimates",),
    ),
    "labels": FigureSpec(
        "labels:labels", ("metrics", "tests"), ("task", "dataset"), "labels.rst", "AUROC per label",
        ("AUROC per label, from common to rare in training, in the same order and on the same axis for every test set "
         "of a task; in brackets the positive films of this test set.",
         If("few", "Bars are means over seeds, points are runs."),
         If("many", "Numbers are means over seeds, the colour is the difference from the first head, below it stand "
            "marks of {p} < 0.05."),
         *_MARKS,
         If("like_paper", "Compare with Figs. 6-11 of the paper.")),
    ),
    "volcano": FigureSpec(
        "volcano:volcano", ("tests",), ("task",), "volcano.rst", "Volcano plot",
        ("Evidence (-log10 of the {p}) against percent difference of mean AUROC (Eq. 4 of the paper), for the "
         "labels that this task is the first to have. The colour is the better head's, the shape the task of the runs; "
         "a label's points are joined and named at the one with the most evidence.",
         If("several", "Each head has its own panels, against the first."),
         If("many", "Named are labels whose {p} is below alpha, where there is room."),
         "The axis is signed and linear: labels where the other head is better than the first lie on the left, where "
         "the log2 axis of the paper has no place for them. The dashed line is alpha.",
         If("unadjusted", f"p is {UNADJUSTED}."),
         If("like_paper", "Compare with Figs. 12 and 13 of the paper.")),
        options=("alpha", "adjust"), pair=True,
    ),
    "longtail": FigureSpec(
        "longtail:longtail", ("metrics", "counts"), ("task",), "longtail.rst", "The long tail",
        ("Means over the labels of each group, from common to rare in training: how many labels it has, and the fewest "
         "and the most positive training films of any. A label whose metric is undefined on a test set is not in its "
         "mean. Markers are means over seeds with their 95 % interval, for seeds and patients together where that is "
         "known, else for seeds.",
         If("few", "Small points are runs."),
         If("many", "The dashed line is the first head's mean.")),
        options=("head_over", "tail_under", "quantiles"), also=("estimates",),
    ),
    "roc": FigureSpec(
        "curves:roc", ("predictions",), ("task", "dataset"), "roc.rst", "ROC curves",
        ("Receiver operating characteristic per label, one line per run; the dotted diagonal is chance.",
         If("many", _BY_HEAD)),
    ),
    "precision_recall": FigureSpec(
        "curves:precision_recall", ("predictions",), ("task", "dataset"), "precision_recall.rst",
        "Precision and recall",
        ("Precision against recall per label, one line per run; the dotted line is the prevalence, which is chance. "
         "Drawn as steps, so that the area below a line is its average precision. With rare findings these tell more "
         "than ROC curves.",
         If("many", _BY_HEAD)),
    ),
    "reliability": FigureSpec(
        "reliability:reliability", ("predictions",), ("task", "dataset"), "reliability.rst", "Reliability",
        ("Observed frequency of a finding against its predicted probability; the dotted line is perfect calibration. "
         "Bins are equal-width, fifteen in all, those of fewer than ten films joined with the next. Both axes are "
         "square-rooted, because probabilities of rare findings are small.",
         If("few", "A thin line is a run; markers are the bins of each head's first run, with 95 % Wilson intervals. "
            "Numbers: expected calibration error, mean over seeds."),
         If("many", "Of so many heads each has one panel, of its first run: a thin line is a label, the bold line all "
            "labels' films together, the dotted dark one those of the first head; the number is the expected "
            "calibration error, mean over labels and seeds.")),
    ),
    "vary": FigureSpec(
        "vary:vary", ("metrics",), ("axis",), "vary.rst", "What is varied",
        ("Mean AUROC and average precision over labels against one varied key; other varied keys are as in the base "
         "variant. Points are runs, lines their means over seeds; the band is the 95 % t-interval over seeds, which "
         "says how another training would differ; it is cut at 0 and 1, beyond which nothing can lie.",
         If("patients", "Bars are 95 % percentile intervals of a bootstrap over patients, of the mean "
            "over seeds: how another test set would differ."),
         "A head that does not have the key was trained once and is drawn at every value.",
         If("many", "Each head has its own panels; the grey line is the first head's.")),
        also=("bootstrap",), whole=True,
    ),
    "subgroups": FigureSpec(
        "subgroups:subgroups", ("subgroups",), ("task",), "subgroups.rst", "Subgroups",
        ("Mean AUROC in groups of films{by}, over the labels that have two patients with the finding, "
         "and two without, in the group; the number of patients stands beside it. The reference of each attribute is "
         "M, PA or the largest group.",
         If("few", "Lines are 95 % intervals of seeds and patients together (of patients alone with one seed); hollow "
            "markers are groups of few patients, whose lines may leave the panel; the reference is bold."),
         If("many", "The colour is the gap to the reference group."),
         If("adjusted",
            "A star is a gap to the reference whose p, adjusted over all such gaps of the head, is below alpha."),
         If("unadjusted", f"A star is a gap to the reference whose p, {UNADJUSTED}, is below alpha.")),
        options=("alpha",),
    ),
    "trend": FigureSpec(
        "trend:trend", ("trend", "tests", "metrics"), ("task",), "trend.rst", "Difference and rarity",
        ("AUROC of the first head minus that of another against the positive films in training, a point per label with "
         "its 95 % interval. The dashed line is Theil and Sen's; rho is Spearman's rank correlation over the labels, p "
         "of permuting them: below 0, the first head's lead grows with rarity.",
         If("several", "Each head has its own panels, against the first.")),
        pair=True,
    ),
    "variance": FigureSpec(
        "variance:variance", ("variance",), ("task",), "variance.rst", "What varies",
        ("Standard deviation of the mean over labels, by what else might have been: another training (one run, with "
         "the 95 % interval of so few seeds), other patients (the part that all trainings share) and, with a search, "
         "another of its trials (by the score on validation). The axis is logarithmic; a source that is not known, or "
         "whose estimate is not above 0, has no marker.",),
    ),
    "decision": FigureSpec(
        "decision:decision", ("predictions",), ("task", "dataset"), "decision.rst", "Decision curves",
        ("Net benefit of acting on a label's probability (Vickers and Elkin 2006) against the threshold at which one "
         "acts, both divided by the label's prevalence in this test set: 1 is the most that there is, 0 is to act on "
         "no film. Mean over seeds. A head is worth its probabilities where it lies above both 0 and acting on all.",
         If("few", "The dotted line is acting on every film."),
         If("many", "Of so many heads each has one panel: a thin line is a label, the bold line the mean over labels, "
            "the dashed dark one that of the first head.")),
    ),
    "search": FigureSpec(
        "search:search", ("search",), (), "search.rst", "Search",
        ("Expected best validation score of k trials against k, drawn without replacement from the trials of each "
         "head: what a search with a smaller budget would have found. The band holds the middle 80 % of the best of "
         "k; it closes at the whole budget because there is one such set. The large marker is the trial chosen; test "
         "labels are not in it.",
         If("many", "Each head has its own panel; the grey line is the first head's.")),
        whole=True,
    ),
    **PUBLISHED,
}  # fmt: skip


def registry(own: Iterable[str] | None = None) -> dict[str, FigureSpec]:
    """All figures by name, ours first, then those of plug-ins: all that are in force, or some of them."""
    registered = {one.name: one for one in plugged.every("figure")}
    return FIGURES | {name: of_plugin(registered[name]) for name in (registered if own is None else own)}


def names(
    *,
    tasks: Iterable[str],
    datasets: Iterable[str],
    heads: Sequence[str],
    axes: Iterable[str] = (),
    searched: bool = False,
    grouped: bool = False,
    own: Iterable[str] = (),
) -> list[str]:
    """Return the names of all figures of an experiment, e.g. losses, mean_auroc, labels-cxr8-nih, vary-head.layers.

    axes: the varied keys. searched: there is a search. grouped: films have attributes to group them by. own: those of
    plug-ins that are drawn. One head has no figures of comparisons, and the paper's figures are those of its heads,
    tasks and test sets.
    """
    values = {"task": list(tasks), "dataset": list(datasets), "axis": list(axes)}
    here = {"tasks": values["task"], "datasets": values["dataset"], "heads": heads}
    known = registry(own)
    chosen = [name for name in known if known[name].fits(**here)]
    chosen = [name for name in chosen if searched or "search" not in known[name].needs]
    chosen = [name for name in chosen if grouped or "subgroups" not in known[name].needs]
    return ["-".join([name, *keys]) for name in chosen for keys in product(*(values[by] for by in known[name].by))]


def decides(name: str) -> str:
    """Return what a plug-in's figure depends on besides the code of `modules`; nothing of one of ours."""
    found = plugged.find("figure", name.partition("-")[0])
    return "".join(found.decides().values()) if found else ""


def modules(name: str) -> tuple[str, ...]:
    """Return the modules whose code decides what figure `name` looks like, for the content hash of its rule."""
    module = spec(name).function.partition(":")[0]
    return (
        "qcxr.analysis.figures",
        f"qcxr.analysis.figures.{module}",
        "qcxr.analysis.inputs",
        "qcxr.analysis.variants",
    )


def spec(name: str) -> FigureSpec:
    """Return the entry of a figure's full name; InputError if there is no such figure."""
    base, _, keys = name.partition("-")
    known = registry()
    if base not in known or bool(keys) != bool(known[base].by):
        allowed = ", ".join("-".join([one, *(f"<{by}>" for by in entry.by)]) for one, entry in known.items())
        raise InputError(f"unknown figure {name}; it must be one of {allowed}")
    return known[base]


def draw(
    name: str,
    inputs: Mapping[str, Any],
    *,
    out_pdf: str | Path,
    out_png: str | Path,
    heads: Iterable[str] | None = None,
    options: Mapping[str, object] | None = None,
    outline: Outline | Mapping[str, Any] | None = None,
) -> None:
    """Draw figure `name` from files and save it as PDF and PNG.

    inputs: kind -> path or paths, at least the kinds that the figure needs (see `FIGURES`); others are not read.
    Predictions may have been read already ({run: table}), where several figures are drawn of them.
    heads: in the order to draw, the first is the one that others are compared with; by default those found.
    options: settings that the figure takes (its entry's `options`). outline: what the study compares and varies, as it
    is or as the workflow's JSON; a figure that is not of the whole study shows its base variant.
    Raises InputError on an unknown figure, a missing input, or keys of which the inputs know nothing.
    """
    # matplotlib and pandas: the workflow's plan, which every job reads again, asks for names only
    from qcxr.analysis import variants
    from qcxr.analysis.figures import style
    from qcxr.analysis.inputs import index_predictions, load, read_predictions

    entry = spec(name)
    if lacking := [kind for kind in entry.needs if kind not in inputs]:
        raise InputError(
            f"figure {name} needs {', '.join(entry.needs)}; {', '.join(lacking)} missing; add to its inputs"
        )
    given = outline if isinstance(outline, Outline) else Outline.from_json(outline or {})
    shown = [*entry.needs, *(kind for kind in entry.also if kind in inputs)]
    loaded: dict[str, Any] = {kind: load(kind, inputs[kind]) for kind in shown if kind != "predictions"}
    if "predictions" in entry.needs:  # tables of a whole study are large: know their keys, read the figure's own
        read = isinstance(inputs["predictions"], Mapping)
        loaded["predictions"] = inputs["predictions"] if read else index_predictions(inputs["predictions"])
    found = known(loaded)
    keys = _keys(name, entry, found, given)
    if not entry.whole:
        loaded = variants.at_base(loaded, given)
    if "predictions" in loaded:
        wanted = {
            run: table
            for run, table in loaded["predictions"].items()
            if keys.get("task", run.task) == run.task and keys.get("dataset", run.dataset) == run.dataset
        }
        loaded["predictions"] = wanted if read else read_predictions(list(wanted.values()))
    chosen = head_order(found["head"], given.heads) if heads is None else list(heads)
    more = {**keys, **(options or {}), **({"outline": given} if "axis" in entry.by else {})}
    with style.applied():
        style.save(entry.draw(**loaded, **more, heads=chosen), out_pdf=out_pdf, out_png=out_png)


def _keys(name: str, entry: FigureSpec, found: Mapping[str, set[str]], outline: Outline) -> dict[str, str]:
    """Return the task, data set and varied key in a figure's name, of those found: all may have hyphens in them."""
    if lacking := entry.lacking(found):
        asked = "; ".join(f"{key}: {', '.join(entry.about[key])}" for key in lacking)
        raise InputError(f"figure {name}: its inputs know nothing of it; they must hold {asked}")
    values = {"task": task_order(found["task"]), "dataset": dataset_order(found["dataset"]), "axis": outline.axes}
    base = name.partition("-")[0]
    possible = {"-".join([base, *keys]): keys for keys in product(*(values[by] for by in entry.by))}
    if name not in possible:
        allowed = ", ".join(possible) or "none"
        raise InputError(f"figure {name}: its inputs know nothing of it; they allow {allowed}")
    return dict(zip(entry.by, possible[name], strict=True))


def known(loaded: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the tasks, data sets and heads that loaded inputs speak of."""
    found: dict[str, set[str]] = {"task": set(), "dataset": set(), "head": set()}
    columns = {"task": ("task",), "dataset": ("dataset",), "head": ("head", "head_a", "head_b")}
    for kind, value in loaded.items():
        if kind in ("predictions", "runs"):
            for run in value:
                named = run._asdict() if kind == "predictions" else run
                for key in found.keys() & named.keys():
                    found[key].add(named[key])
        else:
            for key, names_of in columns.items():
                for column in names_of:
                    if column in value:
                        found[key] |= {name for name in value[column] if name}  # a row of one head has no second
    return found
