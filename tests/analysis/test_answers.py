"""What the further questions found, in tables and sentences; the rule's function from files to files; its figures."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation
from statsmodels.stats.multitest import multipletests

from qcxr.analysis import answers, captions, figures, tables
from qcxr.analysis.families import within
from qcxr.analysis.figures import decision, style
from qcxr.analysis.figures import trend as trend_figure
from qcxr.analysis.figures import variance as variance_figure
from qcxr.analysis.inference import METHODS, Inference
from qcxr.analysis.inputs import load
from qcxr.analysis.interaction import interaction
from qcxr.analysis.predictions import RunKey, check
from qcxr.analysis.questions import ANSWERS, questions
from qcxr.analysis.shown import Shown
from qcxr.analysis.statistics import compare
from qcxr.analysis.trend import trend
from qcxr.analysis.variance import variance
from qcxr.study.files import write_csv

from . import synthetic
from .test_interaction import outline, scored
from .test_many import NAMES
from .test_trend import study as trended
from .test_variance import scored as varied


@pytest.mark.parametrize("method", METHODS)
def test_p_are_adjusted_within_families(method):
    p = pd.Series([0.01, 0.04, np.nan, 0.03, 0.02])
    family = pd.Series(["a", "a", "a", "b", "a"])
    found = within(p, method, family, pd.Series([1] * 5))
    raw = [0.01, 0.04, 0.02]
    judge = raw if method == "none" else multipletests(raw, method=METHODS[method])[1]
    assert found[[0, 1, 4]].to_list() == pytest.approx(judge)
    assert found[3] == 0.03 and np.isnan(found[2])


def test_a_trend_is_said_with_its_side_and_only_where_it_was_found():
    steep = trend(trended(-0.05), heads=("cdl", "dqc"))
    (text,) = answers.said_of_trend(steep)
    assert text.startswith("CDL against DQC: the rarer a finding, the more the difference favours CDL (CXR-14, NIH")
    assert "14 labels" in text and text.endswith("shown in 2 of 2 comparisons.")
    (other,) = answers.said_of_trend(trend(trended(0.05), heads=("cdl", "dqc")))
    assert "favours DQC" in other and "favours CDL" not in other
    (none,) = answers.said_of_trend(trend(trended(0.0), heads=("cdl", "dqc")))
    assert "was not found to follow the rarity of a finding on any of 2 combinations of task and test set" in none
    assert answers.said_of_trend(trend(trended().drop(columns="train_positives"), heads=("cdl", "dqc"))) == []
    table = answers.trend(steep)
    assert table["rho"].str.match(r"-0\.\d\d \[-\d\.\d\d, -0\.\d\d\]").all() and (table["Labels"] == 14).all()


def test_variances_are_said_with_who_varies_more():
    found = variance(varied(seeds=20, sd={"dqc": 0.2}), heads=("cdl", "dqc"))
    texts = answers.said_of_variance(found)
    assert len(texts) == 2 and texts[0].startswith("CXR-8, NIH-CXR-LT: DQC varies more from seed to seed than CDL")
    (none,) = answers.said_of_variance(variance(varied(seeds=3), heads=("cdl", "dqc")))
    assert none.startswith("No two heads were found to vary differently") and "with 3 seeds only" in none
    assert answers.said_of_variance(variance(varied(seeds=1), heads=("cdl", "dqc"))) == []
    table = answers.variance(found)
    assert list(table.filter(like="sd, ")) == ["sd, training"]  # nothing is known of patients or a search
    assert table["Head"].to_list() == ["CDL"] * 2 + ["DQC"] * 2 + ["CDL − DQC"] * 2


def test_what_moves_heads_apart_is_said():
    grid = outline()
    found = interaction(scored(grid, lift=0.2), grid, heads=("cdl", "dqc", "mlp"))
    texts = answers.said_of_interaction(found)
    assert texts[0].startswith(
        "train.loss focal against bce, all labels, CXR-8, NIH-CXR-LT: the difference of CDL − DQC"
    )
    assert "in favour of DQC (adjusted p " in texts[0] and len(texts) < 8
    (none,) = answers.said_of_interaction(interaction(scored(grid), grid, heads=("cdl", "dqc", "mlp")))
    assert none == (
        "train.loss: no value was found to move two heads apart over trainings, on these patients (8 comparisons, "
        "adjusted p ≥ 0.05)."
    )
    assert "over trainings, on these patients, in favour of" in texts[0]
    assert texts[-1] == f"train.loss: {answers.OTHERS}" and "on these patients" in answers.CAPTIONS["interaction"]
    table = answers.interaction(found)
    assert set(table["Value"]) == {"focal against bce", "balanced against bce", "all values"}
    assert set(table["Heads"]) == {"CDL − DQC", "CDL − mlp", "all"}


MADE = {
    "trend": lambda **given: trend(trended(-0.05), heads=("cdl", "dqc"), **given),
    "variance": lambda **given: variance(varied(seeds=20, sd={"dqc": 0.2}), heads=("cdl", "dqc"), **given),
    "interaction": lambda **given: interaction(
        scored(outline(), lift=0.2), outline(), heads=("cdl", "dqc", "mlp"), **given
    ),
}
READ = {
    "trend": lambda rows: rows["p"],
    "variance": lambda rows: rows["p_pitman_morgan"].where(
        rows["reading"] == "Pitman-Morgan", rows["p_brown_forsythe"]
    ),
    "interaction": lambda rows: rows["p"].where(rows["kind"] == "value"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("method", METHODS)
def test_the_configured_method_adjusts_and_is_said(name, method):
    found = MADE[name](adjust=method)
    families = [found["metric"]] + ([found["label"]] if name == "interaction" else [])
    for _, rows in found.groupby(families):
        rows = rows[rows["p_adjusted"].notna()]
        p = READ[name](rows).astype(float)
        judge = p if method == "none" else multipletests(p, method=METHODS[method])[1]
        np.testing.assert_allclose(rows["p_adjusted"].astype(float), judge, rtol=1e-12)
    (sentences, *_) = getattr(answers, f"said_of_{name}")(found, adjust=method)
    assert re.search(r"\bp (0\.|<)", sentences) and ("adjusted p " in sentences) == (method != "none")


def test_nothing_is_called_adjusted_that_is_not(study):
    nothing = {
        "trend": trend(trended(0.0), heads=("cdl", "dqc"), adjust="none"),
        "variance": variance(varied(seeds=3), heads=("cdl", "dqc"), adjust="none"),
        "interaction": interaction(scored(outline()), outline(), heads=("cdl", "dqc", "mlp"), adjust="none"),
    }
    for name, found in nothing.items():
        found = found.assign(p_adjusted=found["p_adjusted"].where(found["p_adjusted"].isna(), 0.5))
        (text,) = getattr(answers, f"said_of_{name}")(found, adjust="none")
        assert "adjusted p" not in text and ", not adjusted for the number of comparisons)" in text
    results = study.results(*ANSWERS)
    said = {
        method: captions.captions(dataclasses.replace(results, shown=Shown(Inference(adjust=method))))
        for method in ("none", "by")
    }
    for name in (*ANSWERS, "subgroups", "gap_differences"):
        assert "p adjusted: by Benjamini-Yekutieli over" in said["by"][name]
        assert "as configured not adjusted" in said["none"][name] and "over the gaps" not in said["none"][name]
        assert "Holm" not in said["by"][name] + captions.captions(results)[name]


def test_of_one_head_no_comparison_is_spoken_of(study):
    results = study.results(*ANSWERS)
    alone = dataclasses.replace(results, tests=results.tests.head(0))
    assert "ratio of two heads" in captions.captions(results)["variance"]
    said = captions.captions(alone)["variance"]
    assert said.startswith("How much heads vary") and not any(word in said for word in ("two heads", "paired", "p "))


def test_files_go_in_and_come_out_and_are_read_back(study, tmp_path):
    out = {name: tmp_path / f"{name}.csv" for name in ANSWERS}
    written = questions({"metrics": study.metrics, "patients": [], "search": []}, out, heads=("cdl", "dqc"))
    for name, frame in written.items():
        back = load(name, out[name])
        assert list(back) == list(frame) and len(back) == len(frame)
    assert len(written["trend"]) == 2 * 2 * 2 and len(written["variance"]) == 2 * 2 * 2 * 3
    other = {"trend": tmp_path / "none.csv"}
    raw = questions({"metrics": study.metrics}, other, heads=("cdl", "dqc"), adjust="none")["trend"]
    pd.testing.assert_series_equal(raw["p_adjusted"].astype(float), raw["p"].astype(float), check_names=False)
    again = {name: tmp_path / f"again-{name}.csv" for name in ANSWERS}
    questions({"metrics": study.metrics}, again, heads=("cdl", "dqc"))
    assert all(out[name].read_bytes() == again[name].read_bytes() for name in ANSWERS)
    made = tables.build(study.results(*ANSWERS))
    assert {"trend", "variance"} <= set(made) and "interaction" not in made
    grid = outline()
    write_csv(scored(grid), tmp_path / "metrics.csv")
    found = interaction(scored(grid), grid, heads=("cdl", "dqc", "mlp"))
    write_csv(found, out["interaction"])
    assert load("interaction", out["interaction"])["at"].to_list() == found["at"].to_list()


def test_names_hide_neither_points_nor_each_other():
    metrics = trended(-0.02, noise=0.01)
    with style.applied():
        found, tests = trend(metrics, heads=("cdl", "dqc")), compare(metrics)
        figure = trend_figure.trend(trend=found, tests=tests, metrics=metrics, heads=["cdl", "dqc"], task="cxr14")
        figure.draw_without_rendering()
    for axes in figure.axes:
        names = [text for text in axes.texts if isinstance(text, Annotation)]
        assert sorted(text.get_text() for text in names) == sorted(synthetic.LABELS["cxr14"])
        boxes = [super(Annotation, text).get_window_extent().padded(-1) for text in names]
        for k, box in enumerate(boxes):
            assert box.count_overlaps(boxes) == 1, names[k].get_text()  # itself
            assert not any(box.contains(*axes.transData.transform(text.xy)) for text in names)
        (low, high), line = axes.get_xlim(), next(line for line in axes.lines if line.get_linestyle() == "--")
        assert low < min(line.get_xdata()) < max(line.get_xdata()) < high


@pytest.mark.parametrize("count", [3, 9, pytest.param(30, marks=pytest.mark.slow)])
def test_figures_of_many_heads_name_every_head(count):
    heads = NAMES[:count]
    metrics = trended(heads=tuple(heads), seeds=3, labels=synthetic.LABELS["cxr8"])
    tests, found = compare(metrics, heads=heads), trend(metrics, heads=heads)
    spread = variance(metrics.assign(label=metrics["label"].replace("Mass", "mean")), heads=heads)
    with style.applied():
        drawn = [
            trend_figure.trend(trend=found, tests=tests, metrics=metrics, heads=heads, task="cxr14"),
            variance_figure.variance(variance=spread, heads=heads, task="cxr14"),
        ]
        for k, figure in enumerate(drawn):
            figure.draw_without_rendering()
            words = " ".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))
            assert all(head.replace("_", " ")[:7] in words for head in heads[k == 0 :])
            assert figure.get_figheight() < 17


def test_decision_curves_are_means_over_seeds():
    truth = synthetic.truth(synthetic.LABELS["cxr8"], films=300, empty=("Mass",), floor=0.1)
    heads = ["cdl", "dqc"]
    predictions = {
        RunKey("cxr8", head, seed, "nih"): check(synthetic.predict(truth, head=head, seed=seed))
        for head in heads for seed in (0, 1)
    }  # fmt: skip
    with style.applied():
        figure = decision.decision(predictions=predictions, heads=heads, task="cxr8", dataset="nih")
    axes = figure.axes[synthetic.LABELS["cxr8"].index("Effusion")]
    y = truth["y_Effusion"].to_numpy(float)
    prevalence, values = y.mean(), []
    for seed in (0, 1):
        called = synthetic.predict(truth, head="cdl", seed=seed)["p_Effusion"].to_numpy(float) >= 2 * prevalence
        odds = 2 * prevalence / (1 - 2 * prevalence)
        values.append(((called & (y == 1)).mean() - (called & (y == 0)).mean() * odds) / prevalence)
    line = next(line for line in axes.lines if line.get_color() == style.HEADS["cdl"].colour)
    assert np.interp(2, line.get_xdata(), line.get_ydata()) == pytest.approx(np.mean(values))
    assert figure.axes[4].texts[0].get_text() == "no positives"


def test_a_figure_by_head_is_drawn_of_decisions(study, tmp_path, monkeypatch):
    monkeypatch.setattr(decision, "FEW", 1)
    out = {"out_pdf": tmp_path / "f.pdf", "out_png": tmp_path / "f.png"}
    figures.draw("decision-cxr8-nih", study.inputs, **out)
    assert out["out_png"].stat().st_size > 10_000
