"""Groups of labels by counts and by quantiles, ties, and who stands behind a group's mean."""

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import metrics
from qcxr.analysis.frequencies import Frequencies, borders_said
from qcxr.errors import InputError

from . import synthetic

LABELS = synthetic.LABELS["cxr19"]


def test_quantiles_part_the_labels_of_the_task_as_pandas_does():
    for task, cuts in (("cxr19", (1 / 3, 2 / 3)), ("cxr14", (0.25, 0.5)), ("cxr8", (0.1, 0.9))):
        labels = list(synthetic.LABELS[task])
        counts = pd.Series(synthetic.TRAIN)[labels]
        expected = pd.cut(counts, [-np.inf, *counts.quantile(list(cuts)), np.inf], labels=["tail", "medium", "head"])
        for group, members in Frequencies(synthetic.TRAIN, quantiles=cuts).groups(labels).items():
            assert members == list(counts.index[expected == group.removeprefix("mean_")]), (task, group)


def test_labels_of_equal_counts_are_of_one_group():
    counts = {"a": 5, "b": 5, "c": 5, "d": 90, "e": 90}
    found = Frequencies(counts, quantiles=(0.4, 0.6)).groups(list(counts))
    low, high = np.quantile([5, 5, 5, 90, 90], (0.4, 0.6))
    assert (low, high) == (5, pytest.approx(39))
    assert found == {"mean_head": ["d", "e"], "mean_medium": [], "mean_tail": ["a", "b", "c"]}


def test_without_quantiles_the_borders_are_counts():
    counts = {"a": 99, "b": 100, "c": 1000, "d": 1001}
    expected = {"mean_head": ["d"], "mean_medium": ["b", "c"], "mean_tail": ["a"]}
    assert Frequencies(counts).groups(list(counts)) == expected
    assert borders_said() == {
        "head": "more than 1000 positive films in training", "tail": "fewer than 100 positive films in training",
    }  # fmt: skip
    assert borders_said(quantiles=(0.25, 0.5))["tail"] == (
        "at or below the 25 % quantile of the task's training counts"
    )
    with pytest.raises(InputError, match=r"quantiles must rise between 0 and 1, got \[0.6, 0.3\]"):
        Frequencies(counts, quantiles=(0.6, 0.3))


def test_a_groups_films_and_patients_are_counted_once():
    truth = synthetic.truth(LABELS, uncovered=("Hernia",))
    frame = metrics.score(
        synthetic.predict(truth, head="cdl", seed=0), frequencies=Frequencies(synthetic.TRAIN, quantiles=(0.3, 0.7))
    )
    auroc = frame[frame["metric"] == "auroc"].set_index("label")
    for group, members in Frequencies(synthetic.TRAIN, quantiles=(0.3, 0.7)).groups(LABELS).items():
        some = (truth[[f"y_{label}" for label in members]] == 1).any(axis=1).fillna(False).to_numpy(bool)
        assert auroc.loc[group, "n_positive"] == some.sum()
        assert auroc.loc[group, "positive_patients"] == truth["patient_id"][some].nunique()
        assert (auroc.loc[group, "n"], auroc.loc[group, "n_patients"]) == (400, truth["patient_id"].nunique())
    assert auroc.loc["Hernia", "n"] == 0 == auroc.loc["Hernia", "n_patients"]
    assert auroc.loc["Mass", "n_positive"] == (truth["y_Mass"] == 1).sum()
