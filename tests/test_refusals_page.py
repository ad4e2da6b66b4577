"""docs/refusals.md quotes what is said of bad input: every quotation stands in a test that provokes it."""

import re

import pytest

from tests.workflow.study import ROOT

ROWS = [
    (line.split(" | ")[0].strip("| "), line.rpartition("| `")[2].removesuffix("` |"))
    for line in (ROOT / "docs/refusals.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and line.endswith("` |")
]
TESTS = "\n".join(
    # as they stand in literals: without the escapes of regular expressions and the ends of lines cut in two
    re.sub(r"\"\n\s+r?f?\"", "", path.read_text(encoding="utf-8")).replace("\\", "")
    for path in sorted((ROOT / "tests").rglob("test_*.py"))
)


def test_there_are_many():
    assert len(ROWS) >= 50 and len({said for _, said in ROWS}) > 50


@pytest.mark.parametrize(("what", "said"), ROWS, ids=[what for what, _ in ROWS])
def test_what_the_page_quotes_stands_in_a_test(what, said):
    assert said in TESTS, f"no test provokes {what!r} with these words"
