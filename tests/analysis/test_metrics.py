"""Metrics against scikit-learn, hand numbers, and permutations that must not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from qcxr.analysis import calibration, metrics, ranking
from qcxr.analysis.predictions import RunKey
from qcxr.errors import InputError

from . import synthetic


def cases():
    """Truth with both classes and scores with many ties."""
    return (
        st.integers(0, 10_000)
        .map(lambda seed: np.random.default_rng(seed))
        .map(
            lambda rng: (
                np.append([0, 1], rng.integers(0, 2, n := int(rng.integers(1, 60)))),
                rng.integers(0, 9, n + 2) / 8,
            )
        )
    )


@given(cases())
@settings(deadline=None)
def test_ranking_equals_scikit_learn_with_ties(case):
    truth, score = case
    assert ranking.auroc(truth, score) == pytest.approx(reference.roc_auc_score(truth, score), abs=1e-12)
    assert ranking.average_precision(truth, score) == pytest.approx(
        reference.average_precision_score(truth, score), abs=1e-12
    )
    expected_fpr, expected_tpr, thresholds = reference.roc_curve(truth, score, drop_intermediate=False)
    chosen = ranking.youden_threshold(truth, score)
    assert (expected_tpr - expected_fpr).max() == pytest.approx(
        2 * reference.balanced_accuracy_score(truth, score >= chosen) - 1
    )
    assert chosen == thresholds[1:][np.argmax(np.round((expected_tpr - expected_fpr)[1:], 12))]
    assert ranking.balanced_accuracy(truth, score, threshold=chosen) == pytest.approx(
        reference.balanced_accuracy_score(truth, score >= chosen)
    )
    assert calibration.brier(truth, score) == pytest.approx(reference.brier_score_loss(truth, score), abs=1e-12)
    mean, observed, films = calibration.reliability(truth, score)
    expected_observed, expected_mean = calibration_curve(truth, score, n_bins=15)
    np.testing.assert_allclose(mean[films > 0], expected_mean)
    np.testing.assert_allclose(observed[films > 0], expected_observed)


def test_calibration_error_by_hand():
    truth = np.array([0, 1, 1, 0])
    probability = np.array([0.1, 0.2, 0.9, 1.0])
    # two bins: (0, .5] has means .15 against .5, (.5, 1] has .95 against .5
    assert calibration.expected_calibration_error(truth, probability, bins=2) == pytest.approx(
        (0.35 * 2 + 0.45 * 2) / 4
    )
    mean, observed, films = calibration.reliability(truth, probability, bins=4)
    np.testing.assert_allclose(mean, [0.15, np.nan, np.nan, 0.95])
    np.testing.assert_allclose(observed, [0.5, np.nan, np.nan, 0.5])
    np.testing.assert_array_equal(films, [2, 0, 0, 2])


@pytest.fixture
def tables():
    truth = synthetic.truth(synthetic.LABELS["cxr19"], uncovered=("Hernia",))
    validation = synthetic.truth(synthetic.LABELS["cxr19"], seed=1)
    return (synthetic.predict(truth, head="cdl", seed=0), synthetic.predict(validation, head="cdl", seed=0))


def value(frame, label, metric):
    (row,) = frame[(frame["label"] == label) & (frame["metric"] == metric)].to_dict("records")
    return row


def test_score_gives_every_metric_and_says_what_is_undefined(tables):
    test, validation = tables
    frame = metrics.score(test, validation=validation, frequencies=metrics.Frequencies(synthetic.TRAIN))
    assert list(frame.columns) == list(metrics.COLUMNS)
    row = value(frame, "Effusion", "auroc")
    assert row["value"] == pytest.approx(
        reference.roc_auc_score(test["y_Effusion"].astype(int), test["p_Effusion"]), abs=1e-12
    )
    assert (row["n"], row["n_positive"]) == (400, int(test["y_Effusion"].sum()))

    empty = value(frame, "Pneumomediastinum", "auroc")
    assert np.isnan(empty["value"]) and empty["reason"] == "no positives"
    hidden = value(frame, "Hernia", "brier")
    assert np.isnan(hidden["value"]) and hidden["reason"] == "label not covered by this data set" and hidden["n"] == 0

    threshold = value(frame, "Mass", "threshold")["value"]
    expected = reference.balanced_accuracy_score(test["y_Mass"].astype(int), test["p_Mass"].astype(float) >= threshold)
    assert value(frame, "Mass", "balanced_accuracy")["value"] == pytest.approx(expected)
    assert threshold == ranking.youden_threshold(
        validation["y_Mass"].to_numpy(int), validation["p_Mass"].to_numpy(float)
    )


def test_means_average_the_defined_labels_of_their_group(tables):
    frame = metrics.score(tables[0], validation=tables[1], frequencies=metrics.Frequencies(synthetic.TRAIN))
    auroc = frame[frame["metric"] == "auroc"].set_index("label")
    for name, chosen in {
        "mean": lambda n: True, "mean_head": lambda n: n > 1000, "mean_medium": lambda n: 100 <= n <= 1000,
        "mean_tail": lambda n: n < 100,
    }.items():  # fmt: skip
        members = [x for x in synthetic.LABELS["cxr19"] if chosen(synthetic.TRAIN[x])]
        values = auroc.loc[members, "value"].dropna()
        assert auroc.loc[name, "n_labels"] == len(values)
        if len(values):
            assert auroc.loc[name, "value"] == pytest.approx(values.mean())
    assert auroc.loc["mean", "reason"] == "over 17 of 19 labels; undefined: Hernia, Pneumomediastinum"
    assert auroc.loc["mean_tail", "reason"] == "undefined for all 1 labels" and np.isnan(
        auroc.loc["mean_tail", "value"]
    )


def test_row_order_never_matters(tables):
    first = metrics.score(tables[0], validation=tables[1])
    shuffled = metrics.score(
        tables[0].sample(frac=1, random_state=1), validation=tables[1].sample(frac=1, random_state=2)
    )
    pd.testing.assert_frame_equal(first, shuffled, check_exact=True)


def test_constant_predictions_are_said(tables):
    test, validation = tables
    test, validation = test.assign(p_Mass=np.float32(0.5)), validation.assign(p_Mass=np.float32(0.5))
    frame = metrics.score(test, validation=validation)
    row = value(frame, "Mass", "auroc")
    assert row["value"] == 0.5 and row["reason"] == "constant predictions: every film has the same probability"
    assert value(frame, "Mass", "balanced_accuracy")["reason"] == "no threshold: constant predictions on validation"
    alone = metrics.score(test)
    assert value(alone, "Mass", "threshold")["reason"] == "no validation predictions to choose a threshold on"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: pd.concat([f, f.iloc[:1]]), r"image_id given twice: 0+_000; keep one row per film"),
        (lambda f: f.assign(p_Mass=np.nan), r"p_Mass must be in \[0, 1\], got nan .* \(400 such rows\)"),
        (lambda f: f.assign(p_Mass=1.5), r"p_Mass must be in \[0, 1\], got 1\.5 .* give probabilities, not logits"),
        (lambda f: f.assign(y_Mass=2), r"y_Mass must be 0, 1 or empty, got 2"),
        (lambda f: f.drop(columns="y_Mass"), r"label columns are missing: y_Mass; every label needs both p_ and y_"),
        (lambda f: f.drop(columns="p_Mass"), r"label columns are missing: p_Mass"),
        (lambda f: f.drop(columns="image_id"), r"column image_id is missing"),
        (lambda f: f.iloc[:0], r"no rows; it must hold at least one film"),
        (lambda f: f.assign(image_id=None), r"some rows have no image_id or patient_id"),
    ],
)
def test_malformed_tables_are_refused(tables, spoil, said):
    with pytest.raises(InputError, match=said):
        metrics.score(spoil(tables[0]))


def test_score_run_writes_the_run_keys_and_can_be_read_back(tmp_path, tables):
    tables[0].to_parquet(tmp_path / "nih.parquet")
    tables[1].to_parquet(tmp_path / "validation.parquet")
    out = tmp_path / "metrics" / "nih.csv"
    written = metrics.score_run(
        tmp_path / "nih.parquet", tmp_path / "validation.parquet", out, run=RunKey("cxr19", "cdl", 3, "nih")
    )
    assert list(written.columns[:4]) == ["task", "head", "seed", "dataset"]
    assert [path.name for path in out.parent.iterdir()] == ["nih.csv"]
    back = metrics.read_metrics([out])
    np.testing.assert_array_equal(back["value"], written["value"])  # full precision survives the CSV
    with pytest.raises(InputError, match="hold cxr19/cdl/seed3 on nih twice"):
        metrics.read_metrics([out, out])
    with pytest.raises(InputError, match="no such file"):
        metrics.score_run(tmp_path / "none.parquet", None, out, run=RunKey("cxr19", "cdl", 3, "nih"))
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match="the file is empty"):
        metrics.read_metrics(tmp_path / "empty.csv")
