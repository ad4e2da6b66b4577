"""What patients vary in groups and gaps: Obuchowski's formula, DeLong, the bootstrap, and the patients' table."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from qcxr.analysis import delong, patients, predictions, replicates

from . import grouped, synthetic

FOUR = grouped.LABELS
broken_down, known, tables = grouped.broken_down, grouped.known, grouped.tables


@pytest.fixture(scope="module")
def found():
    return grouped.example()


def summed(films, truth, score, patient):
    """A group's patients: sums of V10 - AUROC over m, and of V01 - AUROC over n; how many have such films, or any."""
    pos = [(p, s) for p, s, t, f in zip(patient, score, truth, films, strict=True) if f and t == 1]
    neg = [(p, s) for p, s, t, f in zip(patient, score, truth, films, strict=True) if f and t == 0]
    auroc = np.mean([(a > b) + (a == b) / 2 for _, a in pos for _, b in neg])
    x, y = (dict.fromkeys(sorted(set(patient)), 0.0) for _ in range(2))
    for owner, a in pos:
        x[owner] += (np.mean([(a > b) + (a == b) / 2 for _, b in neg]) - auroc) / len(pos)
    for owner, b in neg:
        y[owner] += (np.mean([(a > b) + (a == b) / 2 for _, a in pos]) - auroc) / len(neg)
    return x, y, len({p for p, _ in pos}), len({p for p, _ in neg}), len({p for p, _ in pos + neg})


def obuchowski(truth, score, patient, groups):
    """Variance of AUROC(first group) minus AUROC(second), by Obuchowski 1997's equations 3 to 6, film by film.

    S10 has the factor I10/(I10 - 1), S01 I01/(I01 - 1), and S11, of positives with negatives, I/(I - 1) of all I
    patients. Between groups, of which the paper has none, each factor is the geometric mean of the two groups' own.
    """
    sums = [summed(films, truth, score, patient) for films in groups]

    def factor(n, m):
        return np.sqrt(n / (n - 1) * m / (m - 1))

    def covariance(first, second):
        (x, y, i10, i01, i), (x2, y2, j10, j01, j) = first, second
        s10 = factor(i10, j10) * sum(x[p] * x2[p] for p in x)
        s01 = factor(i01, j01) * sum(y[p] * y2[p] for p in x)
        s11 = factor(i, j) * sum(x[p] * y2[p] + y[p] * x2[p] for p in x)
        return s10 + s01 + s11

    return covariance(sums[0], sums[0]) + covariance(sums[1], sums[1]) - 2 * covariance(*sums)


@pytest.mark.parametrize(("attribute", "group", "reference"), [("sex", "F", "M"), ("view", "AP", "PA")])
def test_a_gaps_patients_variance_is_obuchowskis(found, attribute, group, reference):
    """With views a patient is in both groups: their covariance counts."""
    given, attributes, _ = found
    frame = broken_down({key: given[key] for key in [("cdl", 0)]}, attributes)
    table = given["cdl", 0]
    of = attributes.loc[table.image_id, attribute]
    row = frame.query("kind == 'gap' and attribute == @attribute and label == 'Effusion' and group == @group").iloc[0]
    truth, score = table.of("Effusion")
    masks = [(of == name).to_numpy() for name in (group, reference)]
    aurocs = [roc_auc_score(truth[films], score[films]) for films in masks]
    assert row["reference"] == reference and row["value"] == pytest.approx(aurocs[0] - aurocs[1], abs=1e-12)
    expected = obuchowski(truth, score, list(table.patient_id), masks)
    assert row["patients_se"] ** 2 == pytest.approx(expected, rel=1e-10)
    assert row["basis"] == "patients" and np.isnan(row["total_se"])
    assert row["n_patients"] == len(set(table.patient_id[masks[0]]))
    assert row["reference_positive_patients"] == len(set(table.patient_id[masks[1] & (truth == 1)]))
    assert row["n_positive"] == int(truth[masks[0]].sum())


def test_one_film_per_patient_is_delong():
    truth = synthetic.truth(FOUR, films=400, floor=0.2)
    truth["patient_id"] = truth["image_id"]
    given = {("cdl", 0): predictions.check(synthetic.predict(truth, head="cdl", seed=0))}
    attributes = known(given)
    frame = broken_down(given, attributes, heads=("cdl",)).query("label == 'Effusion'").set_index(["kind", "group"])
    table, variance = given["cdl", 0], {}
    for sex in ("F", "M"):
        films = (attributes.loc[table.image_id, "sex"] == sex).to_numpy()
        y, score = (values[films] for values in table.of("Effusion"))
        variance[sex] = delong.covariance(*delong.components(y, score[None])[1:])[0, 0]
        assert frame.loc[("group", sex), "patients_se"] == pytest.approx(np.sqrt(variance[sex]))
    assert frame.loc[("gap", "F"), "patients_se"] == pytest.approx(np.sqrt(variance["F"] + variance["M"]))


def test_intervals_of_mean_gaps_are_the_bootstraps(found):
    """Patients drawn with all films, means over labels: the same standard error but for the bootstrap's own noise."""
    given, attributes, frame = found
    first = given["cdl", 0]
    people, patient = np.unique(first.patient_id, return_inverse=True)
    of = attributes.loc[first.image_id, "view"].to_numpy()
    draws = replicates.patient_weights(len(people), replicates=500, rng=np.random.default_rng(1))
    weights = np.concatenate(list(draws), axis=1)

    def replicated(head, view):
        """AUROC of the replicates, mean over labels and seeds."""
        films = of == view
        runs = [given[head, seed] for seed in range(3)]
        ranked = [
            replicates.RankedLabel(run.truth[films, j], run.probability[films, j], patient[films], len(people))
            for run in runs
            for j in range(len(FOUR))
        ]
        return np.mean([label.values(weights)[0] for label in ranked], axis=0)

    drawn = np.stack([replicated(head, "AP") - replicated(head, "PA") for head in ("cdl", "dqc")], axis=1)
    rows = frame.query("attribute == 'view' and label == 'mean' and group == 'AP' and kind != 'group'")
    rows = rows.set_index(["kind", "head"])["patients_se"]
    by_bootstrap = np.std(drawn, axis=0, ddof=1)
    difference = np.std(np.subtract(*np.transpose(drawn)), ddof=1)
    expected = {("gap", "cdl"): by_bootstrap[0], ("gap", "dqc"): by_bootstrap[1], ("gap difference", "cdl"): difference}
    for key, value in expected.items():
        assert rows[key] == pytest.approx(value, rel=0.12), key  # 500 draws: 3 % standard error


def test_a_group_of_all_films_is_the_patients_table(found):
    """Values, variances and degrees of freedom of heads, for every label and the mean."""
    given, attributes, _ = found
    whole = grouped.broken_down(given, pd.DataFrame({"site": "a"}, index=attributes.index)).query("kind == 'group'")
    table = patients.patients(given, task="cxr8", dataset="nih").query("metric == 'auroc' and kind == 'head'")
    whole, table = (frame.set_index(["head", "label"]).sort_index() for frame in (whole, table))
    assert list(whole.index) == list(table.index) and len(whole) == 2 * 5
    for ours, theirs in (("value", "value"), ("patients_df", "patients_df")):
        np.testing.assert_allclose(whole[ours].astype(float), table[theirs].astype(float), rtol=1e-12)
    np.testing.assert_allclose(whole["patients_se"] ** 2, table["patients_variance"], rtol=1e-12)


def test_gaps_of_two_copies_of_the_films_are_the_patients_table(found):
    """The second copy, of other patients, has constant predictions, whose AUROC is 0.5 whoever they are.

    So a gap varies as an AUROC of the patients' table does, and a difference of gaps as a difference of heads.
    """
    given, attributes, _ = found
    ids = list(attributes.index)
    doubled, of = {}, pd.DataFrame({"site": ["a"] * len(ids) + ["b"] * len(ids)}, index=[*ids, *(f"b{i}" for i in ids)])
    for (head, seed), table in given.items():
        copies = [
            dict(zip(("image_id", "patient_id"), pair, strict=True))
            for pair in (
                (table.image_id, table.patient_id),
                ([f"b{i}" for i in table.image_id], [f"b{p}" for p in table.patient_id]),
            )
        ]
        for copy, constant in zip(copies, (False, True), strict=True):
            for j, label in enumerate(table.labels):
                copy[f"y_{label}"] = table.truth[:, j]
                copy[f"p_{label}"] = 0.5 if constant else table.probability[:, j]
        doubled[head, seed] = predictions.check(pd.concat([pd.DataFrame(copy) for copy in copies], ignore_index=True))
    gaps = grouped.broken_down(doubled, of).query("kind in ('gap', 'gap difference')")
    table = patients.patients(given, task="cxr8", dataset="nih").query("metric == 'auroc'")
    gaps, table = (frame.set_index(["head", "head_b", "label"]).sort_index() for frame in (gaps, table))
    assert list(gaps.index) == list(table.index)
    np.testing.assert_allclose(gaps["patients_se"] ** 2, table["patients_variance"], rtol=1e-11)


def test_gaps_of_groups_without_common_patients_add_their_variances(found):
    rows = found[2].query("attribute == 'sex'")
    for _, part in rows.groupby(["head", "label"]):
        own = part.query("kind == 'group' and group != 'unknown'")["patients_se"]
        gap = part.query("kind == 'gap'")["patients_se"]
        assert gap.iloc[0] ** 2 == pytest.approx((own**2).sum(), rel=1e-12)


def test_aurocs_have_intervals_between_0_and_1():
    """Ten patients of a well ranked label; on the plain scale they would reach beyond 1."""
    given = grouped.tables(films=300)
    first = given["cdl", 0]
    few = np.isin(first.patient_id, np.unique(first.patient_id)[:10])
    attributes = pd.DataFrame({"site": np.where(few, "b", "a")}, index=first.image_id)
    for inference in ("both", "seeds"):
        rows = grouped.broken_down(given, attributes, inference=inference).query("kind == 'group' and value < 1")
        for kind in ("ci", "patients", "total"):
            low, high = rows[f"{kind}_low"].dropna(), rows[f"{kind}_high"].dropna()
            assert len(low) and low.min() >= 0 and high.max() <= 1
    beyond = rows["value"] + stats.t.ppf(0.975, rows["patients_df"]) * rows["patients_se"]
    assert beyond.max() > 1
