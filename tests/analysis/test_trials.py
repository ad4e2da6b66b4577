"""A search's curve against all subsets of the trials, its table and its section."""

import itertools

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import figures, report, tables, trials
from qcxr.analysis.facts import Study
from qcxr.analysis.figures import search as drawing
from qcxr.analysis.figures import style
from qcxr.analysis.results import read_results
from qcxr.study.files import write_csv

from .test_report import Page


def searched(*, heads=("cdl", "deep"), n=6, lower=False):
    rng = np.random.default_rng(0)
    rows = []
    for head in heads:
        values = (0.7 + 0.1 * rng.random(n)).round(4)
        best = values.argmin() if lower else values.argmax()
        for k in range(n):
            row = {"task": "cxr8", "head": head, "trial": k, "seed": 7, "metric": "loss" if lower else "auroc"}
            row |= {"value": values[k], "chosen": k == best, "train.learning_rate": 10 ** -(1 + k / 2)}
            row |= {"head.layers": 1 + k % 3 if head == "deep" else np.nan}
            rows.append(row | {"head.init": ("uniform", "small")[k % 2] if head == "deep" else ""})
    frame = pd.DataFrame(rows)
    return frame.assign(lower_is_better=True) if lower else frame


@pytest.mark.parametrize("values", [[0.3, 0.9, 0.5, 0.7, 0.6], [1.0, 1.0, 2.0, 2.0], [0.4]])
def test_the_best_of_k_is_that_of_all_subsets(values):
    found = trials.best_of(np.array(values))
    for k in range(1, len(values) + 1):
        best = np.sort([max(subset) for subset in itertools.combinations(values, k)])
        assert found[k - 1, 0] == pytest.approx(best.mean(), abs=1e-12)
        for column, quantile in ((1, 0.1), (2, 0.9)):  # the smallest value that so many subsets do not exceed
            judge = next(v for v in best if (best <= v).mean() >= quantile - 1e-9)
            assert found[k - 1, column] == judge
    assert found[-1].tolist() == [max(values)] * 3


def test_a_failed_trial_costs_budget():
    whole = trials.best_of(np.array([0.5, 0.7, 0.6]))
    failed = trials.best_of(np.array([0.5, 0.7, 0.6, np.nan]))
    np.testing.assert_array_equal(failed, trials.best_of(np.array([0.5, 0.7, 0.6, 0.5])))
    assert failed[0, 0] < whole[0, 0] and failed[-1, 0] == 0.7


def test_the_best_loss_is_the_lowest():
    frame = searched(lower=True)
    curve = trials.budget(frame, ["deep", "cdl"])
    assert list(curve["head"].unique()) == ["deep", "cdl"]
    for head, part in curve.groupby("head"):
        values = frame.loc[frame["head"] == head, "value"]
        assert part["mean"].iloc[0] == pytest.approx(values.mean()) and part["mean"].iloc[-1] == values.min()
        assert part["mean"].is_monotonic_decreasing and (part["low"] <= part["high"]).all()


def test_the_figure_shows_the_curve_and_the_chosen_trial():
    frame = searched()
    with style.applied():
        figure = drawing.search(search=frame, heads=["cdl", "deep"])
    (axes,) = figure.axes
    for k, head in enumerate(("cdl", "deep")):
        values = frame.loc[frame["head"] == head, "value"].to_numpy()
        pairs = [max(pair) for pair in itertools.combinations(values, 2)]
        line, mark = axes.lines[2 * k : 2 * k + 2]
        assert line.get_ydata()[1] == pytest.approx(np.mean(pairs)) and list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
        assert mark.get_ydata().tolist() == [values.max()] and mark.get_xdata() == [6]


def test_table_and_section_say_what_was_chosen_and_how(study, tmp_path):
    frame = searched(heads=("cdl", "dqc", "deep"))
    frame.loc[3, "value"] = np.nan
    write_csv(frame, tmp_path / "search.csv")
    files = {"metrics": study.metrics, "tests": study.tests, "search": tmp_path / "search.csv"}
    results = read_results(files, outline={"heads": {"cdl": "", "dqc": "kind dqc", "deep": "kind dqc, layers 10"}})
    table = tables.build(results)["search"]
    assert list(table["Head"]) == ["CDL", "DQC", "deep"] and list(table["Failed"]) == [1, 0, 0]
    best = frame[frame["chosen"] & (frame["head"] == "deep")].iloc[0]
    assert table["Validation AUROC"].iloc[2] == best["value"] and table["Trial"].iloc[2] == str(best["trial"])
    assert table["train.learning_rate"].iloc[2] == f"{best['train.learning_rate']:g}"
    assert list(table["head.init"]) == ["—", "—", best["head.init"]]
    assert list(table["head.layers"])[:2] == ["—", "—"]
    png = tmp_path / "search.png"
    figures.draw("search", files, out_pdf=tmp_path / "search.pdf", out_png=png, heads=["cdl", "dqc", "deep"])
    report.write_report(tmp_path / "r.html", results, Study(), figures=[png])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    section = text.split('<section id="search">')[1].split("</section>")[0]
    assert "Every head had 6 trials on each task; the one with the highest AUROC on the validation split" in section
    assert "Labels of the test sets took no part" in section and "final seeds only" in section
    assert "head.layers of 1, 2, 3" in section and "1 trial ended without a score" in section
    assert section.count("<img") == 1 and len(Page(text).all("img")) == 1
    space = {"search": {"trials": 6, "space": {"train.learning_rate": {"log": [1e-4, 0.1], "choice": None}}}}
    report.write_report(tmp_path / "c.html", results, Study(config=space))
    text = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "train.learning_rate (log 0.0001 to 0.1)" in text
