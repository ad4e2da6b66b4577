"""Every figure is drawn from files, with text as text, sizes for a page, and the same bytes each time."""

import logging
import re
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from PIL import Image
from sklearn.metrics import average_precision_score

from qcxr.analysis import figures, inputs, ranking
from qcxr.analysis.facts import said
from qcxr.analysis.figures import curves, losses, style, volcano
from qcxr.analysis.figures.named import name_points
from qcxr.analysis.predictions import Predictions, RunKey
from qcxr.errors import InputError

from .synthetic import LABELS, TRAIN, facts

NAMES = figures.names(tasks=("cxr8", "cxr19"), datasets=("nih", "mimic"), heads=("cdl", "dqc"))
KINDS = list({name.partition("-")[0]: name for name in reversed(NAMES)}.values())  # the first of each kind
CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"


def texts(figure):
    """All visible text of a figure."""
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


def unseen(figure):
    """Labels of ticks that lie beyond their axis."""
    return {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }


def drawn(study, name):
    entry = figures.spec(name)
    keys = dict(zip(entry.by, name.split("-")[1:], strict=True))
    loaded = {kind: inputs.load(kind, study.inputs[kind]) for kind in entry.needs}
    with style.applied():
        figure = entry.draw(**loaded, **keys, heads=["cdl", "dqc"])
        figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("name", KINDS)
def test_every_figure_is_saved_with_text_as_text(study, tmp_path, name):
    paths = {"out_pdf": tmp_path / f"{name}.pdf", "out_png": tmp_path / f"{name}.png"}
    figures.draw(name, study.inputs, **paths)
    with Image.open(paths["out_png"]) as image:
        width, height = (pixels / 220 for pixels in image.size)
    assert 2 < width <= style.PAGE + 0.01 and 1.5 < height < 9.5
    pdf = paths["out_pdf"].read_bytes()
    assert pdf[:5] == b"%PDF-" and b"CreationDate" not in pdf
    streams = [
        zlib.decompressobj().decompress(s)
        for s in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
        if s[:1] == b"x"
    ]
    assert any(re.search(rb"\bTj\b|\bTJ\b", stream) for stream in streams)
    again = {"out_pdf": tmp_path / "again.pdf", "out_png": tmp_path / "again.png"}
    figures.draw(name, study.inputs, **again)
    assert paths["out_png"].read_bytes() == again["out_png"].read_bytes() and pdf == again["out_pdf"].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [f"{name}.pdf", f"{name}.png", "again.pdf", "again.png"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_text_is_smaller_than_five_points_or_outside_the_page(study, name):
    from matplotlib.text import Text

    figure = drawn(study, name)
    box = figure.bbox
    for text in set(figure.findobj(Text)) - unseen(figure):
        if text.get_text() and text.get_visible():
            extent = text.get_window_extent()
            assert text.get_fontsize() >= 5
            assert box.x0 - 1 <= extent.x0 and extent.x1 <= box.x1 + 1, text.get_text()
            assert box.y0 - 1 <= extent.y0 and extent.y1 <= box.y1 + 1, text.get_text()


def test_undefined_labels_are_named_in_the_figures(study):
    assert "undefined: no positives" in texts(drawn(study, "labels-cxr19-nih"))
    assert any(t.startswith("p undefined: ") for t in texts(drawn(study, "volcano-cxr19")))


def names_of(axes):
    """Rows of a panel, also of one that leaves their names to the panel on its left."""
    named = axes.yaxis.get_major_formatter()
    return [named(place, k).split(" (")[0] for k, place in enumerate(axes.get_yticks())]


@pytest.mark.parametrize("task", ["cxr8", "cxr19"])
def test_a_tasks_test_sets_line_up_by_training_occurrence(study, task):
    one, other = (drawn(study, f"labels-{task}-{dataset}").axes[0] for dataset in ("nih", "mimic"))
    assert names_of(one) == names_of(other) == sorted(LABELS[task], key=lambda label: -TRAIN[label])
    assert one.get_xlim() == other.get_xlim()
    for axes in drawn(study, f"difference-{task}").axes:
        assert names_of(axes)[: len(LABELS[task])] == names_of(one)


def test_labels_carry_their_films_and_marks(study):
    axes = drawn(study, "labels-cxr8-nih").axes[0]
    metrics = inputs.load("metrics", study.metrics).query("task == 'cxr8' and dataset == 'nih'")
    films = metrics.groupby("label")["n_positive"].max()
    tests = inputs.load("tests", study.tests)
    chosen = tests.query("task == 'cxr8' and dataset == 'nih' and metric == 'auroc'").set_index("label")
    for tick, text in zip(axes.get_yticklabels(), axes.texts, strict=True):
        label = tick.get_text().split(" (")[0]
        assert tick.get_text() == f"{label} ({films[label]:,})" and text.get_text() == chosen.loc[label, "mark"]


@pytest.mark.parametrize("quantiles", [None, [0.2, 0.7]])
def test_the_groups_of_the_tail_are_the_studys(study, quantiles):
    loaded = {kind: inputs.load(kind, study.inputs[kind]) for kind in figures.spec("longtail-cxr19").needs}
    train = loaded["counts"].query("split == 'train'").set_index("label")["n_positive"].loc[list(LABELS["cxr19"])]
    low, high = 50, 150
    if quantiles is None:
        parted = [train[train > high], train[(train >= low) & (train <= high)], train[train < low]]
    else:
        ends = np.quantile(train, quantiles)
        parted = [train[train > ends[1]], train[(train > ends[0]) & (train <= ends[1])], train[train <= ends[0]]]
    with style.applied():
        entry, more = figures.spec("longtail-cxr19"), {"tail_under": low, "head_over": high, "quantiles": quantiles}
        figure = entry.draw(**loaded, heads=["cdl", "dqc"], task="cxr19", **more)
    said = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
    assert [(int(t.split()[1]), t.splitlines()[2]) for t in said] == [
        (len(group), f"{group.min():,}–{group.max():,} films") for group in parted[:2]
    ]  # no mean of the third group is defined: its one label has no positives


def test_training_loss_is_drawn_from_the_steps(study):
    """40 steps in epochs of 10: tenths are single steps; in epochs of 20, pairs; of 8, fewer than ten points."""
    one = pd.DataFrame({"task": "t", "head": "h", "seed": 0, "step": range(1, 41), "loss": np.arange(40.0)})
    tens = losses.by_window(one.assign(epoch=(one["step"] - 1) // 10 + 1))
    np.testing.assert_allclose(tens["epoch"], np.arange(1, 41) / 10)
    np.testing.assert_array_equal(tens["train_loss"], np.arange(40.0))
    twenties = losses.by_window(one.assign(epoch=(one["step"] - 1) // 20 + 1))
    np.testing.assert_array_equal(twenties["train_loss"], np.arange(0.5, 40, 2))
    eights = losses.by_window(one.assign(epoch=(one["step"] - 1) // 8 + 1))
    np.testing.assert_array_equal(eights["train_loss"], np.arange(40.0))
    figure = drawn(study, "losses")
    steps = inputs.load("steps", study.folders)
    lines = [line for axes in figure.axes for line in axes.lines if line.get_xdata().min() < 1]
    assert len(lines) == steps.groupby(["task", "head", "seed"]).ngroups


@pytest.mark.parametrize("name", ["volcano-cxr8", "volcano-cxr19"])
def test_the_volcano_shows_both_sides_and_names_every_label(study, name):
    figure = drawn(study, name)
    tests = inputs.load("tests", study.tests).query("metric == 'auroc'")
    better = tests.query("label == 'Nodule'")["percent_difference"]
    assert (better < 0).all()  # the synthetic study is made so
    for axes, dataset in zip(figure.axes, ("nih", "mimic"), strict=True):
        low, high = axes.get_xlim()
        assert low < 0 < high and (low < better.min() or "cxr8" not in name)
        assert axes.get_ylim()[0] < 0  # a marker at adjusted p = 1 is whole
        written = [text for text in axes.texts if isinstance(text, Annotation)]
        task = name.partition("-")[2]
        here = tests[(tests["dataset"] == dataset) & (tests["task"] == task) & tests["p_adjusted"].notna()]
        brought = set(LABELS[task]) - (set() if task == "cxr8" else set(LABELS["cxr8"]))
        assert {text.get_text() for text in written} == brought & set(here["label"])
        assert_apart(axes, written)


def test_the_volcano_calls_adjusted_only_what_is(study):
    tests = inputs.load("tests", study.tests)
    for adjust, p in (("holm", "adjusted p"), ("none", "p")):
        with style.applied():
            figure = volcano.volcano(tests=tests, heads=["cdl", "dqc"], task="cxr8", alpha=0.01, adjust=adjust)
        assert figure.axes[0].get_ylabel().endswith(f" of the {p}")
        assert f"{p} = 0.01" in [text.get_text() for text in figure.legends[0].get_texts()]


def assert_apart(axes, written):
    """No two texts overlap, none leaves its panel, none lies over a marker's middle."""
    boxes = [text.get_window_extent() for text in written]
    assert not [1 for k, box in enumerate(boxes) for other in boxes[:k] if box.overlaps(other)]
    panel = axes.get_window_extent()
    markers = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    middles = axes.transData.transform(np.concatenate([line.get_xydata() for line in markers]))
    for box in boxes:
        assert panel.x0 - 1 <= box.x0 and box.x1 <= panel.x1 + 1 and panel.y0 - 1 <= box.y0 and box.y1 <= panel.y1 + 1
        assert not [1 for x, y in middles if box.contains(x, y)]


def test_names_keep_apart_in_a_crowd():
    rng = np.random.default_rng(0)
    with style.applied():
        figure = Figure(figsize=(3.5, 3.2))
        axes = figure.subplots()
        points = np.column_stack([rng.normal(0, 1, 25), rng.exponential(0.3, 25)])
        axes.plot(*points.T, "o")
        figure.draw_without_rendering()
        names = [f"label number {k}" for k in range(14)]
        written = name_points(axes, points[:14], names, others=points[14:], size=6)
        figure.draw_without_rendering()
    assert [text.get_text() for text in written] == names
    assert_apart(axes, written)


@pytest.mark.parametrize(("films", "prevalence"), [(502, 0.02), (502, 0.5), (5000, 0.3)])
def test_curves_enclose_the_areas_that_are_scored(films, prevalence):
    rng = np.random.default_rng(1)
    truth = np.append([1.0, 0.0], rng.random(films - 2) < prevalence)
    score = (0.2 * truth + rng.random(films)).round(2 if films < 1000 else 6)
    false_positive, true_positive = curves._roc(truth, score)
    assert np.trapezoid(true_positive, false_positive) == pytest.approx(ranking.auroc(truth, score), abs=1e-12)
    recall, precision = curves._precision_recall(truth, score)
    area = np.sum(np.diff(recall, prepend=0) * precision)
    assert area == pytest.approx(ranking.average_precision(truth, score), abs=1e-12)
    assert recall[-1] == 1 and len(recall) == len(np.unique(score))  # every threshold, and none beside them
    ids = np.arange(films).astype(str).astype(object)
    table = Predictions(ids, ids, ("L",), score[:, None], truth[:, None])
    with style.applied():
        given = {RunKey("t", "cdl", 0, "d"): table}
        figure = curves.precision_recall(predictions=given, heads=["cdl"], task="t", dataset="d")
    drawn = figure.axes[0].lines[0].get_path()  # what is painted, steps and all
    x, y = drawn.vertices.T
    assert np.trapezoid(y, x) == pytest.approx(average_precision_score(truth, score), abs=1e-12)
    assert len(x) <= 2 * curves.POINTS + 3


def test_a_pdf_leaves_no_message_of_its_fonts(study, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    figures.draw("difference-cxr8", study.inputs, out_pdf=tmp_path / "f.pdf", out_png=tmp_path / "f.png")
    assert [record.name for record in caplog.records] == []


@pytest.mark.parametrize("name", figures.FIGURES)
def test_caption_files_say_what_the_report_says(name):
    entry = figures.FIGURES[name]
    written = (CAPTIONS / entry.caption).read_text(encoding="utf-8")
    paper = facts(tasks=("cxr8", "cxr14", "cxr19"), trained=True, protocol=True)
    assert " ".join(written.replace("\\*", "*").split()) == said(entry.text, paper)


def test_modules_of_a_figure_exist():
    from qcxr.study.provenance import code_hash

    for name in NAMES:
        assert code_hash(*figures.modules(name))


def test_names_with_hyphens_are_found(study, tmp_path):
    frame = inputs.load("metrics", study.metrics).replace({"dataset": {"nih": "nih-sample"}})
    tests = inputs.load("tests", study.tests).replace({"dataset": {"nih": "nih-sample"}})
    frame.to_csv(tmp_path / "m.csv", index=False)
    tests.to_csv(tmp_path / "t.csv", index=False)
    given = {"metrics": tmp_path / "m.csv", "tests": tmp_path / "t.csv"}
    figures.draw("labels-cxr8-nih-sample", given, out_pdf=tmp_path / "f.pdf", out_png=tmp_path / "f.png")
    assert (tmp_path / "f.png").exists()


def test_bad_requests_are_refused(study, tmp_path):
    out = {"out_pdf": tmp_path / "f.pdf", "out_png": tmp_path / "f.png"}
    with pytest.raises(InputError, match=r"unknown figure pie; it must be one of .*labels-<task>-<dataset>"):
        figures.draw("pie", study.inputs, **out)
    with pytest.raises(InputError, match="figure losses needs history, steps; history, steps missing"):
        figures.draw("losses", {}, **out)
    with pytest.raises(InputError, match="its inputs know nothing of it; they allow volcano-cxr8, volcano-cxr19"):
        figures.draw("volcano-cxr14", study.inputs, **out)
    assert not list(tmp_path.iterdir())
