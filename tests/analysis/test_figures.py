"""Every figure is drawn from files, with text as text, sizes for a page, and the same bytes each time."""

import logging
import re
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image
from sklearn.metrics import average_precision_score

from qcxr.analysis import figures, inputs, ranking
from qcxr.analysis.facts import said
from qcxr.analysis.figures import curves, losses, style
from qcxr.analysis.predictions import Predictions, RunKey
from qcxr.errors import InputError

from .synthetic import facts

NAMES = figures.names(tasks=("cxr8", "cxr19"), datasets=("nih", "mimic"), heads=("cdl", "dqc"))
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


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_saved_with_text_as_text(study, tmp_path, name):
    paths = {"out_pdf": tmp_path / f"{name}.pdf", "out_png": tmp_path / f"{name}.png"}
    figures.draw(name, study.inputs, **paths)
    with Image.open(paths["out_png"]) as image:
        width, height = (pixels / 220 for pixels in image.size)
    assert 2 < width <= style.PAGE + 0.01 and 1.5 < height < 9.5
    pdf = paths["out_pdf"].read_bytes()
    assert pdf[:5] == b"%PDF-" and b"CreationDate" not in pdf
    streams = [
        zlib.decompress(s) for s in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL) if s[:1] == b"x"
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


def test_labels_are_sorted_by_occurrence_and_marked(study):
    figure = drawn(study, "labels-cxr8-nih")
    names = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    counts = [int(re.search(r"\((\d+)\)", name)[1]) for name in names]
    assert counts == sorted(counts, reverse=True) and len(counts) == 8
    tests = inputs.load("tests", study.tests)
    chosen = tests.query("task == 'cxr8' and dataset == 'nih' and metric == 'auroc'").set_index("label")
    said = [t.get_text() for t in figure.axes[0].texts]
    assert said == [chosen.loc[name.split(" (")[0], "mark"] for name in names]


def test_the_borders_of_the_tail_are_the_studys(study):
    loaded = {kind: inputs.load(kind, study.inputs[kind]) for kind in figures.spec("longtail-cxr19").needs}
    train = loaded["counts"].query("split == 'train'").set_index("label")["n_positive"]
    labels = loaded["metrics"].query("task == 'cxr19'")["label"].unique()
    counts = sorted(train[label] for label in labels if label in train)
    low, high = int(counts[2]) + 1, int(counts[-3])
    with style.applied():
        entry = figures.spec("longtail-cxr19")
        figure = entry.draw(**loaded, heads=["cdl", "dqc"], task="cxr19", tail_under=low, head_over=high)
    dotted = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    assert dotted == [sum(n < low for n in counts) - 0.5, sum(n <= high for n in counts) - 0.5]


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


def test_volcano_shows_both_sides(study):
    figure = drawn(study, "volcano-cxr8")
    tests = inputs.load("tests", study.tests)
    better = tests.query("label == 'Nodule' and metric == 'auroc'")["percent_difference"]
    assert (better < 0).all()  # the synthetic study is made so
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert low < better.min() < 0 < high
        positions = {t.xy[0] for t in axes.texts if hasattr(t, "xy")}
        assert any(x < 0 for x in positions) and any(x > 0 for x in positions)


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


def test_heads_stay_apart_in_grey_and_beyond_colour():
    styles = style.head_styles(["cdl", "dqc", "matrix", "other"])
    grey = [sum(c * w for c, w in zip(to_rgb(styles[h].colour), (0.299, 0.587, 0.114), strict=True)) for h in styles]
    first, second = grey[:2]
    assert abs(first - second) > 0.3
    assert len({(s.marker, s.hatch) for s in styles.values()}) == 4


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
