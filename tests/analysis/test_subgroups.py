"""Subgroups against brute force, the bootstrap, DeLong and a simulation; groups, references, families and refusals."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from sklearn.metrics import roc_auc_score

from qcxr.analysis import clustered, delong, gaps, inputs, predictions, replicates, subgroups
from qcxr.analysis.attributes import groupings
from qcxr.analysis.components import over_both
from qcxr.analysis.figures import style
from qcxr.analysis.figures import subgroups as drawing
from qcxr.analysis.subgroups import Breakdown
from qcxr.errors import InputError
from qcxr.study.files import write_csv

from . import synthetic
from .test_figures import unseen

FOUR = synthetic.LABELS["cxr8"][:4]


def tables(*, films=600, seeds=(0, 1, 2), heads=("cdl", "dqc"), labels=FOUR, **keywords):
    truth = synthetic.truth(labels, films=films, floor=0.15, **keywords)
    return {
        (head, seed): predictions.check(synthetic.predict(truth, head=head, seed=seed))
        for head in heads
        for seed in seeds
    }


def known(given, *, seed=0):
    """Sex and age by patient, view by film, so that a patient may have films in both views; some are not known."""
    rng = np.random.default_rng(seed)
    first = next(iter(given.values()))
    people = np.unique(first.patient_id)
    sex = dict(zip(people, rng.choice(["F", "M", ""], len(people), p=[0.45, 0.5, 0.05]), strict=True))
    age = dict(zip(people, rng.uniform(20, 95, len(people)).round(), strict=True))
    frame = pd.DataFrame({"image_id": first.image_id})
    frame["sex"] = [sex[p] for p in first.patient_id]
    frame["age"] = [age[p] for p in first.patient_id]
    frame["view"] = rng.choice(["AP", "PA"], len(frame), p=[0.35, 0.65])
    return frame.set_index("image_id")


def broken_down(given, attributes, **keys):
    return subgroups.subgroups(given, attributes, task="cxr8", dataset="nih", breakdown=Breakdown(**keys))


@pytest.fixture(scope="module")
def found():
    given = tables()
    attributes = known(given)
    return given, attributes, broken_down(given, attributes)


def obuchowski(truth, score, patient, groups):
    """Variance of AUROC(first group) minus AUROC(second), by Obuchowski 1997's definitions, film by film."""
    people = sorted(set(patient))
    sums = []
    for films in groups:
        pos = [(p, s) for p, s, t, f in zip(patient, score, truth, films, strict=True) if f and t == 1]
        neg = [(p, s) for p, s, t, f in zip(patient, score, truth, films, strict=True) if f and t == 0]
        auroc = np.mean([(a > b) + (a == b) / 2 for _, a in pos for _, b in neg])
        x, y = dict.fromkeys(people, 0.0), dict.fromkeys(people, 0.0)
        for owner, a in pos:
            x[owner] += (np.mean([(a > b) + (a == b) / 2 for _, b in neg]) - auroc) / len(pos)
        for owner, b in neg:
            y[owner] += (np.mean([(a > b) + (a == b) / 2 for _, a in pos]) - auroc) / len(neg)
        i10, i01 = len({p for p, _ in pos}), len({p for p, _ in neg})
        sums.append((np.array(list(x.values())), i10 / (i10 - 1)))
        sums.append((np.array(list(y.values())), i01 / (i01 - 1)))
    signs = (1, 1, -1, -1)
    return sum(
        s * t * np.sqrt(f * g) * (a @ b)
        for (a, f), s in zip(sums, signs, strict=True)
        for (b, g), t in zip(sums, signs, strict=True)
    )


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


def test_ages_groups_and_what_cannot_be():
    films = np.array([f"f{k}" for k in range(9)], dtype=object)
    ages = [39.9, 40, 59, 60, 80, 411, np.nan, 0.5, 148]
    frame = pd.DataFrame({"age": ages}, index=films)
    (grouping,) = groupings(frame, films, films).values()
    assert grouping.names == ("under 40", "40 to 59", "60 to 79", "80 and over", "unknown")
    assert list(grouping.of) == [
        *("under 40", "40 to 59", "40 to 59", "60 to 79", "80 and over"),
        *("unknown", "unknown", "under 40", "unknown"),
    ]
    assert grouping.note == "2 films with an age that cannot be (148 to 411 years) counted as unknown"
    assert grouping.reference == "under 40" and "unknown" not in grouping.compared  # the first of two equally large
    (grouping,) = groupings(frame, films, films, age_borders=[17.5]).values()
    assert grouping.names == ("under 17.5", "17.5 and over", "unknown") and grouping.reference == "17.5 and over"


def test_references_and_other_attributes():
    films = np.array([f"f{k}" for k in range(6)], dtype=object)
    frame = pd.DataFrame(
        {
            "sex": ["male", "female", "F", "F", "M", ""],
            "view": ["AP", "AP", "PA", "AP", "AP", "AP"],
            "hospital": ["north"] * 5 + ["south"],
            "scanner": [""] * 6,
        },
        index=films,
    )
    found = groupings(frame, films, films, kept=["sex"])
    assert list(found) == ["sex", "hospital"]  # view is not wanted, no scanner is known
    assert found["sex"].names == ("F", "M", "unknown") and found["sex"].compared == ("F",)
    assert found["hospital"].reference == "north" and found["hospital"].compared == ("south",)
    assert groupings(frame, films, films)["view"].reference == "PA"
    alone = groupings(frame.assign(view="AP"), films, films)["view"]
    assert alone.names == ("AP",) and alone.reference == "" and alone.compared == ()


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


def test_error_rate_where_there_is_no_gap():
    """Films of a patient share a shift, some patients are in both groups, seeds differ in each group by chance."""
    rng = np.random.default_rng(3)
    trials, seeds, n_patients, films = 600, 4, 90, 360
    rejected = {"both": 0, "patients": 0}
    for _ in range(trials):
        patient = rng.integers(0, n_patients, films)
        ill = rng.random(n_patients) < 0.4
        truth = np.where(rng.random(films) < 0.8, ill[patient], rng.random(films) < 0.3).astype(float)
        group = np.where(rng.random(films) < 0.8, patient % 2, rng.integers(0, 2, films))
        shared = truth + 0.7 * rng.standard_normal(n_patients)[patient] + rng.standard_normal(films)
        gains = rng.normal(0, 0.4, (seeds, 2))[:, group]
        score = shared + gains * truth + 0.4 * rng.standard_normal((seeds, films))
        cells = [
            clustered.cell(truth[group == g], score[:, group == g], patient[group == g], n_patients) for g in (0, 1)
        ]
        found = clustered.measured({1.0: cells[:1], -1.0: cells[1:]}, np.arange(seeds))
        rejected["both"] += found.both.p < 0.05
        rejected["patients"] += found.patients.p < 0.05
    rate = rejected["both"] / trials
    assert 0.025 <= rate <= 0.08, rejected  # about three standard errors of 600 trials around .05
    assert rejected["patients"] / trials > 0.1  # patients alone forget the seeds


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


def test_the_file_is_read_as_it_was_written(found, tmp_path):
    frame = found[2]
    write_csv(frame, tmp_path / "s.csv")
    again = inputs.load("subgroups", tmp_path / "s.csv")
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)


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
    assert "no sex, age or view of the films is known" in figure.texts[0].get_text()
