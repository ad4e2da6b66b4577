"""Names that look like numbers or like nothing stay names, from the list of runs to the report."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from qcxr.analysis import inputs, metrics, statistics, tablefile
from qcxr.analysis.evaluate import Evaluation, evaluate
from qcxr.analysis.predictions import RunKey
from qcxr.errors import InputError
from qcxr.study.files import write_csv

HEADS = ("101", "50", "null")
TASKS = ("2023", "NA")
DATASETS = ("2019", "None")
LABELS = ("None", "null", "NA", "nan", "50")


def save(folder, *, heads=HEADS, tasks=TASKS, datasets=DATASETS, seeds=(0, 1), films=80):
    """Write predictions and truth under such names; return {run: (truth, probabilities)}."""
    rng = np.random.default_rng(0)
    saved, rows = {}, []
    for task, dataset in itertools.product(tasks, datasets):
        ids = [f"film {i}" for i in range(films - 1)] + ["NA"]
        truth = pd.DataFrame({label: rng.integers(0, 2, films) for label in LABELS})
        truth.assign(image_id=ids, patient_id=["null", "1e5"] * (films // 2)).to_csv(
            folder / f"{task}-{dataset}-truth.csv", index=False
        )
        for head, seed in itertools.product(heads, seeds):
            table = (0.3 * truth + 0.7 * rng.random(truth.shape)).round(3)
            table.assign(image_id=ids).to_csv(folder / f"{task}-{dataset}-{head}-{seed}.csv", index=False)
            rows.append(
                (task, head, seed, dataset, f"{task}-{dataset}-{head}-{seed}.csv", f"{task}-{dataset}-truth.csv")
            )
            saved[RunKey(task, head, seed, dataset)] = (truth, table)
    columns = ["task", "head", "seed", "dataset", "predictions", "truth"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "runs.csv", index=False)
    return saved


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    saved = save(folder)
    said = []
    options = Evaluation(replicates=100, only=("mean_auroc", "difference", "volcano", "labels", "roc"))
    evaluate(folder / "runs.csv", folder / "out", options, say=said.append)
    told = ["Runs", "Tables", "Labels", "Films", "Comparison", "Bootstrap", "Version"]
    assert [line.partition(":")[0] for line in said] == told  # and no note
    return folder / "out", saved


def test_every_run_and_label_is_scored_under_its_own_name(evaluated):
    out, saved = evaluated
    frame = metrics.read_metrics(out / "metrics.csv")
    assert {c: set(frame[c]) for c in ("task", "head", "dataset")} == {
        "task": set(TASKS),
        "head": set(HEADS),
        "dataset": set(DATASETS),
    }
    assert set(frame["label"]) == {*LABELS, "mean"} and frame["seed"].dtype == np.int64
    found = frame[frame["metric"] == "auroc"].set_index(["task", "head", "seed", "dataset", "label"])["value"]
    for run, (truth, table) in saved.items():
        for label in LABELS:
            assert found[(run.task, run.head, run.seed, run.dataset, label)] == pytest.approx(
                roc_auc_score(truth[label], table[label]), abs=1e-12
            )


def test_comparisons_intervals_figures_and_tables_keep_the_names(evaluated):
    out, _ = evaluated
    tests = inputs.load("tests", out / "tests.csv")
    assert set(zip(tests["head_a"], tests["head_b"], strict=True)) == {("101", "50"), ("101", "null")}
    assert set(tests["label"]) == {*LABELS, "mean"} and tests["p"].notna().all()
    for task, dataset in itertools.product(TASKS, DATASETS):
        drawn = inputs.load("bootstrap", out / "bootstrap" / f"{task}-{dataset}.csv")
        assert set(drawn["label"]) == {*LABELS, "mean"} and set(drawn["head"]) == set(HEADS)
        assert set(drawn.loc[drawn["kind"] == "difference", "head_b"]) == {"50", "null"}
        assert (drawn["n_patients"] == 2).all()
        assert (out / "figures" / f"labels-{task}-{dataset}.png").exists()
    names = {path.stem for path in (out / "figures").glob("*.png")}
    assert {"volcano-2023", "volcano-NA", "mean_auroc", "difference-NA", "roc-NA-None", "roc-2023-2019"} <= names
    table = tablefile.read_csv(out / "tables" / "labels.csv", texts=("Label", "Task", "Test set", "Head", "Reference"))
    assert set(table["Label"]) == set(LABELS) and set(table["Task"]) == set(TASKS)
    report = (out / "report.html").read_text(encoding="utf-8")
    assert all(f"<td>{label}</td>" in report for label in LABELS) and "heads 101, 50, null" in report


def test_metrics_and_tests_come_back_from_their_files_as_they_were(evaluated, tmp_path):
    out, _ = evaluated
    frame = metrics.read_metrics(out / "metrics.csv")
    write_csv(frame, tmp_path / "metrics.csv")
    pd.testing.assert_frame_equal(metrics.read_metrics(tmp_path / "metrics.csv"), frame, check_exact=True)
    tests = statistics.compare(frame, heads=HEADS)
    write_csv(tests, tmp_path / "tests.csv")
    back = inputs.load("tests", tmp_path / "tests.csv")
    pd.testing.assert_frame_equal(back, tests, check_exact=True, check_dtype=False)


def test_empty_cells_are_no_numbers_and_empty_texts(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("label,value,reason,n_positive\nNA,,,3\nnull,NA,none,\n50,0.25,null,4\n")
    frame = tablefile.read_table(path)
    assert list(frame["label"]) == ["NA", "null", "50"] and list(frame["reason"]) == ["", "none", "null"]
    np.testing.assert_array_equal(frame["value"], [np.nan, np.nan, 0.25])
    np.testing.assert_array_equal(frame["n_positive"], [3, np.nan, 4])


def test_a_label_may_not_be_called_as_means_are(tmp_path):
    save(tmp_path, heads=("a",), tasks=("t",), datasets=("d",), seeds=(0,))
    for path in tmp_path.glob("t-d-*.csv"):
        path.write_text(path.read_text().replace("null", "mean_tail", 1))
    with pytest.raises(InputError, match=r"t-d-a-0\.csv: no label may be called mean_tail, .*; rename it"):
        evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=()))
