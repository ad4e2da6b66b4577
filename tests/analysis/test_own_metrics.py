"""Metrics and figures of the user's own, through scores, tests and drawing."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import figures, preflight
from qcxr.analysis.estimates import estimates
from qcxr.analysis.gallery import gallery
from qcxr.analysis.metrics import score
from qcxr.analysis.ownmetrics import own_metrics
from qcxr.analysis.results import Results
from qcxr.analysis.statistics import compare
from qcxr.analysis.tables import build
from qcxr.errors import InputError
from qcxr.study import plugged
from tests.analysis.synthetic import facts, predict, truth
from tests.study.studies import study

LABELS = ("Effusion", "Mass", "Infiltration")

FILE = """
from qcxr.plugins import figure, metric

@metric("youden")
def youden(truth, probability, *, threshold):
    called = probability >= threshold
    return called[truth == 1].mean() - called[truth == 0].mean()

@metric("odds")
def odds(truth, probability):
    mean = probability[truth == 1].mean()
    return 10 * mean / (1 - mean) if len(truth) > 1 else float("nan")

@figure("dots", needs=["metrics"], by=["task", "dataset"], caption="Dots.")
def dots(metrics, task, dataset):
    from matplotlib.figure import Figure
    drawn = Figure()
    drawn.subplots().plot(metrics[metrics["metric"] == "odds"]["value"])
    return drawn
"""


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    plugged.use(["mine.py"])
    yield tmp_path / "mine.py"
    plugged.use([])


def scored(own, heads=("cdl", "dqc"), seeds=2):
    films, checked = truth(LABELS, films=200, empty=("Mass",), floor=0.2), truth(LABELS, films=100, seed=1, floor=0.2)
    rows = []
    for head in heads:
        for seed in range(seeds):
            made = score(
                predict(films, head=head, seed=seed), validation=predict(checked, head=head, seed=seed), own=own
            )
            rows.append(made.assign(task="cxr8", head=head, seed=seed, dataset="nih"))
    return pd.concat(rows, ignore_index=True)


def test_own_metrics_are_scored_compared_and_shown_beside_ours(tmp_path):
    metrics = scored(own_metrics(["youden", "odds"]))
    wide = metrics.pivot(index=["head", "seed", "label"], columns="metric", values="value")
    # Youden's index is 2 x balanced accuracy - 1, which ours are measured by at the same threshold
    np.testing.assert_allclose(wide["youden"], 2 * wide["balanced_accuracy"] - 1, atol=1e-12)
    lost = metrics[(metrics["label"] == "Mass") & (metrics["metric"] == "odds")]
    assert set(lost["reason"]) == {"no positives"} and lost["value"].isna().all()
    means = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "odds")]
    assert set(means["n_labels"]) == {2} and means["reason"].str.startswith("over 2 of 3 labels; undefined: Mass").all()
    ours = metrics[~metrics["metric"].isin(["youden", "odds"])]
    one = ours[(ours["head"] == "cdl") & (ours["seed"] == 0)]
    pd.testing.assert_frame_equal(scored({}, ("cdl",), 1), one.reset_index(drop=True))

    tests = compare(metrics, own=["youden", "odds"])
    of_own = tests[tests["metric"].isin(["youden", "odds"])]
    assert len(of_own) == 2 * 4 and set(of_own["basis"]) <= {"seeds", ""} and of_own["p_patients"].isna().all()
    pd.testing.assert_frame_equal(tests.drop(of_own.index).reset_index(drop=True), compare(ours), check_dtype=False)
    found = estimates(metrics, own=["odds"])
    odds = found[(found["metric"] == "odds") & (found["label"] == "mean")]
    np.testing.assert_allclose(odds["mean"], means.groupby("head")["value"].mean())
    assert (odds["seeds_low"] > 1).all()  # no probability, so not cut at 1
    table = build(Results(metrics=metrics, tests=tests))["own"]
    assert list(table["Metric"]) == ["Youden", "Odds"]

    metrics.to_csv("metrics.csv", index=False)
    assert figures.names(tasks=["cxr8"], datasets=["nih"], heads=["cdl"], own=["dots"])[-1] == "dots-cxr8-nih"
    figures.draw("dots-cxr8-nih", {"metrics": "metrics.csv"}, out_pdf="dots.pdf", out_png="dots.png")
    assert (tmp_path / "dots.png").read_bytes().startswith(b"\x89PNG")
    assert "qcxr.analysis.figures.own" in figures.modules("dots-cxr8-nih") and figures.decides("dots-cxr8-nih")
    assert not figures.decides("losses")


def test_a_figures_name_may_begin_like_the_circuits(mine, tmp_path):
    mine.write_text(FILE.replace('"dots"', '"circuits"').replace("Dots.", "Rings."))
    plugged.use(["mine.py"])
    scored({}, ("cdl",), 1).to_csv("metrics.csv", index=False)
    figures.draw("circuits-cxr8-nih", {"metrics": "metrics.csv"}, out_pdf="c.pdf", out_png="circuits-cxr8-nih.png")
    (group,) = gallery(["circuits-cxr8-nih.png"], facts())
    assert (group["name"], group["title"], group["caption"]) == ("circuits", "Circuits", "Rings.")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mean / (1 - mean)", "mean / none", "12: metric odds must run, got NameError: name 'none' is not defined"),
        ('@figure("dots"', '1 / 0\n@figure("dots"', "14: metric odds must run, got ZeroDivisionError: "),
        ('"value"])', '"value"]', "18: must be Python, got "),
    ],
)
def test_what_cannot_work_is_one_line_before_the_first_job(mine, monkeypatch, old, new, said):
    asked = study(plugins=["mine.py"], analysis__metrics=["odds"], analysis__figures=["dots"])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))
    preflight.main()
    assert old in FILE
    mine.write_text(FILE.replace(old, new))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))
    with pytest.raises(SystemExit) as caught:
        preflight.main()
    assert str(caught.value).startswith(f"error: mine.py:{said}") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return drawn", "return 1", "14: figure dots must give matplotlib's Figure, got int; return it"),
        ('["value"])', '["values"])', "18: figure dots must run, got KeyError: 'values'; correct it"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_one_line(mine, old, new, said):
    mine.write_text(FILE.replace(old, new))
    plugged.use(["mine.py"])
    scored({}, ("cdl",), 1).to_csv("metrics.csv", index=False)
    with pytest.raises(InputError) as caught:
        figures.draw("dots-cxr8-nih", {"metrics": "metrics.csv"}, out_pdf="dots.pdf", out_png="dots.png")
    assert str(caught.value) == f"mine.py:{said}"
