"""A study that varies something: comparisons, bootstrap, figures and tables are of one variant at a time."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qcxr.analysis import bootstrap, cards, comparisons, figures, metrics, report, statistics, tables, trials
from qcxr.analysis.facts import Study
from qcxr.analysis.figures import style
from qcxr.analysis.figures import vary as drawing
from qcxr.analysis.inputs import load
from qcxr.analysis.outline import Outline
from qcxr.analysis.predictions import RunKey
from qcxr.analysis.replicates import Resampling
from qcxr.analysis.results import read_results
from qcxr.analysis.shown import Shown
from qcxr.errors import InputError
from qcxr.study.files import write_csv

from . import synthetic

FRACTIONS = [0.01, 0.1, 1.0]
KINDS = {
    "data.fraction": FRACTIONS,  # a log axis
    "head.noise.readout_0": [0, 0.001, 0.1],  # 0 beside a log range
    "head.layers": [1, 3, 5],  # numbers
    "head.init": ["uniform", "small", "zeros"],  # categories
}


def outline(axis="data.fraction", values=FRACTIONS, *, alone=("cdl",), base=""):
    """Heads cdl, dqc and deep along one axis; those in `alone` do not have the key."""
    names = {f"{axis}~{value}": {axis: value} for value in values}
    arms = []
    for head in ("cdl", "dqc", "deep"):
        own = {"": {}} if head in alone else names
        arms += [{"head": head, "variant": name, "at": at} for name, at in own.items()]
    heads = {"cdl": "", "dqc": "kind dqc", "deep": "kind dqc, layers 10"}
    return {"heads": heads, "axes": {axis: values}, "variants": names, "arms": arms, "base": base}


def scored(given, *, seeds=(0, 1, 2, 3)):
    """Metrics of every arm: two labels and their mean on two data sets, values that tell where they come from."""
    rng = np.random.default_rng(0)
    rows = []
    for k, arm in enumerate(given["arms"]):
        for seed in seeds:
            for dataset in ("nih", "mimic"):
                for metric in ("auroc", "average_precision"):
                    values = 0.5 + 0.03 * k + 0.02 * rng.random(2)
                    for label, value in zip(("A", "B", "mean"), (*values, values.mean()), strict=True):
                        rows.append(
                            {"task": "cxr8", "head": arm["head"], "variant": arm["variant"], "seed": seed}
                            | {"dataset": dataset, "label": label, "metric": metric, "value": value, "n": 100}
                            | {"n_positive": 10, "reason": "", "n_labels": 2}
                        )
    return pd.DataFrame(rows)


def values_of(frame, head, variant, dataset="nih", metric="auroc", label="mean"):
    rows = frame[(frame["head"] == head) & (frame["variant"] == variant) & (frame["dataset"] == dataset)]
    rows = rows[(rows["metric"] == metric) & (rows["label"] == label)]
    return rows.sort_values("seed")["value"].to_numpy()


def test_heads_are_compared_within_a_variant():
    given = outline()
    frame = scored(given)
    tests = statistics.compare(
        frame, heads=["cdl", "dqc", "deep"], against=("cdl", "dqc"), outline=Outline.from_json(given)
    )
    mean = tests[(tests["label"] == "mean") & (tests["dataset"] == "nih") & (tests["metric"] == "auroc")]
    assert list(tests.columns[5:7]) == ["head_b", "variant"] and len(mean) == 3 * 3
    for row in mean.to_dict("records"):
        a = values_of(frame, row["head_a"], "" if row["head_a"] == "cdl" else row["variant"])
        b = values_of(frame, row["head_b"], row["variant"])
        judge = stats.ttest_rel(a, b)
        assert row["p"] == pytest.approx(judge.pvalue) and row["difference"] == pytest.approx((a - b).mean())
        assert row["n_seeds"] == 4
    # without an outline the names found are taken, and a head of no variant stands everywhere
    found = statistics.compare(frame, heads=["cdl", "dqc", "deep"], against=("cdl", "dqc"))
    pd.testing.assert_frame_equal(found, tests)


def test_two_heads_without_the_key_are_compared_once():
    given = outline(alone=("cdl", "dqc"))
    tests = statistics.compare(scored(given), heads=["cdl", "dqc", "deep"], outline=Outline.from_json(given))
    assert tests.groupby("head_b")["variant"].unique().map(list).to_dict() == {
        "dqc": [""],
        "deep": [*given["variants"]],
    }


def test_a_variant_without_the_reference_is_said():
    given = outline(alone=())
    frame = scored(given)
    last = [*given["variants"]][-1]
    lost = frame[~((frame["head"] == "cdl") & (frame["variant"] == last))]
    said = statistics.unpaired(lost, ["cdl", "dqc", "deep"], outline=Outline.from_json(given))
    assert said[0] == (
        "CXR-8, NIH-CXR-LT, data.fraction 1: no runs of CDL, which others are compared with, so nothing is compared "
        "there (scored: DQC, deep)."
    )
    assert len(said) == 2 and statistics.unpaired(frame, ["cdl", "dqc", "deep"]) == []


def test_metrics_have_the_column_only_where_a_run_is_of_a_variant(tmp_path):
    table = synthetic.predict(synthetic.truth(synthetic.LABELS["cxr8"], films=60), head="dqc", seed=0)
    table.to_parquet(tmp_path / "p.parquet")
    paths = []
    for variant in ("", "data.fraction~0.1"):
        paths.append(tmp_path / f"m{len(paths)}.csv")
        run = RunKey("cxr8", "dqc", 0, "nih", variant)
        metrics.score_run(tmp_path / "p.parquet", None, paths[-1], run=run)
    assert "variant" not in metrics.read_metrics(paths[0])
    both = metrics.read_metrics(paths)
    assert list(both.columns[:4]) == ["task", "head", "variant", "seed"]
    assert both["variant"].value_counts().to_dict() == {"": len(both) // 2, "data.fraction~0.1": len(both) // 2}
    with pytest.raises(InputError, match=r"hold cxr8/dqc/data\.fraction~0\.1/seed0 on nih twice"):
        metrics.read_metrics([paths[1], paths[1]])


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """Runs on disk of a study along data.fraction, cdl without the key: metrics, tests, bootstrap, by kind."""
    root, given, seeds = tmp_path_factory.mktemp("varied"), outline(), (0, 1)
    there = Outline.from_json(given)
    tabs = {
        name: synthetic.truth(synthetic.LABELS["cxr8"], films=150, seed=k)
        for k, name in enumerate(("nih", "validation"))
    }
    folders, files = {}, []
    for arm in given["arms"]:
        for seed in seeds:
            folder = synthetic.run_folder(
                root / f"runs{arm['variant']}", task="cxr8", head=arm["head"], seed=seed, tables=tabs
            )
            run = json.loads((folder / "run.json").read_text())
            run |= {"kind": "cdl" if arm["head"] == "cdl" else "dqc", "variant": arm["variant"]}
            (folder / "run.json").write_text(json.dumps(run))
            folders[arm["head"], arm["variant"], seed] = folder
            files.append(folder / "nih.csv")
            key = RunKey("cxr8", arm["head"], seed, "nih", arm["variant"])
            metrics.score_run(folder / "predictions" / "nih.parquet", None, files[-1], run=key)
    frame = metrics.read_metrics(files)
    write_csv(frame, root / "metrics.csv")
    write_csv(statistics.compare(frame, heads=["cdl", "dqc", "deep"], outline=there), root / "tests.csv")
    boots = []
    for name in given["variants"]:
        arms = {(head, there.standing(head, name).variant) for head in given["heads"]}
        runs = [
            path / "predictions" / "nih.parquet"
            for (head, variant, _), path in folders.items()
            if (head, variant) in arms
        ]
        boots.append(root / f"bootstrap-{name}.csv")
        bootstrap.bootstrap_files(runs, boots[-1], heads=[*given["heads"]], resampling=Resampling(100), variant=name)
    paths = [*folders.values()]
    files = {"metrics": root / "metrics.csv", "tests": root / "tests.csv", "bootstrap": boots, "runs": paths}
    files |= {"history": paths, "steps": paths, "predictions": [p / "predictions" / "nih.parquet" for p in paths]}
    return given, files


def test_a_bootstrap_is_of_one_variant(varied, tmp_path):
    given, files = varied
    frames = [pd.read_csv(path, keep_default_na=False) for path in files["bootstrap"]]
    assert [set(frame["variant"]) for frame in frames] == [{name} for name in given["variants"]]
    assert list(frames[0].columns[5:9]) == ["head", "head_b", "variant", "seed"]
    cdl = [frame[(frame["head"] == "cdl") & (frame["kind"] == "head")].drop(columns="variant") for frame in frames]
    pd.testing.assert_frame_equal(cdl[0], cdl[1])  # the same runs, and the same draws
    with pytest.raises(InputError, match="a bootstrap is of one variant, got runs of several"):
        bootstrap.bootstrap_files(files["predictions"], tmp_path / "b.csv", heads=["cdl", "dqc"])


@pytest.mark.parametrize(
    "name", ["losses", "mean_auroc", "labels-cxr8-nih", "difference-cxr8", "volcano-cxr8", "roc-cxr8-nih"]
)
def test_other_figures_show_the_base_variant(varied, tmp_path, name):
    """Byte for byte those of a study that has the base variant's runs only."""
    given, files = varied
    base = [*given["variants"]][1]
    paths = {"out_pdf": tmp_path / "f.pdf", "out_png": tmp_path / "f.png"}
    figures.draw(name, files, outline=given | {"base": base}, heads=["cdl", "dqc", "deep"], **paths)
    own = [run for run in files["runs"] if json.loads((run / "run.json").read_text())["variant"] in ("", base)]
    frame = metrics.read_metrics(files["metrics"])
    alone = frame[frame["variant"].isin(["", base])].drop(columns="variant")
    write_csv(alone, tmp_path / "metrics.csv")
    write_csv(statistics.compare(alone, heads=["cdl", "dqc", "deep"]), tmp_path / "tests.csv")
    plain = {"metrics": tmp_path / "metrics.csv", "tests": tmp_path / "tests.csv", "history": own, "steps": own}
    plain["predictions"] = []
    for run in own:  # the same run without the name of a variant
        folder = tmp_path / "runs" / "-".join(run.parts[-2:])
        (folder / "predictions").mkdir(parents=True)
        about = json.loads((run / "run.json").read_text()) | {"variant": ""}
        (folder / "run.json").write_text(json.dumps(about))
        plain["predictions"].append(folder / "predictions" / "nih.parquet")
        plain["predictions"][-1].write_bytes((run / "predictions" / "nih.parquet").read_bytes())
    again = {"out_pdf": tmp_path / "g.pdf", "out_png": tmp_path / "g.png"}
    figures.draw(name, plain, heads=["cdl", "dqc", "deep"], **again)
    assert paths["out_png"].read_bytes() == again["out_png"].read_bytes()


@pytest.mark.parametrize("axis", KINDS)
def test_a_curves_numbers_are_those_of_its_runs(axis):
    """Every kind of axis: means, t-intervals and runs as drawn, against numpy and scipy."""
    given = outline(axis, KINDS[axis])
    frame = scored(given)
    with style.applied():
        figure = drawing.vary(metrics=frame, heads=["cdl", "dqc", "deep"], axis=axis, outline=Outline.from_json(given))
        figure.draw_without_rendering()
    places, kind = drawing.scale(KINDS[axis])
    assert kind == {"data.fraction": "log", "head.noise.readout_0": "broken", "head.init": "category"}.get(
        axis, "linear"
    )
    panels = iter(figure.axes)
    for metric in ("auroc", "average_precision"):
        for dataset in ("nih", "mimic"):
            axes = next(panels)
            for k, head in enumerate(("cdl", "dqc", "deep")):
                runs = [
                    values_of(frame, head, "" if head == "cdl" else name, dataset, metric) for name in given["variants"]
                ]
                line, dots = axes.lines[2 * k : 2 * k + 2]
                np.testing.assert_allclose(line.get_xdata(), places)
                np.testing.assert_allclose(line.get_ydata(), [np.mean(v) for v in runs])
                assert sorted(dots.get_ydata()) == sorted(np.concatenate(runs))
                corners = axes.collections[2 * k].get_paths()[0].vertices[:, 1]
                edges = [stats.t.interval(0.95, 3, v.mean(), stats.sem(v)) for v in runs]
                assert (corners.min(), corners.max()) == pytest.approx(
                    (min(e[0] for e in edges), max(e[1] for e in edges))
                )
            assert len(set(axes.lines[0].get_ydata())) == 1  # cdl does not have the key: a level line
    names = [tick.get_text() for tick in figure.axes[2].get_xticklabels()]
    assert names == [{"uniform": "uniform"}.get(v, f"{v:g}" if not isinstance(v, str) else v) for v in KINDS[axis]]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == (["//"] if kind == "broken" else [])


def test_patients_intervals_are_the_bootstraps(varied):
    given, files = varied
    loaded = read_results({kind: files[kind] for kind in ("metrics", "tests", "bootstrap")}, outline=given)
    with style.applied():
        figure = drawing.vary(
            metrics=loaded.metrics, bootstrap=loaded.bootstrap, heads=["cdl", "dqc", "deep"], axis="data.fraction",
            outline=loaded.outline,
        )  # fmt: skip
    assert len(figure.axes) == 2
    for axes, metric in zip(figure.axes, ("auroc", "average_precision"), strict=True):
        for k, head in enumerate(("cdl", "dqc", "deep")):
            bars = axes.collections[2 * k + 1].get_segments()
            for path, bar in zip(files["bootstrap"], bars, strict=True):
                chosen = f"head == '{head}' and kind == 'head' and label == 'mean' and seed == 'mean'"
                rows = pd.read_csv(path).query(f"{chosen} and metric == '{metric}'")
                assert list(bar[:, 1]) == pytest.approx([rows["ci_low"].item(), rows["ci_high"].item()])


def test_intervals_of_the_configurations_own_point_are_there(varied, tmp_path):
    """Its file has no column of variants, as that of a study that varies nothing: its rows are those of variant ""."""
    _, files = varied
    one = pd.read_csv(files["bootstrap"][0])
    own = tmp_path / "own.csv"
    one.drop(columns="variant").to_csv(own, index=False)
    read = load("bootstrap", [own, files["bootstrap"][1]])
    assert (read["variant"] == "").sum() == len(one) and read["variant"].notna().all()


def test_a_figure_for_every_varied_key_is_listed_and_drawn(varied, tmp_path):
    given, files = varied
    listed = figures.names(tasks=("cxr8",), datasets=("nih",), heads=("cdl", "dqc"), axes=given["axes"])
    assert "vary-data.fraction" in listed and "search" not in listed
    plain = figures.names(tasks=("cxr8",), datasets=("nih",), heads=("cdl", "dqc"))
    assert set(listed) - set(plain) == {"vary-data.fraction"}
    out = {"out_pdf": tmp_path / "f.pdf", "out_png": tmp_path / "f.png"}
    figures.draw("vary-data.fraction", files, outline=given, **out)
    assert (tmp_path / "f.png").stat().st_size > 10_000
    with pytest.raises(InputError, match=r"its inputs know nothing of it; they allow vary-data\.fraction"):
        figures.draw("vary-head.layers", files, outline=given, **out)


def test_tables_carry_the_variant_and_the_report_shows_the_base(varied, tmp_path):
    given, files = varied
    results = read_results({kind: files[kind] for kind in ("metrics", "tests", "bootstrap", "runs")}, outline=given)
    built = tables.build(results)
    assert set(built["scores"]["Variant"]) == {"as configured", *given["variants"]} and len(built["means"]) == 6
    assert set(built["runs"]["Variant"]) == {"as configured", *given["variants"]}
    table = built["varied"]
    assert list(table["Value"].unique()) == ["0.01", "0.1", "1"] and len(table) == 9
    row = table[(table["Head"] == "deep") & (table["Value"] == "0.1")].iloc[0]
    values = values_of(results.metrics, "deep", "data.fraction~0.1")
    assert row["AUROC"] == f"{values.mean():.3f} ± {values.std(ddof=1):.3f}" and row["Seeds"] == 2
    assert re.fullmatch(r"\[0\.\d{3}, 0\.\d{3}\]", row["95 % over patients"])
    alone = results.at_base()
    assert len(alone.metrics) == len(results.metrics) // 7 * 3 and not alone.outline.varied
    assert len(comparisons.means(alone.tests)) == 2
    assert "; at data.fraction 1\n" in tables.summary_text(results.tests, results.metrics, outline=results.outline)
    by_n = tables.build(dataclasses.replace(results, shown=Shown(sd="population")), names=["varied"])
    place = (by_n["varied"]["Head"] == "deep") & (by_n["varied"]["Value"] == "0.1")
    assert list(by_n) == ["varied"]
    assert by_n["varied"].loc[place, "AUROC"].iloc[0] == f"{values.mean():.3f} ± {np.std(values):.3f}"
    report.write_report(tmp_path / "r.html", results)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert 'id="varied"' in text and 'id="heads"' in text and 'id="search"' not in text
    assert "CDL does not have it and stands at every value with the same runs." in text
    assert "Of what is varied, here at data.fraction 1." in text and "kind dqc, layers 10" in text
    cards.model_card(tmp_path / "m.md", results, Study())
    assert "defined (at data.fraction 1):" in (tmp_path / "m.md").read_text(encoding="utf-8")


def test_what_is_said_of_one_variant_is_what_its_rows_hold(varied, tmp_path, monkeypatch):
    """Facts and captions of the base variant do not speak of other variants' tests; no table is made twice."""
    given, files = varied
    results = read_results({kind: files[kind] for kind in ("metrics", "tests", "bootstrap", "runs")}, outline=given)
    elsewhere = results.tests["variant"] != results.outline.base
    tests = results.tests.copy()
    assert len(results.at_base().tests) == (~elsewhere).sum() and elsewhere.any()
    tests.loc[elsewhere, ["basis", "patients_low", "patients_high"]] = ["patients", 0.0, 0.1]
    tests.loc[~elsewhere, ["p", "p_adjusted"]] = np.nan
    changed = dataclasses.replace(results, tests=tests)
    facts = changed.facts(Study())
    assert not facts.tested and not facts.t_tested and facts.compared and "patients" not in facts.bases
    made = []
    for name in ("means", "labels", "groups", "alone", "patients"):
        of = getattr(comparisons, name)
        monkeypatch.setattr(comparisons, name, lambda *args, of=of, name=name: made.append(name) or of(*args))
    report.write_report(tmp_path / "r.html", changed)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert sorted(made) == ["alone", "groups", "labels", "means", "patients"]
    caption = text[text.index("Mean AUROC over labels, mean ± sd over seeds. ") :].partition("Here of")[0]
    assert "over seeds, of the paired t-test" in caption and "over patients" not in caption


def test_a_study_without_heads_in_an_outline_has_no_new_sections(study, tmp_path):
    report.write_report(tmp_path / "r.html", study.results("runs"))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not re.search('id="(heads|varied|search)"', text)
    assert trials.space(pd.DataFrame()) == []
