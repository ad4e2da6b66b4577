"""What stands above every table; of comparisons, which intervals, test and family, by the rules that were used."""

import pandas as pd

from qcxr.analysis import answers
from qcxr.analysis.cells import RANKED
from qcxr.analysis.inference import ADJUSTMENTS, BOTH, FAMILY, PATIENTS, SEEDS, UNADJUSTED, Inference
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.results import Results
from qcxr.analysis.shown import Shown

CAPTIONS = {
    "counts": "Positive films per label and split, sorted by occurrence (paper: Table I).",
    "parameters": "Parameters by component (paper: Table II).",
    "means": "Mean AUROC over labels and the differences of heads.",
    "own": "Means over labels of the study's own metrics, which plug-ins define, and the differences of heads.",
    "groups": "Mean AUROC over head, medium and tail labels by training frequency; films and patients of the test set "
    "with any finding of the group, each counted once.",
    "labels": "AUROC per label and the differences of heads.",
    "alone": "AUROC of heads that no other is compared with, mean ± sd over seeds; 95 %: interval over what the column "
    "Over names.",
    "scores": "All metrics, mean over labels, mean ± sd over seeds.",
    "bootstrap": "AUROC differences averaged over seeds, with 95 % intervals of a bootstrap over patients.",
    "subgroups": "Mean AUROC in groups of films with 95 % intervals of seeds and patients together unless noted, and "
    "its gap to the reference group over the labels of both.",
    "gap_differences": "How gaps between groups differ from head to head.",
    "heads": "The heads, and what differs from the first, with which the others are compared.",
    "varied": "Mean AUROC and average precision over labels at every varied value, mean ± sd over seeds, with 95 % "
    "intervals over seeds and, where there is a bootstrap, over patients.",
    "search": "The settings that each head's final runs were trained with, chosen on validation.",
    **answers.CAPTIONS,
    "runs": "What each run took.",
    "benchmark": "Seconds of a training step, mean ± sd over the timed steps (paper: Table III).",
    "paper": "The paper's numbers beside this study's.",
}

# The p that are adjusted together in tables of other rows than those of tests.
ADJUSTED = answers.ADJUSTED | {
    "subgroups": "the gaps of a task, test set and head",
    "gap_differences": "the gaps of a task, test set and pair of heads",
}

OVER = {
    BOTH: "over seeds and patients together",
    SEEDS: "over seeds, of the paired t-test",
    PATIENTS: "over patients, given these trained runs",
}
MEANT = "the means of all pairs of heads, tasks and test sets"
GROUPED = "the means of head, medium and tail labels of all pairs of heads, tasks and test sets"


def captions(results: Results) -> dict[str, str]:
    """The caption of every table, by name; those of comparisons say by which test, family and interval."""
    said = dict(CAPTIONS)
    if len(results.tests):
        said |= {name: of_tests(name, results.tests, results.shown) for name in ("means", "groups", "labels")}
    rules = results.shown.inference
    said |= {name: f"{CAPTIONS[name]} {of_family(over, rules)}" for name, over in ADJUSTED.items()}
    if not len(results.tests):
        said["variance"] = f"{answers.SPREAD}."
    seeds = results.most_seeds
    for name in ("alone", "scores", "varied"):
        said[name] = said[name].replace("mean ± sd over seeds", results.shown.of_seeds(seeds))
    if seeds < 2:
        said["bootstrap"] = said["bootstrap"].replace(" averaged over seeds", "")
        over = "over seeds and, where there is a bootstrap, over patients"
        said["varied"] = said["varied"].replace(over, "over patients, where there is a bootstrap")
    return said


def of_tests(name: str, tests: pd.DataFrame, shown: Shown) -> str:
    """The caption of the table `means`, `groups` or `labels` of these tests."""
    of = {
        "means": ("Mean AUROC over labels", tests["label"] == "mean", MEANT),
        "groups": ("Mean AUROC over head, medium and tail labels by training frequency", _grouped(tests), GROUPED),
        "labels": ("AUROC per label, common to rare in training", ~tests["label"].isin(MEANS), ""),
    }
    what, rows, family = of[name]
    part = tests[rows & (tests["metric"] == "auroc")]
    rules = shown.inference
    if not family:
        family = FAMILY[rules.family] if rules else "their family"
    bases = [basis for basis in OVER if (part["basis"] == basis).any()]
    texts = [f"{what}, {shown.of_seeds(int(tests['n_seeds'].max()))}."]
    if bases:
        texts += [_intervals(part, bases), _adjusted(rules, family), _beside(part, rules)]
    if name == "labels":
        texts.append(_ranks(part))
    return " ".join(text for text in texts if text)


def of_family(over: str, rules: Inference | None) -> str:
    """What stands in a column `p adjusted` of another table than those of tests; over: which p are one family."""
    if rules is None:
        return f"p adjusted: over {over}."
    if rules.adjust == "none":
        return f"p: as configured {UNADJUSTED}."
    return f"p adjusted: by {ADJUSTMENTS[rules.adjust]} over {over}."


def heading(tests: pd.DataFrame) -> str:
    """What the interval behind a difference is over, for a heading: `95 % over seeds and patients`."""
    bases = [basis for basis in OVER if (tests["basis"] == basis).any()]
    return f"95 % over {' or '.join(bases)}" if bases else "no interval"


def _grouped(tests: pd.DataFrame) -> pd.Series:
    return tests["label"].isin(MEANS[1:])


def _intervals(part: pd.DataFrame, bases: list[str]) -> str:
    """What the leading interval is over, and what stands beside it."""
    lead = f"Differences with 95 % intervals {OVER[bases[0]]}"
    if len(bases) > 1:
        lead = "Differences with 95 % intervals over what the column Over names"
    beside = [
        f"{column} ({words})"
        for column, low, words in (
            ("± seeds", "ci_low", "t, over trainings alone"),
            ("± patients", "patients_low", "over patients alone, given these runs"),
        )
        if part[low].notna().any()
    ]
    return f"{lead}; beside them half the intervals {' and '.join(beside)}." if beside else f"{lead}."


def _adjusted(rules: Inference | None, family: str) -> str:
    marks = "marks (* below 0.05, ** below 0.01, *** below 0.001) follow it"
    if rules is None:
        return f"p of that test, adjusted for {family}; {marks}."
    if rules.adjust == "none":
        return f"p of that test, not adjusted for the number of tests; {marks}."
    return f"p of that test, adjusted by {ADJUSTMENTS[rules.adjust]} over {family}; {marks}."


def _beside(part: pd.DataFrame, rules: Inference | None) -> str:
    """The raw p, the effect size, and what stands beside what is not significant."""
    text = "p raw: the paper's paired t-test over seeds, not adjusted. g_z: standardised difference, corrected for few "
    text = text + "seeds (Hedges). " if part["p"].notna().any() else ""
    if rules is None:
        return text + "Detectable, where none is significant: the smallest difference that would have been found."
    text += "Detectable, where none is significant: the smallest difference found with "
    text += f"{100 * rules.power:g} % power at {rules.alpha:g} by a single test"
    if part["equivalent"].astype(bool).any():
        return text + f"; equivalent: two one-sided tests bound the difference by {rules.margin:g} (p not adjusted)."
    return text + "."


def _ranks(part: pd.DataFrame) -> str:
    """Why there is no rank test where seeds are few."""
    few = part[part["wilcoxon_floor"].notna() & (part["n_seeds"] < RANKED)]
    if few.empty or (part["n_seeds"] >= RANKED).any():
        return ""
    n = int(few["n_seeds"].max())
    return f"Wilcoxon's test is left out: of {n} seeds its p cannot go below {few['wilcoxon_floor'].min():.4g}."
