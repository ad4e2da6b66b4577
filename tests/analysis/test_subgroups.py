"""Rows of subgroups: values, counts, families, the basis of tests, what is left out and why, and the file."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from qcxr.analysis import inputs, subgroups
from qcxr.analysis.components import over_both
from qcxr.errors import InputError
from qcxr.study.files import write_csv

from . import grouped

FOUR = grouped.LABELS
broken_down, known, tables = grouped.broken_down, grouped.known, grouped.tables


@pytest.fixture(scope="module")
def found():
    return grouped.example()


def test_values_means_and_seeds(found):
    given, attributes, frame = found
    first = given["cdl", 0]
    of = attributes.loc[first.image_id, "sex"].to_numpy()
    auroc = {
        (head, seed, sex, j): roc_auc_score(table.truth[of == sex, j], table.probability[of == sex, j])
        for (head, seed), table in given.items()
        for sex in ("F", "M")
        for j in range(4)
    }

    def mean(head, sex, seed):
        return np.mean([auroc[head, seed, sex, j] for j in range(4)])

    row = frame.query("kind == 'group' and head == 'dqc' and group == 'F' and label == 'mean'").iloc[0]
    assert row["value"] == pytest.approx(np.mean([mean("dqc", "F", s) for s in range(3)])) and row["n_labels"] == 4
    assert np.isnan(row["p"]) and row["n_seeds"] == 3
    gaps = {head: np.array([mean(head, "F", s) - mean(head, "M", s) for s in range(3)]) for head in ("cdl", "dqc")}
    row = frame.query("kind == 'gap' and head == 'cdl' and group == 'F' and label == 'mean'").iloc[0]
    assert row["value"] == pytest.approx(gaps["cdl"].mean()) and row["sd"] == pytest.approx(gaps["cdl"].std(ddof=1))
    row = frame.query("kind == 'gap difference' and group == 'F' and label == 'mean'").iloc[0]
    assert (row["head"], row["head_b"]) == ("cdl", "dqc")
    assert row["value"] == pytest.approx((gaps["cdl"] - gaps["dqc"]).mean())
    assert row["sd"] == pytest.approx((gaps["cdl"] - gaps["dqc"]).std(ddof=1))
    # the patients' part within a seed is in the spread over seeds already: only what seeds share comes on top
    assert row["total_se"] ** 2 <= row["sd"] ** 2 / 3 + row["patients_se"] ** 2 + 1e-12
    only = over_both(0.1, seed_variance=row["sd"] ** 2, n_seeds=3, shared_variance=0)
    assert row["total_se"] >= only.se - 1e-12 and row["basis"] == "seeds and patients"


def test_unknown_films_are_counted_and_never_compared(found):
    given, attributes, frame = found
    first = given["cdl", 0]
    lost = (attributes.loc[first.image_id, "sex"] == "").to_numpy()
    rows = frame.query("attribute == 'sex' and group == 'unknown' and label == 'mean'")
    assert set(rows["kind"]) == {"group"} and set(rows["n"]) == {int(lost.sum())} and rows["small"].all()
    whole = frame.query("attribute == 'sex' and kind == 'group' and label == 'mean' and head == 'cdl'")
    assert whole["n"].sum() == len(first.image_id)


def test_p_is_adjusted_by_holm_within_kind_and_head(found):
    frame = found[2]
    part = frame.query("kind == 'gap' and head == 'cdl' and label == 'mean'")
    assert len(part) == 5 and set(part["n_family"]) == {5}  # sex 1, age 3, view 1
    order = np.argsort(part["p"].to_numpy())
    stepped = part["p"].to_numpy()[order] * np.arange(5, 0, -1)
    by_hand = np.empty(5)
    by_hand[order] = np.minimum(1, np.maximum.accumulate(stepped))
    np.testing.assert_allclose(part["p_adjusted"], by_hand)
    labels = frame.query("kind == 'gap difference' and label != 'mean'")
    assert set(labels["n_family"]) == {20}
    assert frame.query("kind == 'group'")["p_adjusted"].isna().all()


def test_small_groups_lost_labels_and_unequal_seeds():
    given = tables(films=300)
    given[("mlp", 0)] = given["cdl", 0]
    given[("late", 7)] = given["cdl", 1]
    first = given["cdl", 0]
    has = first.truth[:, 0] == 1
    # the small group: every film of ten patients, none of whom has the first label
    free = [p for p in np.unique(first.patient_id) if not has[first.patient_id == p].any()][:10]
    attributes = pd.DataFrame({"site": np.where(np.isin(first.patient_id, free), "b", "a")}, index=first.image_id)
    heads = ("cdl", "mlp", "late")
    frame = broken_down(given, attributes, heads=heads, small_group=20)
    gap = frame.query("kind == 'gap' and head == 'cdl'").set_index("label")
    assert gap["small"].all() and gap.loc["mean", "n_labels"] < 4 and gap.loc["mean", "reference"] == "a"
    assert gap.loc[FOUR[0], "reason"] == "no patient with the finding in b" and np.isnan(gap.loc[FOUR[0], "value"])
    assert gap.loc["mean", "reason"].startswith(FOUR[0]) and "too few patients" in gap.loc["mean", "reason"]
    pair = frame.query("kind == 'gap difference' and label == 'mean'").set_index("head_b")
    assert pair.loc["mlp", "n_seeds"] == 1 and pair.loc["mlp", "value"] == 0 and pair.loc["mlp", "basis"] == ""
    assert pair.loc["late", "reason"] == "the two heads have no seed in common" and np.isnan(pair.loc["late", "value"])
    assert not broken_down(given, attributes, heads=heads, small_group=5)["small"].any()


def test_nothing_known_is_said_and_no_run_is_refused():
    given = tables(films=60, seeds=(0,))
    first = given["cdl", 0]
    nothing = pd.DataFrame({"sex": "", "age": np.nan, "view": ""}, index=first.image_id)
    frame = broken_down(given, nothing)
    assert list(frame.columns) == list(subgroups.COLUMNS) and frame["kind"].tolist() == ["none"]
    assert frame["reason"].tolist() == ["this data set gives no sex, age or view"]
    with pytest.raises(InputError, match="no run of mlp; give predictions"):
        broken_down(given, nothing, heads=("mlp",))


def test_rows_and_runs_in_any_order_give_the_same(found):
    given, attributes, frame = found
    shuffled = {key: given[key] for key in reversed(given)}
    again = broken_down(shuffled, attributes.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(frame, again)


def test_the_file_is_read_as_it_was_written(found, tmp_path):
    frame = found[2]
    write_csv(frame, tmp_path / "s.csv")
    again = inputs.load("subgroups", tmp_path / "s.csv")
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


def test_with_seeds_alone_the_words_follow_the_paired_t_test(found):
    """A gap is paired over the trainings of one head, a difference of gaps over the seeds of both."""
    given, attributes, both = found
    frame = broken_down(given, attributes, inference="seeds")
    first = given["cdl", 0]
    of = attributes.loc[first.image_id, "view"].to_numpy()

    def aurocs(head, view):
        """Mean over labels of every seed."""
        tables = [given[head, seed] for seed in range(3)]
        return [
            np.mean([roc_auc_score(t.truth[of == view, j], t.probability[of == view, j]) for j in range(4)])
            for t in tables
        ]

    expected = {("gap", head): stats.ttest_rel(aurocs(head, "AP"), aurocs(head, "PA")) for head in ("cdl", "dqc")}
    gaps = {head: np.subtract(aurocs(head, "AP"), aurocs(head, "PA")) for head in ("cdl", "dqc")}
    expected["gap difference", "cdl"] = stats.ttest_rel(gaps["cdl"], gaps["dqc"])
    rows = frame.query("label == 'mean' and group == 'AP' and kind != 'group'").set_index(["kind", "head"])
    for key, test in expected.items():
        assert rows.loc[key]["basis"] == "seeds" and rows.loc[key]["p"] == pytest.approx(test.pvalue)
        interval = test.confidence_interval()
        assert (rows.loc[key]["ci_low"], rows.loc[key]["ci_high"]) == pytest.approx(tuple(interval))
    changed = ["basis", "p", "p_adjusted", "n_family"]  # the other tests stand beside it as they were
    pd.testing.assert_frame_equal(frame.drop(columns=changed), both.drop(columns=changed))
    alone = broken_down({("cdl", 0): given["cdl", 0]}, attributes, inference="seeds").query("kind == 'gap'")
    assert alone["p"].isna().all() and set(alone["basis"]) == {""}
    assert set(alone["reason"]) == {"one seed: a test over seeds needs two"}
