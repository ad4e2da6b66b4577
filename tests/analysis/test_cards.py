"""Cards hold the study's own numbers, and say what they are not for."""

import pandas as pd

from qcxr.analysis import cards, inputs
from qcxr.analysis.facts import Study


def test_model_card_has_the_results_and_the_limits(study, tmp_path):
    cards.model_card(tmp_path / "model.md", study.results("runs"), Study(demo=True))
    text = (tmp_path / "model.md").read_text(encoding="utf-8")
    row = inputs.load("tests", study.tests).query("label == 'mean' and metric == 'auroc'").iloc[0]
    assert f"{row['mean_a']:.3f} ± {row['sd_a']:.3f}" in text
    assert "CXR-8 (8 labels), CXR-19 (19 labels)" in text and "seeds 0, 1, 2" in text
    assert "Pneumomediastinum on NIH-CXR-LT (no positives)" in text
    assert "not a medical device" in text and "generated films" in text
    hours = sum(run["wall_seconds"] for run in inputs.load("runs", study.folders)) / 3600
    assert f"{hours:.2f} device-hours" in text
    assert "{{" not in text and "{%" not in text and "\n\n\n" not in text


def test_data_card_has_the_counts_and_what_was_left_out(study, tmp_path):
    issues = tmp_path / "issues.csv"
    pd.DataFrame({"image_id": ["a", "b"], "path": "x", "issue": ["missing", "missing"], "detail": ""}).to_csv(
        issues, index=False
    )
    cards.data_card(tmp_path / "data.md", counts=study.counts, issues={"nih": issues})
    text = (tmp_path / "data.md").read_text(encoding="utf-8")
    assert "| Infiltration " in text and "1,273" in text
    assert "NIH-CXR-LT: 2 films left out: 2 missing." in text
    assert "Tail labels (fewer than 100 positive films in training)" in text and "drawn by a program" not in text
    assert "{{" not in text and "\n\n\n" not in text


def test_issue_files_of_one_data_set_are_taken_together(tmp_path):
    for folder, issue in (("manifest", "missing"), ("cache", "unreadable")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "nih-issues.csv").write_text(f"image_id,path,issue,detail\na,x,{issue},\n")
    (tmp_path / "cache" / "mimic-issues.csv").write_text("image_id,path,issue,detail\n")
    assert cards.left_out(sorted(tmp_path.rglob("*.csv"))) == [
        "NIH-CXR-LT: 2 films left out: 1 unreadable, 1 missing.",
        "MIMIC-CXR-LT: 0 films left out.",
    ]
    assert cards.left_out({"nih": tmp_path / "cache" / "nih-issues.csv"}, words="noted by the audit") == [
        "NIH-CXR-LT: 1 film noted by the audit: 1 unreadable."
    ]
