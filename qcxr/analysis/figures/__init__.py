"""The figures by name: what draws each, from which inputs, and its caption.

A figure drawn once per task or data set has names such as `labels-cxr8-nih`; `names` lists them for an experiment.
Adding a figure: one function (tidy frames in, Figure out) and one entry here; the caption file in `workflow/report`
has the same text (held by a test).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

from qcxr.analysis.facts import If
from qcxr.analysis.names import dataset_order, head_order, task_order
from qcxr.analysis.outline import Outline
from qcxr.errors import InputError


@dataclass(frozen=True)
class FigureSpec:
    """One figure: `function` as module:name, the kinds of input it needs, the keys it is drawn by, its texts.

    `caption` is the name of the caption file in workflow/report; `text` is what it says, some sentences for those
    studies only of which they are true. `title` heads it in reports. `options` are the keys of the configuration's
    `analysis` section that it takes. A figure with `pair` shows a comparison and is drawn for two heads or more. `also`
    are kinds of input that it shows where they are there. `whole`: it shows all variants of the study (and is given its
    outline), not one of them. A figure by `axis` is drawn for each varied key, one that needs `search` where there is a
    search.
    """

    function: str
    needs: tuple[str, ...]
    by: tuple[str, ...]
    caption: str
    title: str
    text: tuple[str | If, ...]
    options: tuple[str, ...] = ()
    pair: bool = False
    also: tuple[str, ...] = ()
    whole: bool = False

    def draw(self, **inputs: Any) -> Any:
        """Import the module (matplotlib with it) and call the function."""
        module, name = self.function.split(":")
        return getattr(import_module(f"qcxr.analysis.figures.{module}"), name)(**inputs)


_BY_HEAD = (
    "Of so many heads each has one panel: a thin line is a label (vertical mean over runs, as steps), the bold line "
    "the mean over labels, the dotted dark one that of the first head."
)
FIGURES = {
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
         If("few", "Bars are means over seeds, points are runs."),
         If("many", "Markers are means over seeds with their 95 % t-intervals (cut at 0 and 1), points are runs, the "
            "dashed line is the first head's mean."),
         If("joined", "Lines join the heads of one seed."),
         If("tested", "Marks are the paired t-test over seeds, raw p: ns p >= 0.05, * p < 0.05, ** p < 0.01, "
            "*** p < 0.001."),
         If("like_paper", "Compare with Fig. 5 of the paper.")),
    ),
    "labels": FigureSpec(
        "labels:labels", ("metrics", "tests"), ("task", "dataset"), "labels.rst", "AUROC per label",
        ("AUROC per label, sorted by the number of positive films in this test set (in brackets).",
         If("few", "Bars are means over seeds, points are runs."),
         If("many", "Numbers are means over seeds, the colour is the difference from the first head, below it stand "
            "marks of p < 0.05."),
         If("tested", "Marks are the paired t-test over seeds, raw p, uncorrected for the number of labels (the table "
            "of tests has Holm and Benjamini-Hochberg)."),
         If("like_paper", "Compare with Figs. 6-11 of the paper.")),
    ),
    "volcano": FigureSpec(
        "volcano:volcano", ("tests",), ("task",), "volcano.rst", "Volcano plot",
        ("Evidence (-log10 of the paired t-test's raw p) against percent difference of mean AUROC (Eq. 4 of the "
         "paper), for the labels that this task is the first to have.",
         If("several", "Each head has its own panels, against the first."),
         "The number is the label, the shape the task of the runs. The axis is signed and linear: "
         "labels where the other head is better than the first lie on the left, where the log2 axis of the paper has "
         "no place for them. The dashed line is p = 0.05.",
         If("like_paper", "Compare with Figs. 12 and 13 of the paper.")),
        pair=True,
    ),
    "slopes": FigureSpec(
        "slopes:slopes", ("metrics", "tests"), (), "slopes.rst", "Paired seeds",
        (If("few", "Mean AUROC of every run. A thin line joins the heads of one seed."),
         If("many", "Mean AUROC of the first head minus that of each other, a point per seed; a line is the 95 % "
            "t-interval of the mean over seeds."),
         If("trained", "All heads of a seed had the same initial backbone, batches and augmentations."),
         If("few", "The bold line joins the means."),
         If("named", "Above each panel: the mean difference with its 95 % t-interval over seeds.")),
        pair=True,
    ),
    "longtail": FigureSpec(
        "longtail:longtail", ("metrics", "counts"), ("task",), "longtail.rst", "The long tail",
        ("AUROC per label, from rare to common in training (positive films in brackets): mean and range over seeds. "
         "Dotted lines part the tail, medium and head labels of this study, the dashed line is chance.",
         If("many", "A panel per head; the grey line is the first head's mean.")),
        options=("head_over", "tail_under", "quantiles"),
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
         "With rare findings these tell more than ROC curves.",
         If("many", _BY_HEAD)),
    ),
    "reliability": FigureSpec(
        "reliability:reliability", ("predictions",), ("task", "dataset"), "reliability.rst", "Reliability",
        ("Observed frequency of a finding against its predicted probability in 15 equal-width bins, films of all seeds "
         "together; markers grow with the number of films, the dotted line is perfect calibration. Both axes are "
         "square-rooted, because probabilities of rare findings are small.",
         If("few", "Numbers: expected calibration error, mean over seeds."),
         If("many", "Of so many heads each has one panel: a thin line is a label, the bold line all labels' films "
            "together, the dotted dark one those of the first head; the number is the expected calibration error, mean "
            "over labels and seeds.")),
    ),
    "vary": FigureSpec(
        "vary:vary", ("metrics",), ("axis",), "vary.rst", "What is varied",
        ("Mean AUROC and average precision over labels against one varied key; other varied keys are as in the base "
         "variant. Points are runs, lines their means over seeds; the band is the 95 % t-interval over seeds, which "
         "says how another training would differ; it is cut at 0 and 1, beyond which nothing can lie.",
         If("patients", "Bars at the AUROC are 95 % percentile intervals of a bootstrap over patients, of the mean "
            "over seeds: how another test set would differ."),
         "A head that does not have the key was trained once and is drawn at every value.",
         If("many", "Each head has its own panels; the grey line is the first head's.")),
        also=("bootstrap",), whole=True,
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
}  # fmt: skip


def names(
    *,
    tasks: Iterable[str],
    datasets: Iterable[str],
    heads: Sequence[str],
    axes: Iterable[str] = (),
    searched: bool = False,
    only: Iterable[str] | None = None,
) -> list[str]:
    """Return the names of all figures of an experiment, e.g. losses, mean_auroc, labels-cxr8-nih, vary-head.layers.

    axes: the varied keys. searched: there is a search. One head has no figures of comparisons.
    """
    values = {"task": list(tasks), "dataset": list(datasets), "axis": list(axes)}
    chosen = [name for name in (FIGURES if only is None else only) if len(heads) > 1 or not FIGURES[name].pair]
    chosen = [name for name in chosen if searched or "search" not in FIGURES[name].needs]
    return ["-".join([name, *keys]) for name in chosen for keys in product(*(values[by] for by in FIGURES[name].by))]


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
    if base not in FIGURES or bool(keys) != bool(FIGURES[base].by):
        allowed = ", ".join("-".join([known, *(f"<{by}>" for by in entry.by)]) for known, entry in FIGURES.items())
        raise InputError(f"unknown figure {name}; it must be one of {allowed}")
    return FIGURES[base]


def draw(
    name: str,
    inputs: Mapping[str, str | Path | Sequence[str | Path]],
    *,
    out_pdf: str | Path,
    out_png: str | Path,
    heads: Iterable[str] | None = None,
    options: Mapping[str, object] | None = None,
    outline: Outline | Mapping[str, Any] | None = None,
) -> None:
    """Draw figure `name` from files and save it as PDF and PNG.

    inputs: kind -> path or paths, at least the kinds that the figure needs (see `FIGURES`); others are not read.
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
        loaded["predictions"] = index_predictions(inputs["predictions"])
    found = known(loaded)
    keys = _keys(name, entry, found, given)
    if not entry.whole:
        loaded = variants.at_base(loaded, given)
    if "predictions" in loaded:
        wanted = [
            path
            for run, path in loaded["predictions"].items()
            if keys.get("task", run.task) == run.task and keys.get("dataset", run.dataset) == run.dataset
        ]
        loaded["predictions"] = read_predictions(wanted)
    chosen = head_order(found["head"], given.heads) if heads is None else list(heads)
    more = {**keys, **(options or {}), **({"outline": given} if "axis" in entry.by else {})}
    with style.applied():
        style.save(entry.draw(**loaded, **more, heads=chosen), out_pdf=out_pdf, out_png=out_png)


def _keys(name: str, entry: FigureSpec, found: Mapping[str, set[str]], outline: Outline) -> dict[str, str]:
    """Return the task, data set and varied key in a figure's name, of those found: all may have hyphens in them."""
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
