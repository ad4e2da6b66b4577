"""The bootstrap against scikit-learn replicate by replicate, DeLong against brute force, coverage by simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from qcxr.analysis import bootstrap, delong, inputs, predictions, replicates
from qcxr.analysis.replicates import Resampling
from qcxr.errors import InputError

from . import synthetic


def tables(*, films=300, seeds=(0, 1), task="cxr8", **keywords):
    truth = synthetic.truth(synthetic.LABELS[task], films=films, **keywords)
    return {
        (head, seed): predictions.check(synthetic.predict(truth, head=head, seed=seed))
        for head in ("cdl", "dqc")
        for seed in seeds
    }


@pytest.mark.parametrize("decimals", [1, 7])
def test_replicates_equal_scikit_learn_on_the_resampled_films(decimals):
    rng = np.random.default_rng(0)
    n, n_patients = 120, 40
    patient = rng.integers(0, n_patients, n)
    truth = rng.integers(0, 2, n).astype(float)
    truth[:10] = np.nan
    score = np.round(rng.random(n) + 0.2 * np.nan_to_num(truth), decimals)
    ranked = replicates.RankedLabel(truth, score, patient, n_patients)
    (weights,) = replicates.patient_weights(n_patients, replicates=50, rng=rng)
    assert weights.shape == (n_patients, 50) and (weights.sum(axis=0) == n_patients).all()
    for column, auroc, precision in zip(weights.T, *ranked.values(weights), strict=True):
        films = np.repeat(np.arange(n), column[patient].astype(int))
        films = films[~np.isnan(truth[films])]
        assert auroc == pytest.approx(roc_auc_score(truth[films], score[films]), abs=1e-12)
        assert precision == pytest.approx(average_precision_score(truth[films], score[films]), abs=3e-7)  # float32


def test_a_replicate_without_positives_is_undefined():
    truth, score = np.array([1.0, 0.0, 0.0]), np.array([0.9, 0.1, 0.2])
    ranked = replicates.RankedLabel(truth, score, np.array([0, 1, 2]), 3)
    weights = np.array([[0, 1, 2], [1, 1, 1], [2, 1, 0]], dtype=np.float32).T
    np.testing.assert_array_equal(ranked.values(weights), [[np.nan, 1.0, 1.0]] * 2)


def test_intervals_hold_the_observed_value_and_neither_rows_nor_threads_matter():
    given = tables(uncovered=("Hernia",), task="cxr19")
    first = bootstrap.bootstrap(given, task="cxr19", dataset="nih", resampling=Resampling(300, threads=1))
    shuffled = {key: given[key] for key in reversed(given)}
    again = bootstrap.bootstrap(shuffled, task="cxr19", dataset="nih", resampling=Resampling(300, threads=3))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert list(first.columns) == list(bootstrap.COLUMNS)
    sure = first[first["n_replicates"] == 300]
    assert len(sure) and ((sure["ci_low"] <= sure["value"]) & (sure["value"] <= sure["ci_high"])).all()
    lost = first[first["label"].isin(["Hernia", "Pneumomediastinum"])]
    assert lost["value"].isna().all() and lost["ci_low"].isna().all()
    assert set(lost["reason"]) == {"no positives", "label not covered by this data set"}

    for metric, of in (("auroc", roc_auc_score), ("average_precision", average_precision_score)):
        one = first[first["metric"] == metric]
        row = one.query("label == 'Effusion' and kind == 'difference' and seed == 'mean'").iloc[0]
        runs = one.query("label == 'Effusion' and kind == 'head' and seed != 'mean'")
        means = runs.groupby("head")["value"].mean()
        assert row["value"] == pytest.approx(means["cdl"] - means["dqc"])
        assert runs.query("head == 'dqc' and seed == '1'")["value"].item() == pytest.approx(
            of(*given["dqc", 1].of("Effusion"))
        )
        mean = one.query("kind == 'head' and head == 'cdl' and seed == '0'").set_index("label")["value"]
        assert mean["mean"] == pytest.approx(mean.drop("mean").mean())


def brute_force(truth, scores):
    """DeLong's covariance by its definition: components over all pairs, one by one."""
    psi = [[[(p > q) + 0.5 * (p == q) for q in s[truth == 0]] for p in s[truth == 1]] for s in scores]
    psi = np.array(psi)
    v10, v01 = psi.mean(axis=2), psi.mean(axis=1)
    return np.cov(v10) / v10.shape[1] + np.cov(v01) / v01.shape[1]


def test_delong_equals_brute_force_with_ties():
    rng = np.random.default_rng(1)
    truth = np.append([1, 1, 0, 0], rng.integers(0, 2, 60))
    scores = np.round(rng.random((2, 64)) + 0.3 * truth, 1)
    auroc, v10, v01 = delong.components(truth, scores)
    assert auroc == pytest.approx([roc_auc_score(truth, s) for s in scores], abs=1e-12)
    expected = brute_force(truth, scores)
    np.testing.assert_allclose(delong.covariance(v10, v01), expected, atol=1e-14)
    found = delong.delong_test(truth, *scores)
    variance = expected[0, 0] + expected[1, 1] - 2 * expected[0, 1]
    assert found["z"] == pytest.approx((auroc[0] - auroc[1]) / np.sqrt(variance))
    assert found["p"] == pytest.approx(2 * stats.norm.sf(abs(found["z"])))


def test_delong_over_patients_is_wider_where_their_films_are_alike():
    rng = np.random.default_rng(5)
    patient = np.repeat(np.arange(150), 4)
    truth = np.repeat(rng.integers(0, 2, 150), 4)
    scores = truth + rng.standard_normal((2, 150))[:, patient] + 0.3 * rng.standard_normal((2, 600))
    plain, clustered = (delong.delong_test(truth, *scores, who) for who in (None, patient))
    assert plain["p"] == plain["plain_p"] == clustered["plain_p"] < clustered["p"]
    assert clustered["se"] / plain["se"] == pytest.approx(2, abs=0.2)  # four films of a patient weigh nearly as one
    alone = delong.delong_test(truth, *scores, np.arange(600))
    assert alone["se"] == pytest.approx(plain["se"], rel=1e-12) and alone["p"] == pytest.approx(alone["plain_p"])
    patient = np.where(truth == 1, 0, patient)
    assert delong.delong_test(truth, *scores, patient)["reason"].startswith("DeLong's test needs two patients with pos")


def test_delong_says_when_it_is_undefined():
    truth = np.array([1, 1, 0, 0, 0])
    score = np.array([0.9, 0.4, 0.5, 0.2, 0.1])
    assert delong.delong_test(truth, score, score**2)["reason"].startswith("both heads rank the films alike")
    assert delong.delong_test(np.array([1, 0, 0, 0, 0]), score, score[::-1])["reason"].startswith(
        "DeLong's test needs two"
    )


def test_intervals_cover_the_truth_for_clustered_patients():
    """Films of one patient share a score shift; the bootstrap over patients covers, films as independent would not."""
    rng = np.random.default_rng(2)
    expected = stats.norm.cdf(1 / np.sqrt(2 * 2))  # positives N(1, 2), negatives N(0, 2), of different patients
    covered = naive = 0
    trials = 200
    for _ in range(trials):
        patient = np.repeat(np.arange(120), 4)
        truth = np.repeat(rng.integers(0, 2, 120), 4).astype(float)
        score = truth + rng.standard_normal(120)[patient] + rng.standard_normal(480)
        draws = []
        for clusters in (patient, np.arange(480)):
            ranked = replicates.RankedLabel(truth, score, clusters, int(clusters.max()) + 1)
            blocks = replicates.patient_weights(int(clusters.max()) + 1, replicates=256, rng=rng)
            draws.append(bootstrap.interval(np.concatenate([ranked.values(block)[0] for block in blocks])))
        covered += draws[0][0] <= expected <= draws[0][1]
        naive += draws[1][0] <= expected <= draws[1][1]
    assert 0.90 <= covered / trials <= 0.985
    assert naive / trials < 0.85


def test_files_of_one_task_and_data_set_are_bootstrapped(study, tmp_path):
    files = [f / "predictions" / "nih.parquet" for f in study.folders if f.parts[-3] == "cxr8"]
    written = bootstrap.bootstrap_files(files, tmp_path / "b.csv", resampling=Resampling(100))
    back = inputs.load("bootstrap", tmp_path / "b.csv")
    np.testing.assert_array_equal(back["ci_low"], written["ci_low"])
    tested = back[back["delong_p"].notna()]
    assert len(tested) == 8 * 3 and set(tested["kind"]) == {"difference"} and set(tested["metric"]) == {"auroc"}
    assert tested["delong_plain_p"].notna().all() and set(back["metric"]) == {"auroc", "average_precision"}
    everything = [f / "predictions" / "nih.parquet" for f in study.folders]
    with pytest.raises(InputError, match="a bootstrap is of one task and data set, got"):
        bootstrap.bootstrap_files(everything, tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_bad_input_is_refused():
    given = tables()
    with pytest.raises(InputError, match=r"must be >= 100 replicates, got 10; set analysis\.bootstrap"):
        Resampling(10)
    with pytest.raises(InputError, match=r"level must be in \(0, 1\), got 95; 0\.95 is usual"):
        Resampling(level=95)
    with pytest.raises(InputError, match="heads must have the same seeds"):
        bootstrap.bootstrap({k: v for k, v in given.items() if k != ("dqc", 1)}, task="cxr8", dataset="nih")
    other = tables(films=301)
    with pytest.raises(InputError, match=r"cdl/seed0 and dqc/seed0 hold different films: .* in one only"):
        bootstrap.bootstrap(given | {("dqc", 0): other["dqc", 0]}, task="cxr8", dataset="nih")
