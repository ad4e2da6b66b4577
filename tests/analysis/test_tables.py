"""Tables against the tidy results they are made from, in three formats."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import captions, cells, comparisons, formats, inputs, paper, statistics, tables, versus
from qcxr.analysis.inference import Inference
from qcxr.analysis.questions import ANSWERS
from qcxr.analysis.shown import Shown

from . import synthetic


@pytest.fixture
def results(study):
    return study.results("counts", "runs", "parameters", "estimates")


def test_tables_are_written_in_three_formats(results, tmp_path):
    paths = tables.write_tables(tmp_path, dataclasses.replace(results, parameters=None))
    assert {p.stem for p in paths} == {"counts", "means", "groups", "labels", "scores", "runs"}
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    means = (tmp_path / "means.md").read_text(encoding="utf-8")
    row = results.tests.query("label == 'mean' and metric == 'auroc'").iloc[0]
    assert f"{row['mean_a']:.3f} ± {row['sd_a']:.3f}" in means and f"{row['percent_difference']:+.1f}" in means
    tex = (tmp_path / "means.tex").read_text(encoding="utf-8")
    assert tex.count(r" \\") == 1 + len(comparisons.means(results.tests)) and r"$\pm$" in tex and "95 \\%" in tex
    np.testing.assert_array_equal(pd.read_csv(tmp_path / "labels.csv")["g_z"], tables.build(results)["labels"]["g_z"])


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
    for (task, _), part in table.groupby(["Task", "Test set"]):  # one order on both test sets: that of the training
        names = synthetic.LABELS["cxr8" if task == "CXR-8" else "cxr19"]
        assert list(part["Label"]) == sorted(names, key=lambda label: -synthetic.TRAIN[label])
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
    assert len(lines) == 2 + 4 and "3 seeds; 95 % over seeds and patients" in lines[0] and max(map(len, lines)) < 120
    row = results.tests.query("label == 'mean' and metric == 'auroc'").iloc[0]
    assert lines[1].split("  ")[2:] and "Difference [95 %]" in lines[1]
    assert f"{row['difference']:+.3f} [{row['total_low']:+.3f}, {row['total_high']:+.3f}]" in lines[2]
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


def test_captions_say_by_which_test_and_family(results):
    assert "over seeds and patients together" in captions.captions(results)["means"]
    assert "adjusted for their family" in captions.captions(results)["labels"]  # the rules are not known
    shown = Shown(Inference(adjust="bh", family="study", margin=0.02, power=0.9))
    said = captions.of_tests("labels", results.tests, shown)
    assert "adjusted by Benjamini-Hochberg over the labels of all pairs of heads, tasks and test sets" in said
    assert "with 90 % power at 0.05" in said and "of 3 seeds its p cannot go below 0.25" in said
    assert "over the means of all pairs of heads, tasks and test sets" in captions.of_tests(
        "means", results.tests, shown
    )
    by_seeds = statistics.compare(results.metrics, inference=Inference(inference="seeds", adjust="none"))
    said = captions.of_tests("means", by_seeds, Shown(Inference(inference="seeds", adjust="none")))
    assert "over seeds, of the paired t-test" in said and "not adjusted for the number of tests" in said
    assert "patients" not in said


def test_the_leading_interval_is_that_of_the_basis_and_its_parts_stand_beside_it(results):
    table = comparisons.means(results.tests)
    row = results.tests.query("label == 'mean' and metric == 'auroc'").iloc[0]
    assert row["basis"] == "seeds and patients" and "Over" not in table
    assert table["± seeds"].iloc[0] == f"{(row['ci_high'] - row['ci_low']) / 2:.3f}"
    assert table["± patients"].iloc[0] == f"{(row['patients_high'] - row['patients_low']) / 2:.3f}"
    bare = comparisons.means(statistics.compare(results.metrics))
    assert "± patients" not in bare and bare["± seeds"].iloc[0] == table["± seeds"].iloc[0]
    mixed = results.tests.copy()
    mixed.loc[mixed.index[mixed["label"] == "mean"][0], "basis"] = "seeds"
    assert set(comparisons.means(mixed)["Over"]) == {"seeds and patients", "seeds"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"mark": "ns", "significant": False, "equivalent": False, "detectable": 0.0312}, "0.031"),
        ({"mark": "ns", "significant": False, "equivalent": True, "detectable": 0.008}, "equivalent within 0.01"),
        ({"mark": "*", "significant": True, "equivalent": False, "detectable": 0.0312}, ""),
        ({"mark": "*", "significant": False, "equivalent": False, "detectable": 0.0312}, "0.031"),  # alpha 0.01
        ({"mark": "", "significant": False, "equivalent": False, "detectable": np.nan}, ""),
    ],
)
def test_beside_what_is_not_significant_stands_what_could_have_been_found(row, expected):
    assert cells.detectable(row, Inference()) == expected


def test_few_seeds_have_no_rank_test_in_tables():
    assert cells.wilcoxon({"n_seeds": 5, "wilcoxon_floor": 0.0625, "wilcoxon_p": 0.0625}) == "cannot go below 0.0625"
    assert cells.wilcoxon({"n_seeds": 6, "wilcoxon_floor": 0.03125, "wilcoxon_p": 0.0625}) == "0.062"


def test_the_printed_sd_may_divide_by_n(results):
    """As numpy's default, and the published notebook's; every table that prints one."""
    shown = Shown(sd="population")
    values = results.metrics.query(
        "task == 'cxr8' and dataset == 'nih' and label == 'mean' and metric == 'auroc' and head == 'cdl'"
    )["value"]
    expected = f"{values.mean():.3f} ± {np.std(values):.3f}"
    assert expected != f"{values.mean():.3f} ± {np.std(values, ddof=1):.3f}"
    assert comparisons.means(results.tests, shown)["CDL"].iloc[0] == expected
    assert tables.scores(results.metrics, shown)["auroc"].iloc[0] == expected
    alone = comparisons.alone(results.metrics, results.tests.head(0), results.estimates, shown)
    assert alone["AUROC"].iloc[0] == expected and alone["95 %"].str.fullmatch(r"\[0\.\d{3}, 1?0?\.\d{3}\]|—").all()
    assert "(dividing by n)" in captions.captions(dataclasses.replace(results, shown=shown))["scores"]
    assert "(dividing by n)" in captions.captions(dataclasses.replace(results, shown=shown))["varied"]
    summary = tables.summary_text(results.tests, results.metrics, shown=shown)
    assert "mean ± sd over 3 seeds (dividing by n); " in summary and expected in summary
    assert expected in tables.summary_text(results.tests.head(0), results.metrics, shown=shown)
    printed = versus.paper_vs_here(dataclasses.replace(results, shown=shown)).set_index(["Quantity", "Where"])
    here = printed.loc[("Mean AUROC, sd over seeds", "CXR-8, NIH-CXR-LT, CDL"), "Here"]
    assert here == pytest.approx(np.std(values))


def test_one_run_of_one_head_has_an_interval_over_patients_and_no_sd(study):
    """No caption promises a spread that no cell has."""
    results = study.results("estimates")
    frame = results.metrics.query("seed == 0 and head == 'dqc'").reset_index(drop=True)
    known = results.estimates.query("head == 'dqc'").copy()
    known[["total_low", "total_high", "seeds_low", "seeds_high"]] = np.nan  # as of one seed
    one = dataclasses.replace(results, metrics=frame, tests=results.tests.head(0), estimates=known)
    place = "Task == 'CXR-8' and `Test set` == 'NIH-CXR-LT' and Label == 'mean'"
    table = tables.build(one)["alone"].query(place).iloc[0]
    row = known.query("task == 'cxr8' and dataset == 'nih' and label == 'mean' and metric == 'auroc'").iloc[0]
    assert table["95 %"] == f"[{row['patients_low']:.3f}, {row['patients_high']:.3f}]" and table["Over"] == "patients"
    assert "±" not in table["AUROC"]
    assert not any("±" in caption for name, caption in captions.captions(one).items() if name != "benchmark")
    assert "over seeds" not in captions.captions(one)["varied"] + captions.captions(one)["bootstrap"]
    both = tables.build(dataclasses.replace(results, tests=results.tests.head(0)))["alone"]
    assert set(both["Over"]) == {"seeds and patients", ""}
    bare = results.estimates.drop(columns=["total_low", "total_high", "patients_low", "patients_high"])
    assert set(comparisons.alone(results.metrics, one.tests, bare)["Over"]) <= {"seeds", ""}
    tests = results.tests.assign(n_seeds=1)
    assert "Mean AUROC over labels, of one seed; " in tables.summary_text(tests)
    assert captions.of_tests("means", tests, Shown()).startswith("Mean AUROC over labels, of one seed. ")


def test_what_is_not_adjusted_has_no_column_that_says_so(study):
    rules = Inference(adjust="none", alpha=0.01)
    results = dataclasses.replace(study.results("estimates", "trend", "variance"), shown=Shown(rules))
    tests = statistics.compare(results.metrics, inference=rules)
    made = tables.build(dataclasses.replace(results, tests=tests))
    assert {"means", "labels", "trend", "variance"} <= set(made)
    of_tests = {"means", "groups", "labels", *ANSWERS}
    assert not any("p adjusted" in table for table in made.values())
    assert {name for name, table in made.items() if "p" in table} == of_tests & set(made)
    assert "p adjusted" not in tables.summary_text(tests, shown=results.shown)
    p = tests.query("label == 'mean' and metric == 'auroc'")["p_adjusted"]
    assert list(made["means"]["p"]) == [formats.p_value(value) for value in p]
