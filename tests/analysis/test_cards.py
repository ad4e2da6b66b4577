"""Cards hold the study's own numbers, and say what they are not for."""

import dataclasses

import pandas as pd

from qcxr.analysis import cards, inputs
from qcxr.analysis.facts import Study
from qcxr.analysis.frequencies import borders_said
from qcxr.analysis.shown import Shown


def read(path):
    return path.read_text(encoding="utf-8")


def test_model_card_has_the_results_and_the_limits(study, tmp_path):
    cards.model_card(tmp_path / "model.md", study.results("runs"), Study(demo=True))
    text = read(tmp_path / "model.md")
    row = inputs.load("tests", study.tests).query("label == 'mean' and metric == 'auroc'").iloc[0]
    assert f"{row['mean_a']:.3f} ± {row['sd_a']:.3f}" in text
    assert "CXR-8 (8 labels), CXR-19 (19 labels)" in text and "seeds 0, 1, 2" in text
    assert "Pneumomediastinum on NIH-CXR-LT (no positives)" in text
    assert "not a medical device" in text and "generated films" in text
    hours = sum(run["wall_seconds"] for run in inputs.load("runs", study.folders)) / 3600
    assert f"{hours:.2f} device-hours" in text
    assert "{{" not in text and "{%" not in text and "\n\n\n" not in text
    assert "Results by age, sex, view or device are not part of this card." in text
    assert "Calibration: the Brier score and the expected calibration error" in text


def test_groups_of_labels_are_said_by_the_borders_they_were_made_with(study, tmp_path):
    cards.model_card(tmp_path / "model.md", study.results("runs"), borders=borders_said(quantiles=(0.25, 0.75)))
    assert (
        "(head: above the 75 % quantile of the task's training counts; tail: at or below the 25 % quantile of the "
        "task's training counts)" in read(tmp_path / "model.md")
    )


def estimated():
    keys = {"task": "cxr8", "dataset": "nih", "metric": "auroc", "head": "dqc", "n_seeds": 3, "mean": 0.75, "sd": 0.02}
    over = {"seeds": (0.7, 0.8), "patients": (0.72, 0.78), "total": (0.69, 0.81)}
    ends = {f"{part}_{end}": value for part, both in over.items() for end, value in zip(("low", "high"), both)}  # noqa: B905
    return pd.DataFrame([keys | {"label": "mean"} | ends, keys | {"label": "mean_tail"} | dict.fromkeys(ends)])


def test_estimates_stand_with_their_three_intervals_where_there_are_any(study, tmp_path):
    results = dataclasses.replace(study.results("runs"), estimates=estimated())
    cards.model_card(tmp_path / "model.md", results)
    lines = read(tmp_path / "model.md").splitlines()
    (row,) = [line for line in lines if "| all " in line]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "CXR-8", "NIH-CXR-LT", "DQC", "AUROC", "all", "0.750 ± 0.020", "[0.690, 0.810]", "[0.700, 0.800]",
        "[0.720, 0.780]",
    ]  # fmt: skip
    assert any("| tail " in line and line.count("| — ") == 3 for line in lines)


def test_the_sd_of_the_notebook_stands_behind_estimates_where_it_is_configured(study, tmp_path):
    results = dataclasses.replace(study.results("runs"), estimates=estimated(), shown=Shown(sd="population"))
    cards.model_card(tmp_path / "model.md", results)
    text = read(tmp_path / "model.md")
    assert "| 0.750 ± 0.016 |" in text and "0.750 ± 0.020" not in text  # 0.02 of three seeds, times the root of 2/3
    assert "Every head by itself, mean ± sd over seeds (dividing by n), over all labels" in text


def test_a_card_with_subgroups_says_where_they_are(study, tmp_path):
    subgroups = pd.DataFrame({"attribute": ["sex", "sex", "view", ""], "kind": ["group", "gap", "group", "none"]})
    cards.model_card(tmp_path / "m.md", dataclasses.replace(study.results("runs"), subgroups=subgroups))
    text = read(tmp_path / "m.md")
    assert "Results by sex and view are in tables/subgroups.md" in text and "view or device are not" not in text
    assert cards.by_groups(subgroups[3:]) == "" == cards.by_groups(None)


def test_data_card_has_the_counts_and_what_was_left_out(study, tmp_path):
    issues = tmp_path / "issues.csv"
    pd.DataFrame({"image_id": ["a", "b"], "path": "x", "issue": ["missing", "missing"], "detail": ""}).to_csv(
        issues, index=False
    )
    counts = inputs.load("counts", study.counts)
    cards.data_card(tmp_path / "data.md", Study(notes=cards.left_out({"nih": issues})), counts=counts)
    text = read(tmp_path / "data.md")
    assert "| Infiltration " in text and "1,273" in text
    assert "NIH-CXR-LT: 2 films left out: 2 missing." in text
    assert "Tail labels (fewer than 100 positive films in training)" in text and "drawn by a program" not in text
    assert "{{" not in text and "\n\n\n" not in text and "who is behind them" not in text


def test_the_data_cards_tail_may_be_one_of_quantiles(tmp_path):
    counts = pd.DataFrame(
        [("nih", "train", label, 90, n) for label, n in (("A", 5), ("B", 10), ("C", 20), ("D", 80))]
        + [("nih", "train", "E", 0, 0)],  # not covered: of no group
        columns=["dataset", "split", "label", "n", "n_positive"],
    )
    cards.data_card(tmp_path / "data.md", counts=counts, quantiles=(0.4, 0.6))
    assert "Tail labels (at or below the 40 % quantile of all training counts): A, B." in read(tmp_path / "data.md")


def test_issue_files_of_one_data_set_are_taken_together(tmp_path):
    for folder, issue in (("manifest", "missing"), ("cache", "unreadable")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "nih-issues.csv").write_text(f"image_id,path,issue,detail\na,x,{issue},\n")
    (tmp_path / "cache" / "mimic-issues.csv").write_text("image_id,path,issue,detail\n")
    assert cards.left_out(sorted(tmp_path.rglob("*.csv"))) == [
        "MIMIC-CXR-LT: 0 films left out.",  # as they first appear
        "NIH-CXR-LT: 2 films left out: 1 unreadable, 1 missing.",
    ]
    assert cards.left_out({"nih": tmp_path / "cache" / "nih-issues.csv"}, words="noted by the audit") == [
        "NIH-CXR-LT: 1 film noted by the audit: 1 unreadable."
    ]
