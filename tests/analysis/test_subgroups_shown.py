"""Tables, sentences and the figure of subgroups hold what the rows hold."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from qcxr.analysis import gaps
from qcxr.analysis.figures import style
from qcxr.analysis.figures import subgroups as drawing

from . import grouped
from .test_figures import unseen

broken_down = grouped.broken_down


@pytest.fixture(scope="module")
def found():
    return grouped.example()


def test_tables_and_sentences_tell_what_the_rows_hold(found):
    given, attributes, frame = found
    shown = gaps.groups(frame)
    assert len(shown) == 2 * (3 + 4 + 2)  # heads, and the groups of sex, age and view
    row = shown.query("Attribute == 'view' and Group == 'AP' and Head == 'DQC'").iloc[0]
    gap = frame.query("kind == 'gap' and group == 'AP' and head == 'dqc' and label == 'mean'").iloc[0]
    assert row["Gap"].startswith(f"{gap['value']:+.3f} [{gap['total_low']:+.3f}, ") and row["Gap"].endswith(
        "against PA"
    )
    assert "small group" in shown.query("Group == 'unknown'")["Note"].iloc[0]
    assert len(gaps.differences(frame)) == 5
    (text,) = gaps.said(frame)
    sure = frame.query("kind == 'gap' and label == 'mean' and p_adjusted < 0.05")
    assert text.startswith(f"CXR-8, nih: {len(sure) or 'none'} of 10 gaps".replace("nih", "NIH-CXR-LT"))
    assert "unknown" not in text and "sex, age and view" in text
    every = frame.assign(p_adjusted=frame["p_adjusted"].where(frame["kind"] != "gap", 0.001))
    (text,) = gaps.said(every)
    assert "10 of 10 gaps of mean AUROC" in text and "are significant (adjusted p < 0.05): CDL, sex F" in text
    (text,) = gaps.said(every, adjust="none")
    assert "are significant (p < 0.05, not adjusted for the number of comparisons): CDL, sex F" in text
    dull = frame.assign(p_adjusted=frame["p_adjusted"].where(frame["p_adjusted"].isna(), 0.5))
    (text,) = gaps.said(dull, adjust="none")
    assert "none of 10 gaps" in text and "after adjustment" not in text
    assert "is significant, not adjusted for the number of comparisons." in text
    nothing = broken_down(given, attributes.assign(sex="", age=np.nan, view=""))
    assert gaps.said(nothing) == []
    assert gaps.groups(nothing)["Note"].tolist() == ["this data set gives no sex, age or view"]
    alone = broken_down({("cdl", 0): given["cdl", 0]}, attributes)
    assert "With one seed the intervals are of patients alone." in gaps.said(alone)[0]
    seeds = broken_down(given, attributes, inference="seeds")
    gap = seeds.query("kind == 'gap' and group == 'AP' and head == 'dqc' and label == 'mean'").iloc[0]
    row = gaps.groups(seeds).query("Attribute == 'view' and Group == 'AP' and Head == 'DQC'").iloc[0]
    assert row["Gap"].startswith(f"{gap['value']:+.3f} [{gap['ci_low']:+.3f}, ") and row["Note"] == "seeds alone"
    assert "Intervals and tests are over seeds alone." in gaps.said(seeds)[0]


@pytest.mark.parametrize("few", [True, False])
def test_stars_of_gaps_follow_alpha(found, few, monkeypatch):
    frame = found[2].assign(p_adjusted=found[2]["p_adjusted"].where(found[2]["kind"] != "gap", 0.03))
    monkeypatch.setattr(drawing, "FEW", 6 if few else 1)
    stars = []
    for alpha in (0.05, 0.01):
        with style.applied():
            figure = drawing.subgroups(subgroups=frame, heads=["cdl", "dqc"], task="cxr8", alpha=alpha)
        stars.append(sum("*" in text.get_text() for text in figure.findobj(Text)))
    gaps_of_means = frame.query("kind == 'gap' and label == 'mean'")["value"].notna()
    assert stars == [gaps_of_means.sum(), 0] and stars[0] > 0


@pytest.mark.parametrize("few", [True, False])
def test_the_figure_holds_its_words_and_every_group(found, few, monkeypatch):
    frame = pd.concat([found[2], found[2].assign(dataset="mimic")])
    monkeypatch.setattr(drawing, "FEW", 6 if few else 1)
    with style.applied():
        figure = drawing.subgroups(subgroups=frame, heads=["cdl", "dqc"], task="cxr8")
        figure.draw_without_rendering()
    shown = [t for t in set(figure.findobj(Text)) - unseen(figure) if t.get_text() and t.get_visible()]
    words = " ".join(t.get_text() for t in shown)
    for name in ("F", "M", "under 40", "80 and over", "AP", "PA", "unknown", "NIH-CXR-LT", "MIMIC-CXR-LT"):
        assert name in words
    for text in shown:
        extent = text.get_window_extent()
        assert text.get_fontsize() >= 5
        assert figure.bbox.x0 - 1 <= extent.x0 and extent.x1 <= figure.bbox.x1 + 1, text.get_text()
        assert figure.bbox.y0 - 1 <= extent.y0 and extent.y1 <= figure.bbox.y1 + 1, text.get_text()


def test_the_figure_says_that_nothing_is_known(found):
    given, attributes, _ = found
    nothing = broken_down(given, attributes.assign(sex="", age=np.nan, view=""))
    figure = drawing.subgroups(subgroups=nothing, heads=["cdl", "dqc"], task="cxr8")
    assert "nothing is known of the films to group them by" in figure.texts[0].get_text()
