"""The paper's figures as such: their numbers are those of the metrics and the raw tests, for the studies they suit."""

import re

import numpy as np
import pytest
from matplotlib.text import Annotation

from qcxr.analysis import figures, inputs, paper
from qcxr.analysis.figures import papers, style
from qcxr.errors import InputError

from .synthetic import LABELS
from .test_figures import assert_apart, drawn

BARS = {"paper_fig6": ("cxr8", "nih"), "paper_fig7": ("cxr8", "mimic"), "paper_fig10": ("cxr19", "nih")}


def heights(axes):
    return [bar.get_height() for bar in axes.patches]


def spreads(axes):
    """Ends of the error bars, each drawn twice: an outline, then the line."""
    return [path.vertices[:, 1] for lines in axes.collections[1::2] for path in lines.get_paths()]


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("sd", ["sample", "population"])
def test_bars_are_the_metrics_in_the_order_of_table_i(study, name, sd):
    task, dataset = BARS[name]
    given = {kind: inputs.load(kind, study.inputs[kind]) for kind in ("metrics", "tests")}
    with style.applied():
        axes = figures.spec(name).draw(**given, heads=["cdl", "dqc"], sd=sd).axes[0]
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert names == [label for label in paper.LABEL_COUNTS if label in LABELS[task]]
    totals = [sum(paper.LABEL_COUNTS[label][:3]) for label in names]
    assert totals == sorted(totals, reverse=True)
    found, tests = (frame[(frame["task"] == task) & (frame["dataset"] == dataset)] for frame in given.values())
    found, tests = (frame[frame["metric"] == "auroc"] for frame in (found, tests))
    runs = {key: part["value"].to_numpy() for key, part in found.groupby(["label", "head"])}
    expected = [
        runs[label, head] for label in names for head in ("cdl", "dqc") if not np.isnan(runs[label, head]).any()
    ]
    np.testing.assert_allclose(heights(axes), [np.mean(v) for v in expected])
    reach = [np.std(v, ddof=1 if sd == "sample" else 0) for v in expected]
    np.testing.assert_allclose([np.ptp(ends) / 2 for ends in spreads(axes)], reach, atol=1e-12)
    tests = tests.set_index("label")
    said = {text.get_position()[0]: text.get_text() for text in axes.texts}
    for x, label in enumerate(names):
        p = tests.loc[label, "p"]
        assert said[x] == (
            "undefined" if np.isnan(p) else "ns" if p >= 0.05 else "*" * sum(p < np.array([0.05, 0.01, 0.001]))
        )


def test_means_are_the_metrics(study):
    figure = drawn(study, "paper_fig5")
    mean = inputs.load("metrics", study.metrics).query("label == 'mean' and metric == 'auroc'")
    for axes, dataset in zip(figure.axes, ("nih", "mimic"), strict=True):
        here = mean[mean["dataset"] == dataset].groupby(["task", "head"])["value"].mean()
        expected = [here[task, head] for task in ("cxr8", "cxr19") for head in ("cdl", "dqc")]
        np.testing.assert_allclose(heights(axes), expected)


def test_the_log2_axis_has_the_raw_tests_and_says_what_it_has_no_place_for(study):
    figure = drawn(study, "paper_fig12")
    tests = inputs.load("tests", study.tests).query("metric == 'auroc'")
    tests = tests[tests["label"].isin(LABELS["cxr8"])]
    for axes, dataset in zip(figure.axes, ("nih", "mimic"), strict=True):
        here = tests[tests["dataset"] == dataset]
        shown, lost = here[here["percent_difference"] > 0], here[here["percent_difference"] <= 0]
        points = sorted(line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() in ("o", "s", "D"))
        expected = sorted(np.column_stack([np.log2(shown["percent_difference"]), -np.log10(shown["p"])]).tolist())
        np.testing.assert_allclose(points, expected)
        words = axes.get_xlabel().replace("\n", " ")
        assert len(lost) and set(re.findall(r"(\w+) \(CXR", words)) == set(lost["label"])
        assert_apart(axes, [text for text in axes.texts if isinstance(text, Annotation)])


def test_the_pair_is_cdl_minus_dqc_whichever_is_the_reference(study):
    tests = inputs.load("tests", study.tests)
    turned = tests.rename(columns={"head_a": "head_b", "head_b": "head_a"})
    turned["percent_difference"] *= -1
    both = [papers._pair(frame)["percent_difference"].to_numpy() for frame in (tests, turned)]
    np.testing.assert_array_equal(*both)
    marked = tests.assign(mark_raw=tests["mark"], mark="ns")  # as of a table whose marks are adjusted
    assert papers._pair(marked)["mark_raw"].tolist() == tests["mark"].fillna("").tolist()


def test_they_are_drawn_for_the_papers_heads_tasks_and_test_sets(study, tmp_path):
    given = {"tasks": ("cxr8", "cxr14", "cxr19"), "datasets": ("nih", "mimic"), "heads": ("cdl", "dqc")}
    of_paper = [f"paper_fig{k}" for k in range(4, 14)]
    named = [name for name in figures.names(**given) if name.startswith("paper")]
    assert named == of_paper
    for changed, left in (
        ({"heads": ("cdl", "mlp")}, []),
        ({"heads": ("mlp", "dqc", "cdl")}, of_paper),
        ({"tasks": ("cxr8", "heart")}, ["paper_fig4", "paper_fig5", "paper_fig6", "paper_fig7", "paper_fig12"]),
        ({"datasets": ("clinic",)}, ["paper_fig4"]),
        ({"tasks": ("heart",)}, []),
        ({"datasets": ("mimic",), "tasks": ("cxr14",)}, ["paper_fig4", "paper_fig5", "paper_fig9", "paper_fig13"]),
    ):
        assert [name for name in figures.names(**given | changed) if name.startswith("paper")] == left
    out = {"out_pdf": tmp_path / "f.pdf", "out_png": tmp_path / "f.png"}
    with pytest.raises(InputError, match="paper_fig8: its inputs know nothing of it; they must hold task: cxr14"):
        figures.draw("paper_fig8", study.inputs, **out)
