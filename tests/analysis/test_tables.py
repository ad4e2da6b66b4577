"""Tables against the tidy results they are made from, in three formats."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import comparisons, formats, inputs, paper, statistics, tables, versus


@pytest.fixture
def results(study):
    return study.results("counts", "runs", "parameters")


def test_tables_are_written_in_three_formats(results, tmp_path):
    paths = tables.write_tables(tmp_path, dataclasses.replace(results, parameters=None))
    assert {p.stem for p in paths} == {"counts", "means", "groups", "labels", "scores", "runs"}
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    means = (tmp_path / "means.md").read_text(encoding="utf-8")
    row = results.tests.query("label == 'mean' and metric == 'auroc'").iloc[0]
    assert f"{row['mean_a']:.3f} ± {row['sd_a']:.3f}" in means and f"{row['percent_difference']:+.1f}" in means
    tex = (tmp_path / "means.tex").read_text(encoding="utf-8")
    assert tex.count(r" \\") == 1 + len(comparisons.means(results.tests)) and r"$\pm$" in tex and "95 \\%" in tex
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "labels.csv")["d_z"], tables.build(results)["labels"]["d_z"])


def test_with_more_than_two_heads_each_pair_is_a_whole_row(results):
    """A third head: every row names its own two, and no cell is empty."""
    tests = results.tests
    third = tests.assign(head_b="mlp", mean_b=tests["mean_b"] + 0.001)
    for name, make in (
        ("means", comparisons.means),
        ("groups", lambda tests: comparisons.groups(tests, results.metrics)),
    ):
        table = make(pd.concat([tests, third], ignore_index=True))
        assert not {"CDL", "DQC", "mlp"} & set(table), name
        assert table["Reference"].str.fullmatch(r"CDL (0\.\d{3} ± 0\.\d{3}|—)").all()
        assert table["Head"].str.split().str[0].value_counts().to_dict() == {
            "DQC": len(table) // 2,
            "mlp": len(table) // 2,
        }


def test_label_table_is_sorted_and_says_what_is_undefined(results):
    table = tables.build(results)["labels"]
    for _, part in table.groupby(["Task", "Test set"]):
        assert part["Positives"].is_monotonic_decreasing
    lost = table[table["Label"] == "Pneumomediastinum"]
    assert (lost["CDL"] == "—").all() and (lost["Note"] == "no positives").all()
    assert len(table) == 2 * (8 + 19)


def test_counts_leave_out_what_a_source_does_not_cover(results):
    frame = results.counts.copy()
    frame.loc[(frame["dataset"] == "mimic") & (frame["label"] == "Hernia"), ["n", "n_positive"]] = 0
    table = tables.counts(frame).set_index("Label")
    assert list(table) == [
        "NIH-CXR-LT train",
        "NIH-CXR-LT val",
        "NIH-CXR-LT test",
        "NIH-CXR-LT total",
        "MIMIC-CXR-LT test",
    ]
    assert pd.isna(table.loc["Hernia", "MIMIC-CXR-LT test"]) and table.loc["Hernia", "NIH-CXR-LT test"] == 13
    assert table["NIH-CXR-LT total"].is_monotonic_decreasing
    assert "—" in formats.markdown(table.reset_index())


def test_paper_against_here_covers_every_number(results):
    steps = pd.DataFrame({"task": ["cxr8"], "head": ["dqc"], "framework": ["jax"], "seconds": [0.05]})
    table = versus.paper_vs_here(dataclasses.replace(results, benchmark=steps))
    expected = {"Mean AUROC": 12, "Mean AUROC, sd over seeds": 12, "p, paired t-test": 6, "Percent difference": 6,
                "Best validation loss": 6, "GPU-hours, all seeds": 6, "Parameters": 12, "Positive films": 76,
                "Training step, s": 18}  # fmt: skip
    assert table["Quantity"].value_counts().to_dict() == expected
    mean = results.metrics.query(
        "label == 'mean' and metric == 'auroc' and task == 'cxr8' and dataset == 'nih' and head == 'cdl'"
    )
    row = table.iloc[0]
    assert (row["Where"], row["Paper"]) == ("CXR-8, NIH-CXR-LT, CDL", 0.77)
    assert row["Difference"] == pytest.approx(mean["value"].mean() - 0.77)
    assert table.loc[table["Where"].str.startswith("CXR-14, NIH"), "Here"].isna().all()  # not run in this study
    step = table[table["Where"] == "CXR-8, DQC, jax"].iloc[0]
    assert (step["Paper"], step["Here"]) == (0.06, 0.05)


def test_the_papers_numbers_are_consistent_with_each_other():
    for (task, dataset), percent in paper.PERCENT_DIFFERENCE.items():
        a, b = (paper.MEAN_AUROC[task, dataset, head][0] for head in ("cdl", "dqc"))
        assert statistics.percent_difference(a, b) == pytest.approx(percent, abs=0.4)  # theirs are of rounded means
    assert sum(paper.GPU_HOURS.values()) == pytest.approx(169, abs=0.5)
    for task, n in {"cxr8": 8, "cxr14": 14, "cxr19": 19}.items():
        assert paper.PARAMETERS["preprocess"][task] == (2048 + 1) * n
        assert (paper.PARAMETERS["quantum"][task], paper.PARAMETERS["postprocess"][task]) == (3 * n, n * n + n)


def test_benchmark_has_a_column_per_framework():
    steps = [("cxr8", "dqc", "jax", 0.05), ("cxr8", "dqc", "jax", 0.07), ("cxr8", "dqc", "torch", 0.13),
             ("cxr8", "cdl", "jax", 0.06)]  # fmt: skip
    frame = pd.DataFrame(steps, columns=["task", "head", "framework", "seconds"])
    table = tables.benchmark(frame)
    assert table.to_dict("records") == [
        {"Task": "CXR-8", "Head": "CDL", "jax": "0.060", "torch": "—"},
        {"Task": "CXR-8", "Head": "DQC", "jax": "0.060 ± 0.014", "torch": "0.130"},
    ]


def test_summary_is_short_and_names_the_seeds(results):
    text = tables.summary_text(results.tests)
    lines = text.splitlines()
    assert len(lines) == 2 + 4 and "3 seeds" in lines[0] and max(map(len, lines)) < 120
    assert lines[2].startswith("CXR-8   NIH-CXR-LT")


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (np.int64(12345), "12,345"), (0.12345, "0.123"), (np.nan, "—"), (None, "—"), ("x", "x"), (14.0, "14")],
)
def test_numbers_as_text(value, said):
    assert formats.number(value) == said


def test_p_values_as_text():
    assert [formats.p_value(p) for p in (0.0004, 0.0123, np.nan)] == ["< 0.001", "0.012", "—"]


def test_a_runs_slice_is_read_as_a_mapping(study, tmp_path):
    run = json.loads((study.folders[0] / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(run | {"config": '{"train":{"epochs":2}}'}))
    assert inputs.read_run(tmp_path)["config"] == {"train": {"epochs": 2}}
