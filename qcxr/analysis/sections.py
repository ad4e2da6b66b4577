"""What stands where in the report: its sections in order, each with its tables, its figures and its sentences.

A new table (a key of `qcxr.analysis.tables.build`) or figure (of `qcxr.analysis.figures.FIGURES`) is named here once,
sentences get a function in `SAID`; what no section names stands under "More tables" and "More figures".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from qcxr.analysis import answers, gaps, ladder, wording
from qcxr.analysis.answer import answer
from qcxr.analysis.facts import Facts, Study
from qcxr.analysis.learned import unlinked
from qcxr.analysis.results import Results


@dataclass(frozen=True)
class Place:
    """One section: its title, and the names of its tables and figures in order.

    A name that ends in * stands for all that begin so.
    """

    title: str
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()


SECTIONS: dict[str, Place] = {
    "result": Place("Result"),
    "means": Place("Means", ("means", "own", "estimates", "alone"), ("mean_auroc",)),
    "ladder": Place("Ladder of twins", ("ladder",), ("ladder",)),
    "search": Place("Search", ("search",), ("search",)),
    "varied": Place("Varied", ("varied", "interaction"), ("vary",)),
    "labels": Place("Labels", ("labels", "bootstrap"), ("difference", "volcano", "labels")),
    "longtail": Place("Long tail", ("groups", "trend"), ("longtail", "trend")),
    "variance": Place("Variance", ("variance",), ("variance",)),
    "subgroups": Place("Subgroups", ("subgroups", "gap_differences"), ("subgroups",)),
    "calibration": Place("Calibration", ("calibration",), ("reliability", "calibration", "decision")),
    "curves": Place("Curves", ("scores",), ("roc", "precision_recall")),
    "heads": Place("Heads", ("heads", "parameters"), ("circuit",)),
    "run": Place("What was run", ("runs", "benchmark"), ("losses",)),
    "data": Place("Data", ("counts",)),
    "tables": Place("More tables", ("*",)),
    "figures": Place("More figures", (), ("*",)),
    "paper": Place("Paper against here", ("paper",)),
    "deviations": Place("Deviations from the paper"),
    "limits": Place("Limits"),
    "paper_figures": Place("The paper's figures, drawn from these numbers", (), ("paper*",)),
}
# Figures that the page draws itself from the same numbers, as charts of these kinds (`qcxr.analysis.panels`).
DRAWN_HERE = {"difference": "forest", "volcano": "volcano"}


def said(results: Results, facts: Facts, study: Study) -> dict[str, list[str]]:
    """The sentences of every section that has some."""
    return {name: function(results, facts, study) for name, function in SAID.items()}


def _means(results: Results, facts: Facts) -> list[str]:
    """Of further references, and the second endpoint: mean average precision."""
    texts = list(answer(results, facts).more)
    if len(results.tests) and "average_precision" in set(results.tests["metric"]):
        found = answer(results, facts, metric="average_precision")
        texts.append(f"By average precision, the second endpoint: {found.verdict} {found.numbers}")
    return texts


def _of(found: pd.DataFrame | None, sentences: Callable[..., list[str]], facts: Facts) -> list[str]:
    """What is said of a table, if the study has it, at its level of significance and with its adjustment."""
    return [] if found is None else sentences(found, alpha=facts.alpha, adjust=facts.adjust)


SAID: dict[str, Callable[[Results, Facts, Study], list[str]]] = {
    "means": lambda results, facts, study: _means(results, facts),
    "ladder": lambda results, facts, study: ladder.sentences(results, facts),
    "search": lambda results, facts, study: wording.search(results.search, study.config),
    "varied": lambda results, facts, study: [
        *wording.varied(results.outline),
        *_of(results.interaction, answers.said_of_interaction, facts),
    ],
    "longtail": lambda results, facts, study: _of(results.at_base().trend, answers.said_of_trend, facts),
    "variance": lambda results, facts, study: _of(results.at_base().variance, answers.said_of_variance, facts),
    "subgroups": lambda results, facts, study: _of(results.subgroups, gaps.said, facts),
    "data": lambda results, facts, study: [*study.leaks, *unlinked(study.patientless), *study.learned, *study.notes],
}


def placed(names: Iterable[str], kind: str) -> dict[str, list[str]]:
    """Section -> the names of `kind` (tables or figures) that stand there, each name once."""
    left = list(dict.fromkeys(names))
    wanted = {section: getattr(place, kind) for section, place in SECTIONS.items()}
    found: dict[str, list[str]] = {}
    for least in (False, True):  # first what sections name, then what is left, where * stands alone
        for section, patterns in wanted.items():
            for pattern in patterns:
                if (pattern == "*") == least:
                    there = [name for name in left if name == pattern or _begins(name, pattern)]
                    found.setdefault(section, []).extend(there)
                    left = [name for name in left if name not in there]
    return found


def _begins(name: str, pattern: str) -> bool:
    return pattern.endswith("*") and name.startswith(pattern[:-1])
