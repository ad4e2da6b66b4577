"""The table of what patients vary: values as scored, variances as Obuchowski's, streams, variants, and few patients."""

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import delong, inputs, metrics, patients, predictions
from qcxr.errors import InputError

from . import synthetic


def truth(*, films=300, task="cxr8", **keywords):
    return synthetic.truth(synthetic.LABELS[task], films=films, **keywords)


def tables(frame, *, heads=("cdl", "dqc"), seeds=(0, 1, 2)):
    return {
        (head, seed): predictions.check(synthetic.predict(frame, head=head, seed=seed))
        for head in heads
        for seed in seeds
    }


def table(given, **keywords):
    return patients.patients(given, task="cxr8", dataset="nih", **keywords)


def test_values_and_counts_are_those_of_metrics():
    """Means over labels included, on a data set where a label is not covered and one has no positives."""
    frame = truth(task="cxr19", uncovered=("Hernia",))
    frequencies = metrics.Frequencies(synthetic.TRAIN)
    found = table(tables(frame), frequencies=frequencies).set_index(["metric", "label", "kind", "head"])
    scores = [
        metrics.score(synthetic.predict(frame, head="dqc", seed=seed), frequencies=frequencies) for seed in (0, 1, 2)
    ]
    scores = pd.concat(scores).query("metric in ('auroc', 'average_precision')")
    for (metric, label), rows in scores.groupby(["metric", "label"]):
        row = found.loc[metric, label, "head", "dqc"]
        assert row["value"] == pytest.approx(rows["value"].mean(), nan_ok=True) and row["n_seeds"] == 3
        assert row["reason"].startswith(rows["reason"].iloc[0])
        if not label.startswith("mean"):
            assert row["n_patients"] == rows["n_patients"].iloc[0]
            assert row["positive_patients"] == rows["positive_patients"].iloc[0]
    people = frame["patient_id"].nunique()
    assert found.loc["auroc", "mean", "head", "dqc"]["n_patients"] == people
    lost = found.query("label in ('Hernia', 'Pneumomediastinum')")
    assert lost[["value", "patients_variance", "shared_variance", "patients_df"]].isna().all(axis=None)
    cdl, dqc = (found.loc["auroc", "Mass", "head", head]["value"] for head in ("cdl", "dqc"))
    assert found.loc["auroc", "Mass", "difference", "cdl"]["value"] == pytest.approx(cdl - dqc)


def test_variances_are_those_of_the_clustered_covariance():
    """Variance of the mean over seeds, and mean covariance of two seeds, from the covariance of all six runs."""
    given = tables(truth())
    rows = table(given).query("metric == 'auroc' and label == 'Effusion'").set_index(["kind", "head"])
    first = given["cdl", 0]
    y, _ = first.of("Effusion")
    _, patient = np.unique(first.patient_id.astype(str), return_inverse=True)
    runs = delong.clustered_covariance(y, np.stack([one.of("Effusion")[1] for one in given.values()]), patient)
    cdl, dqc = np.eye(6)[:3], np.eye(6)[3:]
    for kind, head, seeds in (("head", "cdl", cdl), ("head", "dqc", dqc), ("difference", "cdl", cdl - dqc)):
        between = seeds @ runs @ seeds.T
        shared = [between[i, j] for i in range(3) for j in range(3) if i != j]
        assert rows.loc[kind, head]["patients_variance"] == pytest.approx(between.mean(), rel=1e-9)
        assert rows.loc[kind, head]["shared_variance"] == pytest.approx(np.mean(shared), rel=1e-9, abs=1e-15)
    few = min(np.unique(patient[y == 1]).size, np.unique(patient[y == 0]).size)
    assert 1 <= rows.loc["head", "cdl"]["patients_df"] <= few - 1


def test_a_stream_of_tables_is_read_once_and_the_order_of_runs_does_not_matter():
    given = tables(truth())
    whole = table(given)
    reads = []

    def stream():
        for key in reversed(given):
            reads.append(key)
            yield key, given[key]

    pd.testing.assert_frame_equal(whole, table(stream()))
    assert len(reads) == 6
    assert list(whole.columns) == list(patients.COLUMNS)


def test_one_seed_shares_all_and_alike_heads_differ_in_nothing():
    given = tables(truth(), seeds=(0,))
    alone = table(given)
    defined = alone[alone["value"].notna()]
    np.testing.assert_array_equal(defined["patients_variance"], defined["shared_variance"])
    same = table({("cdl", 0): given["cdl", 0], ("dqc", 0): given["cdl", 0]}).query("kind == 'difference'")
    assert (same["value"] == 0).all() and (same["patients_variance"] == 0).all()
    assert set(same["reason"]) == {"both heads rank all films alike"}


def test_constant_predictions_are_named():
    """Their AUROC is 0.5 whoever the patients are; their average precision is the prevalence, which patients vary."""
    frame = synthetic.predict(truth(), head="cdl", seed=0)
    frame["p_Mass"] = 0.5
    found = table({("cdl", 0): predictions.check(frame)}, heads=("cdl",)).query("label == 'Mass'")
    auroc, precision = found.to_dict("records")
    assert auroc["value"] == 0.5 and auroc["patients_variance"] == 0
    assert auroc["reason"] == "constant predictions: no film is ranked above another"
    assert precision["value"] == pytest.approx(frame["y_Mass"].mean()) and precision["patients_variance"] > 0


def test_a_label_of_one_patient_has_no_variance_and_a_mean_says_so():
    frame = truth()
    frame["y_Mass"] = (frame["patient_id"] == frame["patient_id"].iloc[0]).astype("Int8")
    rows = table(tables(frame)).query("kind == 'head' and head == 'cdl' and metric == 'auroc'").set_index("label")
    assert np.isnan(rows.loc["Mass"]["patients_variance"]) and rows.loc["Mass"]["value"] > 0
    assert rows.loc["Mass"]["reason"] == "one positive patient: how patients vary is unknown"
    assert rows.loc["mean"]["patients_variance"] > 0
    assert "of Mass is not counted" in rows.loc["mean"]["reason"]


def test_a_patient_of_many_films_takes_degrees_of_freedom():
    """40 patients of one film each and one of 200: what is known of the variance rests on that one."""
    frame = truth(films=240, floor=0.3)
    even = frame.assign(patient_id=[f"{i:03d}" for i in range(240)])
    uneven = frame.assign(patient_id=[f"{min(i, 40):03d}" for i in range(240)])
    rows = [
        table(tables(one)).query("label == 'Infiltration' and kind == 'head' and metric == 'auroc'")["patients_df"]
        for one in (even, uneven)
    ]
    assert (rows[0] > 40).all() and (rows[1] < 12).all()


def test_heads_of_unequal_seeds_have_rows_and_no_difference():
    given = tables(truth())
    fewer = {key: one for key, one in given.items() if key != ("dqc", 2)}
    with pytest.raises(InputError, match="task cxr8, data set nih: heads must have the same seeds, got"):
        table(fewer)
    found = table(fewer, heads=("deep", "cdl", "dqc"))  # the reference has no run
    assert set(found["kind"]) == {"head"}
    assert found.groupby("head")["n_seeds"].max().to_dict() == {"cdl": 3, "dqc": 2}


def test_bad_input_is_refused():
    given = tables(truth())
    with pytest.raises(InputError, match="no run of deep; give their predictions"):
        table(given, heads=("deep",))
    with pytest.raises(InputError, match="cdl/seed0 is given twice"):
        table([*given.items(), (("cdl", 0), given["cdl", 0])])
    other = tables(truth(films=301))
    with pytest.raises(InputError, match="cdl/seed0 and dqc/seed0 hold different films"):
        table(given | {("dqc", 0): other["dqc", 0]})


def test_files_are_read_and_the_table_read_back(study, tmp_path):
    files = [f / "predictions" / "nih.parquet" for f in study.folders if f.parts[-3] == "cxr8"]
    written = patients.patients_files(files, tmp_path / "p.csv", variant="loss~bce")
    back = inputs.load("patients", tmp_path / "p.csv")
    assert list(back.columns[:4]) == ["task", "dataset", "variant", "metric"]
    np.testing.assert_array_equal(back["patients_variance"], written["patients_variance"])
    assert set(back["kind"]) == {"head", "difference"}
    with pytest.raises(InputError, match="variances are of one task and data set, got"):
        patients.patients_files([f / "predictions" / "nih.parquet" for f in study.folders], tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()
