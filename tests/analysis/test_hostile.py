"""Labels, heads, figures and settings that look like scripts are text in the report, in a browser too."""

import dataclasses
import io

import pandas as pd
import pytest
from matplotlib.figure import Figure

from qcxr.analysis import figures, report
from qcxr.analysis.facts import Study
from qcxr.analysis.figures import style
from tests.hostile import CHROMIUM, NAMES, RUN, told

LABELS = ("Atelectasis", "Cardiomegaly", "Effusion", "Nodule")
OTHERS = {"cdl": NAMES[1], "cxr8": NAMES[0], "mimic": NAMES[2]}  # of a head, a task, a data set


@pytest.fixture(scope="module")
def page(study, tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    given = study.results("runs", "counts", "parameters", "estimates", "patients")
    renamed = dict(zip(LABELS, NAMES, strict=False)) | OTHERS
    frames = {
        field.name: value.replace(renamed)
        for field in dataclasses.fields(given)
        if isinstance(value := getattr(given, field.name), pd.DataFrame)
    }
    runs = [
        {**run, **{key: renamed.get(run[key], run[key]) for key in ("task", "head")}, "device": NAMES[4]}
        for run in given.runs
    ]
    results = dataclasses.replace(given, runs=runs, **frames)
    figures.draw("losses", study.inputs, out_pdf=root / "f.pdf", out_png=root / f"{NAMES[1]}.png")
    config = {"tasks": [NAMES[0]], NAMES[2]: NAMES[4]}
    facts = Study(config=config, title=NAMES[4], read={NAMES[0]: NAMES[1]})
    report.write_report(root / "report.html", results, facts, figures=[root / f"{NAMES[1]}.png"])
    return root / "report.html"


def test_no_name_is_written_as_it_is(page):
    text = page.read_text(encoding="utf-8")
    assert f"<script>{RUN}" not in text and "<img src=x" not in text and "<svg onload" not in text
    assert f"&lt;script&gt;{RUN}" in text and "1337" not in text


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_no_name_runs_in_a_browser(page, tmp_path):
    seen = told(page, tmp_path / "browser")
    assert seen["ran"] == "no" and seen["listens"] == 0
    assert all(name in seen["text"] for name in NAMES[:3])


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_browser_would_notice(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(f"<body><p>{NAMES[1]}</p></body>")
    assert told(page, tmp_path / "browser")["ran"] == "yes"


def test_names_that_are_no_formulas_are_drawn_as_they_are(tmp_path):
    with style.applied():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2], [0.1, 10], label=r"$\frac$")
        axes.set(title="a\n$\\x$", xlabel=r"$\Delta$ of one's own", ylabel="$-\\log_{10}$ p", yscale="log")
        axes.set_xticks([1, 2], labels=["$5", r"$\y$"])
        axes.legend()
        with pytest.raises(ValueError, match="Unknown symbol"):
            figure.savefig(io.BytesIO())
        style.save(figure, out_pdf=tmp_path / "f.pdf", out_png=tmp_path / "f.png")
    names = [axes.title, axes.get_xticklabels()[1], *axes.get_legend().get_texts()]
    formulas = [axes.xaxis.label, axes.yaxis.label, *axes.get_yticklabels()]
    assert {name.get_parse_math() for name in names} == {False}
    assert {formula.get_parse_math() for formula in formulas} == {True}
