"""What is kept of a circuit by weight: against numbers worked out by hand."""

import numpy as np
import pytest

from qcxr.analysis.figures import style
from qcxr.analysis.figures.spectrum import spectrum
from qcxr.analysis.ranking import auroc
from qcxr.analysis.weights import kept, strengths

LABELS = ("A", "B", "C")


@pytest.fixture
def films():
    """Of six films: parts of weights 0 to 2 of two qubits, of three labels' logits."""
    rng = np.random.default_rng(0)
    parts, kernel = rng.normal(size=(6, 3, 2)), rng.normal(size=(2, 3))
    parts[:, 0] = 0.25 + 1e-16 * rng.normal(size=(6, 2))  # a constant, but for rounding
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]], float)
    covered = np.ones((6, 3), bool)
    covered[0, 1] = False
    return parts, kernel, np.array([0.1, 0.2, 0.3]), targets, covered


def test_auroc_is_that_of_the_logits_from_light_strings(films):
    parts, kernel, bias, targets, _ = films
    found = kept(*films, LABELS).set_index(["weight", "label"])
    assert found.loc[(0, "A"), "auroc"] == found.loc[(0, "B"), "auroc"] == 0.5
    light = parts[:, 0] + parts[:, 1]
    a = auroc(targets[:, 0], light @ kernel[:, 0])
    b = auroc(targets[1:, 1], light[1:] @ kernel[:, 1])
    assert found.loc[(1, "A"), "auroc"] == a and found.loc[(1, "B"), "auroc"] == b
    assert np.isnan(found.loc[(1, "C"), "auroc"])  # no film shows it
    assert found.loc[(1, "mean"), "auroc"] == pytest.approx((a + b) / 2)
    assert found.loc[(2, "B"), ["n", "n_positive"]].tolist() == [5, 2]
    assert found.loc[(2, "A"), "auroc"] == auroc(targets[:, 0], (parts.sum(1) @ kernel + bias)[:, 0])


def test_strengths_are_over_films(films):
    parts = films[0]
    found = strengths(parts, LABELS[:2]).set_index(["weight", "qubit"])
    assert found.loc[(2, "B"), "rms"] == pytest.approx(np.sqrt((parts[:, 2, 1] ** 2).mean()))
    assert found.loc[(2, "B"), "std"] == pytest.approx(parts[:, 2, 1].std())


def test_the_figure_has_a_line_per_qubit_and_label_and_the_whole_circuits_mean(films):
    with style.applied():
        figure = spectrum(strengths(films[0], LABELS[:2]), kept(*films, LABELS), title="t")
    strong, useful = figure.axes
    assert len(strong.lines) == 3 and len(useful.lines) == 4  # C has no AUROC
    np.testing.assert_array_equal(strong.lines[0].get_xdata(), [1, 2])
