"""The paper's figures 4 to 13 as such, to lay beside it: the registry's entries, drawn by `figures.papers`.

Marks and axes follow the paper's raw p; ours follow the adjusted one. Imported by the workflow's plan, without pandas.
"""

from qcxr.analysis.facts import If
from qcxr.analysis.figures.entry import FigureSpec
from qcxr.analysis.names import PAPER_HEADS, dataset_name, task_name

TASKS, DATASETS = ("cxr8", "cxr14", "cxr19"), ("nih", "mimic")
_SD = "Error bars are standard deviations over seeds, by n - 1 or by n as the configuration's `analysis.sd` says."
_MARKS = (
    "Marks follow the raw p of the paired t-test over seeds, as in the paper: ns p >= 0.05, * p < 0.05, ** p < 0.01, "
    "*** p < 0.001; no adjustment for their number."
)
_LABELS = (
    "AUROC per label in the manner of Figs. 6-11 of the paper: bars are means over seeds, labels in the order of its "
    "Table I.", _SD, If("t_tested", _MARKS),
)  # fmt: skip
_VOLCANO = (
    "Volcano plot in the manner of Figs. 12 and 13 of the paper: -log10 of the paired t-test's raw p against log2 of "
    "the percent difference in AUROC (Eq. 4); shapes are tasks. Below each panel stand the points that have no place "
    "on such an axis, because DQC is not worse. The dashed line is p = 0.05.",
)


def _about(tasks: tuple[str, ...], datasets: tuple[str, ...] | None = DATASETS) -> dict[str, tuple[str, ...]]:
    return {"task": tasks, "head": PAPER_HEADS} | ({} if datasets is None else {"dataset": datasets})


PUBLISHED = {
    "paper_fig4": FigureSpec(
        "papers:losses", ("history",), (), "paper_losses.rst", "The paper's Fig. 4: losses",
        ("Training (dashed) and validation (whole) loss by epoch in the manner of Fig. 4 of the paper, a thin line per "
         "run; the bold line is the validation loss's mean over the runs that still trained.",),
        pair=True, about=_about(TASKS, None),
    ),
    "paper_fig5": FigureSpec(
        "papers:means", ("metrics", "tests"), (), "paper_means.rst", "The paper's Fig. 5: mean AUROC",
        ("Mean AUROC in the manner of Fig. 5 of the paper: bars are means over seeds.", _SD, If("t_tested", _MARKS)),
        options=("sd",), pair=True, about=_about(TASKS),
    ),
    **{
        f"paper_fig{6 + 2 * i + j}": FigureSpec(
            "papers:labels", ("metrics", "tests"), (), "paper_labels.rst",
            f"The paper's Fig. {6 + 2 * i + j}: {task_name(task)} on {dataset_name(dataset)}", _LABELS,
            options=("sd",), pair=True, about=_about((task,), (dataset,)), fixed={"task": task, "dataset": dataset},
        )
        for i, task in enumerate(TASKS)
        for j, dataset in enumerate(DATASETS)
    },
    **{
        f"paper_fig{12 + i}": FigureSpec(
            "papers:volcano", ("tests",), (), "paper_volcano.rst", f"The paper's Fig. {12 + i}: {said}", _VOLCANO,
            pair=True, about=_about((task,)), fixed={"task": task},
        )
        for i, (task, said) in enumerate({"cxr8": "labels of CXR-8", "cxr14": "labels that CXR-14 adds"}.items())
    },
}  # fmt: skip
