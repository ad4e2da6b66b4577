"""Two to thirty heads of any names: looks that stay apart, figures that can be read, sentences that hold."""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation, Text

from qcxr.analysis import figures, report, statistics, tables
from qcxr.analysis.answer import answer
from qcxr.analysis.evidence import evidence
from qcxr.analysis.facts import Study
from qcxr.analysis.figures import curves, difference, means, style, volcano
from qcxr.analysis.figures import labels as bars
from qcxr.analysis.limits import limits, title
from qcxr.analysis.results import Results

from .synthetic import LABELS, TRAIN, facts
from .test_contrast import marks, weak
from .test_figures import assert_apart, names_of, unseen

NAMES = ["linear", "deep", "slow-cdl", "dqc-with-a-rather-long-name-of-ten-layers"] + [f"head_{k}" for k in range(26)]


def scored(heads, *, seeds=4, labels=LABELS["cxr8"], tasks=("cxr8",)):
    """Metrics of every run: the k-th head is 0.01 k above the first, give or take."""
    rng = np.random.default_rng(0)
    rows = []
    for (k, head), seed, dataset, task in itertools.product(enumerate(heads), range(seeds), ("nih", "mimic"), tasks):
        values = 0.6 + 0.01 * k + 0.02 * rng.random(len(labels))
        for label, value in [*zip(labels, values, strict=True), ("mean", values.mean())]:
            row = {"task": task, "head": head, "seed": seed, "dataset": dataset, "label": label, "metric": "auroc"}
            counted = {"n": 100, "n_positive": 10, "n_patients": 50, "positive_patients": 8, "reason": ""}
            rows.append(
                row | {"value": value} | counted | {"train_positives": TRAIN.get(label), "n_labels": len(labels)}
            )
    return pd.DataFrame(rows)


def test_thirty_heads_look_different_in_bars_and_in_lines():
    for heads in (NAMES, ["cdl", "dqc", *NAMES[:28]]):
        looks = list(style.head_styles(heads).values())
        assert len({(look.colour, look.hatch) for look in looks}) == 30
        assert len({(look.colour, look.marker) for look in looks}) == 30
        assert len({(look.colour, look.dashes) for look in looks}) == 30
        assert looks[0].dashes == "-" and "-" not in [look.dashes for look in looks[1:]]
    kept = style.head_styles(["cdl", "dqc"])
    assert (kept["cdl"].colour, kept["dqc"].marker) == (style.HEADS["cdl"].colour, "s")


KINDS = {
    "means": (means.means, ("metrics", "tests"), {}),
    "difference": (difference.difference, ("metrics", "tests"), {"task": "cxr8"}),
    "volcano": (volcano.volcano, ("tests",), {"task": "cxr8"}),
    "labels": (bars.labels, ("metrics", "tests"), {"task": "cxr8", "dataset": "nih"}),
}


@pytest.mark.parametrize("count", [3, 9, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_figures_of_many_heads_hold_their_words_and_name_every_head(count, kind):
    heads = NAMES[:count]
    given = {"metrics": scored(heads, seeds=3)}
    given["tests"] = statistics.compare(given["metrics"], heads=heads, against=heads[:2])
    function, needs, more = KINDS[kind]
    with style.applied():
        figure = function(**{name: given[name] for name in needs}, heads=heads, **more)
        figure.draw_without_rendering()
    shown = [text for text in set(figure.findobj(Text)) - unseen(figure) if text.get_text() and text.get_visible()]
    words = " ".join(text.get_text() for text in shown)
    for head in heads[kind in ("volcano", "difference") :]:
        assert head.replace("_", " ")[:7] in words, head
    for text in shown:
        extent = text.get_window_extent()
        assert text.get_fontsize() >= 5
        assert figure.bbox.x0 - 1 <= extent.x0 and extent.x1 <= figure.bbox.x1 + 1, text.get_text()
        assert figure.bbox.y0 - 1 <= extent.y0 and extent.y1 <= figure.bbox.y1 + 1, text.get_text()
    assert not [said for artist in marks(figure) for said in weak(artist)]
    for axes in figure.axes if kind == "volcano" else ():
        if axes.get_visible():
            assert_apart(axes, [text for text in axes.texts if isinstance(text, Annotation)])


@pytest.mark.parametrize("count", [2, 4, 9])
def test_the_forest_plot_shows_the_tests(count):
    """Every interval and mark at its label's row, in every panel, whatever is known of seeds and patients."""
    heads = NAMES[:count]
    metrics = scored(heads)
    tests = statistics.compare(metrics, heads=heads).reset_index(drop=True)
    kinds = np.resize(["seeds and patients", "seeds", "patients", ""], len(tests))
    half = {"patients": 0.004 + 0.0001 * np.arange(len(tests)), "total": 0.013 + 0.0001 * np.arange(len(tests))}
    for kind, reach in half.items():
        tests = tests.assign(
            **{f"{kind}_low": tests["difference"] - reach, f"{kind}_high": tests["difference"] + reach}
        )
    tests = tests.assign(basis=kinds)
    with style.applied():
        figure = difference.difference(tests=tests, metrics=metrics, heads=heads, task="cxr8", margin=0.02)
    order = sorted(LABELS["cxr8"], key=lambda label: -TRAIN[label])
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 2 * (count - 1)
    for axes, (dataset, other) in zip(panels, itertools.product(("nih", "mimic"), heads[1:]), strict=True):
        rows = tests[(tests["dataset"] == dataset) & (tests["head_b"] == other) & (tests["metric"] == "auroc")]
        rows = rows.set_index("label")
        at = dict(zip([*order, "mean"], axes.get_yticks(), strict=True))
        assert names_of(axes) == [*order, "Mean of all labels"]
        said = {text.get_position()[1]: text.get_text() for text in axes.texts}
        low, high = axes.get_xlim()
        for label, y in at.items():
            row = rows.loc[label]
            prefix = {"seeds and patients": "total", "seeds": "ci", "patients": "patients"}.get(row["basis"])
            here = [line.get_xdata() for line in axes.lines if list(line.get_ydata()) in ([y], [y, y])]
            lines = [sorted(x) for x in here if len(x) == 2 and list(x) != [0, 1]]
            expected = [] if prefix is None else [[max(row[f"{prefix}_low"], low), min(row[f"{prefix}_high"], high)]]
            np.testing.assert_allclose(lines, expected)
            assert any(len(x) == 1 and x[0] == pytest.approx(row["difference"]) for x in here)
            assert said[y] == row["mark"]


def test_a_table_of_labels_and_heads_holds_their_means():
    heads = NAMES[:9]
    metrics = scored(heads)
    tests = statistics.compare(metrics, heads=heads)
    with style.applied():
        figure = bars.labels(metrics=metrics, tests=tests, heads=heads, task="cxr8", dataset="mimic")
    cells = [text.get_text() for text in figure.axes[0].texts]
    names = [tick.get_text().split(" (")[0] for tick in figure.axes[0].get_yticklabels()]
    part = metrics.query("dataset == 'mimic'").groupby(["label", "head"])["value"].mean()
    marks = tests.query("dataset == 'mimic'").set_index(["label", "head_b"])["mark"]
    for cell, (label, head) in zip(cells, itertools.product(names, heads), strict=True):
        number, _, mark = cell.partition("\n")
        assert number == f"{part[label, head]:.2f}".lstrip("0")
        assert mark == marks.get((label, head), "").replace("ns", "")


def test_the_mean_of_curves_promises_no_more_than_thresholds_give():
    one = (np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.4, 0.8, 1.0]))
    two = (np.array([0.0, 0.25, 1.0]), np.array([0.0, 0.6, 1.0]))
    mean = np.mean([curves.stepped(run, from_left=True) for run in (one, two)], axis=0)
    at = {0.1: (0.4 + 0.0) / 2, 0.3: (0.4 + 0.6) / 2, 0.7: (0.8 + 0.6) / 2, 1.0: 1.0}
    for place, expected in at.items():
        assert mean[np.searchsorted(curves.GRID, place)] == pytest.approx(expected)
    precision = curves.stepped((np.array([0.5, 1.0]), np.array([0.9, 0.3])), from_left=False)
    assert [precision[np.searchsorted(curves.GRID, place)] for place in (0.2, 0.6)] == [0.9, 0.3]


@pytest.mark.parametrize("count", [9, pytest.param(30, marks=pytest.mark.slow)])
def test_a_report_of_many_heads_says_what_holds_of_all(count, tmp_path):
    heads = NAMES[:count]
    metrics = scored(heads)
    tests = statistics.compare(metrics, heads=heads)
    results = Results(metrics, tests)
    found = answer(results, results.facts(Study()))
    assert f"highest mean AUROC of {count} heads on both test sets" in found.verdict
    sure = evidence(tests).query("label == 'mean' and metric == 'auroc' and significant")
    assert (
        f"{len(sure)} of {2 * (count - 1)} differences from linear are significant" in found.numbers and len(sure) > 0
    )
    report.write_report(tmp_path / "r.html", results)
    assert f"{count} heads for chest X-ray classification" in (tmp_path / "r.html").read_text(encoding="utf-8")
    parameters = pd.DataFrame(
        {"task": "cxr8", "head": heads, "backbone": 5, "preprocess": 1, "quantum": 2, "postprocess": 3, "total": 11}
    )
    table = tables.parameters(parameters, heads)
    assert len(table) == count and table["Head"].iloc[1] == "deep"


def test_sentences_go_by_the_kind_of_a_head_not_by_its_name():
    named = facts(
        heads=("plain", "deep", "noisy"), trained=True, kinds={"plain": "cdl", "deep": "dqc", "noisy": "dqc"},
        circuits={"deep": {"layers": 10}, "noisy": {"noise": {"readout_0": 0.1}}},
    )  # fmt: skip
    text = " ".join(limits(named))
    assert "The circuits are simulated, not run (some with the noise that their settings name)" in text
    assert title(named).startswith("Quantum against classical") and not named.like_paper
    product = facts(heads=("a", "b"), trained=True, kinds={"a": "cdl", "b": "product"}, circuits={"b": {}})
    assert "The circuit never entangles" in " ".join(limits(product))
    lying = facts(heads=("dqc",), trained=True, kinds={"dqc": "mlp"}, circuits={}, compared=False, tested=False)
    assert "circuit" not in " ".join(limits(lying)).lower()
    assert facts(protocol=True).like_paper and not facts().like_paper


@pytest.mark.parametrize(
    "name", ["losses", "longtail-cxr8", "roc-cxr8-nih", "precision_recall-cxr8-nih", "reliability-cxr8-nih"]
)
def test_figures_by_head_are_drawn(study, tmp_path, monkeypatch, name):
    """As of more heads than a few: here two heads, with a few being one."""
    from qcxr.analysis.figures import longtail, losses, reliability

    for module in (curves, longtail, losses, reliability):
        monkeypatch.setattr(module, "FEW", 1)
    out = {"out_pdf": tmp_path / "f.pdf", "out_png": tmp_path / "f.png"}
    figures.draw(name, study.inputs, **out)
    assert out["out_png"].stat().st_size > 10_000
