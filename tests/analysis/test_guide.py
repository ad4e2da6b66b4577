"""docs/analysis.md is true: its numbers are the example's, computed here, and it names every column of every table."""

import importlib.util
import re
from pathlib import Path

import pytest

from qcxr.analysis import bootstrap, estimates, interaction, metrics, patients, statistics, subgroups, trend, variance

TABLES = [metrics, statistics, estimates, patients, bootstrap, trend, variance, interaction, subgroups]
DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "analysis.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.split("## A worked example\n")[1].split("\n## ")[0]
BLOCK = re.compile(r"```text\n(.*?)\n```", flags=re.DOTALL)


@pytest.fixture(scope="module")
def printed():
    spec = importlib.util.spec_from_file_location("analysis_example", DOCS / "analysis_example.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.blocks(module.analysed())


def test_the_examples_blocks_are_what_it_prints(printed):
    assert BLOCK.findall(PAGE) == [
        printed[name]
        for name in (
            *("estimates", "seeds", "both", "families", "size", "shape"),
            *("bootstrap", "delong", "trend", "variance", "subgroups"),
        )
    ]


def test_every_number_in_its_text_is_in_a_block():
    known = {number.lstrip("-") for block in BLOCK.findall(EXAMPLE) for number in re.findall(r"-?\d+\.\d+", block)}
    told = re.findall(r"\d+\.\d+", BLOCK.sub("", EXAMPLE))
    assert len(told) > 30 and not [number for number in told if number not in known]


def test_what_the_text_concludes_holds(printed):
    lines = {line.split()[0]: line.split() for line in printed["families"].splitlines()}
    marks = {name: cells[-2] for name, cells in lines.items()}
    assert marks.pop("mean") == "***" and marks.pop("label") == "mark"
    assert marks["Infiltration"] == marks["Nodule"] == "ns" and list(marks.values()).count("*") == 4
    assert "True" not in printed["size"] and printed["variance"].endswith("Pitman-Morgan")


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_named_where_its_table_is_described(table):
    common, *tables = re.split(r"\n\n(?=\*\*[a-z]+(?:\.csv|/))", PAGE.split("## Columns\n")[1].split("\n## ")[0])
    described = {re.match(r"\*\*([a-z]+)", text).group(1): text for text in tables}
    name = {statistics: "tests"}.get(table, table.__name__.rpartition(".")[2])
    texts = " ".join(re.findall(r"`([^`]*)`", common + described[name]))
    named = set(re.findall(r"[a-z][a-z_0-9]*", texts))
    prefix = re.compile(r"(patients|total|reference)_")  # said once for all of a kind in subgroups/
    lacking = [c for c in table.COLUMNS if c not in named and not (table is subgroups and prefix.match(c))]
    assert not lacking


def test_every_metric_is_named():
    assert all(f"`{metric}`" in PAGE for metric in metrics.METRICS)
