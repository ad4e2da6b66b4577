"""The report's own charts: places against the axis's own ticks, names that do not collide, colours that hold."""

import itertools
import re
from importlib import resources
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import panels, statistics
from qcxr.analysis.charts import scale, volcano
from qcxr.analysis.charts.forest import Row, forest
from qcxr.analysis.charts.volcano import Point
from qcxr.analysis.evidence import evidence
from qcxr.analysis.facts import Study
from qcxr.analysis.inference import BASES
from qcxr.analysis.results import Results

from .inferred import inferred
from .test_many import scored

CSS = resources.files("qcxr.analysis").joinpath("templates/report.css").read_text(encoding="utf-8")


def parts(root, kind, tag="*"):
    return [node for node in root.iter() if kind in node.get("class", "").split() and tag in ("*", node.tag)]


def along(root, axis):
    """The map from places to values that the printed ticks tell."""
    ticks = []
    for node in parts(root, "tick", "text"):
        if (node.get("text-anchor") == "middle") == (axis == "x") and "=" not in node.text:
            ticks.append((float(node.get(axis)) - (4 if axis == "y" else 0), float(node.text.replace("−", "-"))))
    slope, start = np.polyfit(*zip(*ticks, strict=True), 1)
    return lambda place: slope * float(place) + start


ROWS = [
    Row("Mean", 0.02, (-0.01, 0.05), (-0.005, 0.045), (0.01, 0.03), mark="*", sure=True, apart=True, said="said"),
    Row("Mass <b>&", -0.031, (-0.06, -0.002), (-0.06, -0.002), mark="ns", equivalent=True, key="Mass <b>&", said="<"),
    Row("Hernia", 0.05, (-0.4, 0.5), key="Hernia"),
    Row("Fibrosis", float("nan"), (float("nan"),) * 2, key="Fibrosis"),
]  # fmt: skip


def test_a_forests_marks_lie_where_its_axis_says():
    text = forest(ROWS, name="f", title="A & B", sides=("DQC", "CDL"), margin=0.01, reach=0.1)
    root = ElementTree.fromstring(text)
    value = along(root, "x")
    rows = parts(root, "row", "g")
    assert [row.get("data-label") for row in rows] == [None, "Mass <b>&", "Hernia", "Fibrosis"]
    assert "<b>" not in text and "Mass &lt;b&gt;&amp;" in text
    circles = [parts(row, "point", "circle")[0] for row in rows[1:3]]
    assert [value(c.get("cx")) for c in circles] == pytest.approx([-0.031, 0.05], abs=1e-3)
    (total,) = [n for n in parts(rows[0], "total", "line") if n.get("y1") == n.get("y2")]
    assert [value(total.get(end)) for end in ("x1", "x2")] == pytest.approx([-0.01, 0.05], abs=1e-3)
    for kind, ends in (("seeds", (-0.005, 0.045)), ("patients", (0.01, 0.03))):
        (part,) = parts(rows[0], kind)
        assert [value(part.get(end)) for end in ("x1", "x2")] == pytest.approx(ends, abs=1e-3)
    assert parts(rows[1], "seeds") and not parts(rows[1], "patients")  # as wide as the leading one, and drawn
    assert len(parts(rows[2], "arrow")) == 2 and not parts(rows[0], "arrow")  # goes on beyond both ends
    assert "undefined" in "".join(rows[3].itertext()) and not parts(rows[3], "point")
    assert parts(rows[0], "sure") and not parts(rows[1], "sure")
    assert parts(rows[1], "mark")[0].text == "ns ≈"
    (band,) = parts(root, "band", "rect")
    edges = float(band.get("x")), float(band.get("x")) + float(band.get("width"))
    assert [value(edge) for edge in edges] == pytest.approx([-0.01, 0.01], abs=1e-3)


@pytest.mark.parametrize("basis", BASES)
def test_the_parts_of_an_interval_are_drawn_beside_it_but_not_the_interval_itself_again(basis):
    results, facts = study_of(["cdl", "dqc"])
    at_seeds = results.tests["patients_low"].notna()
    results.tests.loc[at_seeds, ["basis", "total_low", "total_high"]] = [basis, -0.1, 0.1]
    (chart,) = panels.of_labels(results, facts)
    root = ElementTree.fromstring(chart["panels"][0]["svg"])
    drawn = [kind for kind in ("seeds", "patients") if any(parts(row, kind) for row in parts(root, "row", "g"))]
    assert drawn == [kind for kind in ("seeds", "patients") if kind != basis]


def test_a_chart_says_what_it_is():
    root = ElementTree.fromstring(forest(ROWS, name="f", title="A & B", sides=("b", "a"), margin=0.01, reach=0.1))
    assert root.get("role") == "img" and root.find("title").text == "A & B"
    assert root.get("aria-labelledby").split() == [root.find("title").get("id"), root.find("desc").get("id")]
    assert "4 rows" in root.find("desc").text


def test_wide_intervals_of_rare_labels_do_not_squeeze_the_axis():
    few = [0.01, 0.03, -0.02] * 6
    assert scale.reach([*few, 0.05], [*few, 0.9], least=0.01) < 0.1
    assert scale.reach([0.3], [0.1], least=0.01) > 0.3  # every point lies on the paper
    assert scale.reach([], [], least=0.01) == 0.02


@pytest.mark.parametrize("low", [-0.1, -0.037, -2.5])
def test_ticks_are_round_and_inside(low):
    ticks = scale.Scale(low, -low, 0, 100).ticks(4)
    assert 3 <= len(ticks) <= 6 and 0 in [round(t, 12) for t in ticks]
    assert all(low - 1e-9 <= t <= -low + 1e-9 for t in ticks)
    assert {re.sub(r"[0.\-]", "", f"{t:.4f}") for t in np.diff(ticks)} <= {"1", "2", "5"}


def test_differences_are_printed_with_a_true_minus():
    assert [scale.signed(v) for v in (0.0312, -0.0312, 0.0001, -0.0001)] == ["+0.031", "−0.031", "0.000", "0.000"]
    assert [scale.tick(v) for v in (-0.05, 0.0, 0.1)] == ["−0.05", "0", "+0.1"]


def boxes(root):
    """Every printed name of a volcano as a box, letters 6 wide (DejaVu Sans at 11: 6.4 on average)."""
    for node in parts(root, "spot", "text"):
        if "spare" not in node.get("class"):
            x, y, wide = float(node.get("x")), float(node.get("y")), 6.0 * len(node.text)
            left = x - {"start": 0, "end": wide, "middle": wide / 2}[node.get("text-anchor")]
            yield node.text, (left, y - 9, left + wide, y)


@pytest.mark.parametrize("seed", range(4))
def test_a_volcanos_names_neither_collide_nor_leave_the_paper(seed):
    rng = np.random.default_rng(seed)
    p = np.minimum(10 ** -rng.uniform(0, 3, 19), 1)
    p[:6] = 1.0  # Holm's
    points = [
        Point(f"Finding {k} {'x' * (k % 9)}", float(rng.normal()) / 30, float(p[k]), bool(p[k] < 0.05), "s")
        for k in range(19)
    ]
    axes = {"reach": 0.1, "high": volcano.height(points, alpha=0.05)}
    root = ElementTree.fromstring(volcano.volcano(points, name="v", title="t", sides=("b", "a"), alpha=0.05, **axes))
    rows = parts(root, "row", "g")
    assert len(rows) == 19
    up, across = along(root, "y"), along(root, "x")
    for point, row in zip(points, rows, strict=True):
        (dot,) = parts(row, "point")
        assert up(dot.get("cy")) == pytest.approx(-np.log10(point.p), abs=0.03)
        assert across(dot.get("cx")) == pytest.approx(np.clip(point.difference, -0.1, 0.1), abs=1e-3)
    named = list(boxes(root))
    assert len(named) >= 6
    for (one, a), (other, b) in itertools.combinations(named, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (one, other)
    for _, (left, top, right, bottom) in named:
        assert left >= 0 and top >= 0 and right <= volcano.WIDTH and bottom <= volcano.HEIGHT


def study_of(heads, **keywords):
    metrics = scored(heads, seeds=5, **keywords)
    train = {label: 1000 - 37 * k for k, label in enumerate(metrics["label"].unique())}
    metrics = metrics.assign(train_positives=metrics["label"].map(train))
    tests = statistics.compare(metrics, heads=heads)
    tests = tests.assign(train_positives=tests["label"].map(train), n_positive=10)
    results = Results(metrics, inferred(tests))
    return results, results.facts(Study())


def test_a_study_of_two_heads_has_a_panel_per_task_and_test_set_rare_to_common():
    results, facts = study_of(["cdl", "dqc"], tasks=("cxr8", "cxr14"))
    assert panels.of_heads(results, facts) == {}
    (chart,) = panels.of_labels(results, facts)
    headings = [panel["heading"] for panel in chart["panels"]]
    assert headings == ["CXR-8, NIH-CXR-LT", "CXR-8, MIMIC-CXR-LT", "CXR-14, NIH-CXR-LT", "CXR-14, MIMIC-CXR-LT"]
    here = chart["table"][chart["table"]["Task and test set"] == headings[0]]
    counts = results.tests.set_index("label")["train_positives"]
    order = [counts[label].max() for label in here["Label"][1:]]
    assert here["Label"].iloc[0] == "Mean" and order == sorted(order)
    rows = evidence(results.tests).query("task == 'cxr8' and dataset == 'nih' and metric == 'auroc'").set_index("label")
    shown = here.set_index("Label").loc["Mass"]
    assert (
        shown["95 % interval"] == f"[{scale.signed(rows.loc['Mass', 'low'])}, {scale.signed(rows.loc['Mass', 'high'])}]"
    )
    assert shown["over patients"].startswith(f"[{scale.signed(rows.loc['Mass', 'patients_low'])}")
    assert [kind for kind, _ in chart["legend"]] == ["total", "seeds", "patients", "sure", "unsure", "band"]


def test_a_study_of_many_heads_has_a_row_per_head():
    heads = [f"h{k}" for k in range(9)]
    results, facts = study_of(heads)
    (chart,) = panels.of_heads(results, facts).values()
    assert list(chart["table"]["Head"])[:8] == heads[1:] and len(chart["panels"]) == 2
    assert len(panels.of_labels(results, facts)) == 8
    assert len(panels.of_evidence(results, facts)) == 8


def colours(theme):
    """Every variable of the page in its light or dark value."""
    pairs = re.findall(r"--([a-z]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
    return {name: (light, dark)[theme] for name, light, dark in pairs}


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_stand_out_in_both_themes(theme):
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the textbook grey that just fails
    found = colours(theme)
    texts = {"page": ("ink", "faint", "link", "warn"), "card": ("ink", "faint", "link", "warn"), "marked": ("ink",)}
    for ground, names in texts.items():
        for name in names:
            assert contrast(found[name], found[ground]) >= 4.5, (name, ground)
    for ground in ("page", "band", "marked"):
        for name in ("total", "seeds", "patients", "sure", "axis"):
            assert contrast(found[name], found[ground]) >= 3, (name, ground)


def test_no_colour_is_outside_the_variables():
    rules = CSS.split("}", 1)[1]
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", rules)) == {"#fff"}  # the white paper of pictures
    used = set(re.findall(r"var\(--([a-z]+)\)", rules))
    assert used == set(colours(0)), "a variable without use, or a use without a variable"


def test_parts_of_an_interval_differ_for_the_colour_blind_too():
    """Deuteranopia and protanopia (Machado et al. 2009, severity 1): seeds, patients and what is sure stay apart."""
    machado = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    }
    for theme, matrix in itertools.product((0, 1), machado.values()):
        seen = {}
        for name in ("seeds", "patients", "sure", "total"):
            rgb = np.array([int(colours(theme)[name][k : k + 2], 16) / 255 for k in (1, 3, 5)])
            seen[name] = np.clip(np.array(matrix) @ rgb**2.2, 0, 1) ** (1 / 2.2)
        for one, other in itertools.combinations(seen, 2):
            assert np.abs(seen[one] - seen[other]).max() > 0.1, (theme, one, other)


def test_numbers_of_a_row_are_said():
    given = pd.DataFrame([{
        "task": "t", "dataset": "d", "metric": "auroc", "label": "Mass", "head_a": "cdl", "head_b": "dqc",
        "mean_a": 0.8, "mean_b": 0.7, "difference": 0.1, "ci_low": 0.0, "ci_high": 0.2, "p": 0.04, "p_adjusted": 0.2,
        "basis": "seeds", "mark": "ns", "significant": False, "reason": "few", "n_positive": 12.0}])  # fmt: skip
    row = evidence(given).to_dict("records")[0]
    said = panels._said(row, "Mass")
    assert (
        said
        == "Mass: CDL 0.800, DQC 0.700; difference +0.100 [0.000, +0.200]; adjusted p 0.200; 12 positive films; few"
    )
    assert not row["significant"]
