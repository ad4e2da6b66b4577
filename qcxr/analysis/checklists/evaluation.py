"""How the models are evaluated: metrics, uncertainty, test sets, robustness, fairness, size."""

import pandas as pd

from qcxr.analysis.cards import by_groups
from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, key_value, metric_name, task_name

MAIN = "auroc"
NOT_SCORES = ("threshold",)
NAMES = {"brier": "Brier score", "ece": "expected calibration error"}


def metrics(known: Known) -> Answer:
    """What is measured."""
    found = [name for name in known.results.metrics["metric"].unique() if name not in NOT_SCORES]
    text = f"{listed([NAMES.get(name) or metric_name(name) for name in found])}, per label and as the mean over labels."
    text += " Heads are compared by the difference of AUROC." * known.facts.compared
    text += " The paper's published numbers stand beside them in the report." * known.facts.protocol
    return Answer(text, "why these")


def uncertainty(known: Known) -> Answer:
    """Intervals and tests."""
    facts, told = known.facts, []
    if facts.tested:
        told.append("Paired t-test over seeds with its 95 % interval")
    if _has(known.base.tests, "total_low"):
        told.append("an interval and test for seeds and patients together (clustered by patient)")
    if facts.patients:
        told.append("a bootstrap over patients with 95 % percentile intervals")
    if not told:
        return OPEN
    text = f"{'; '.join(told)}."
    adjusted = [name for name, column in ADJUSTED.items() if _has(known.base.tests, column)]
    if adjusted:
        text += f" p-values also adjusted over labels: {listed(adjusted)}."
    alpha = known.section("analysis").get("alpha")
    return Answer(text + (f" Level of significance {key_value(alpha)}." if alpha is not None else ""))


ADJUSTED = {"Holm": "p_holm", "Benjamini-Hochberg": "p_bh"}


def _has(frame: pd.DataFrame | None, column: str) -> bool:
    return frame is not None and column in frame and bool(frame[column].notna().any())


def robustness(known: Known) -> Answer:
    """What else was tried."""
    told = [f"{axis}: {', '.join(map(key_value, values))}" for axis, values in known.results.outline.axes.items()]
    if told:
        return Answer(f"Varied: {'; '.join(told)} (report.html, section Varied).")
    most = known.facts.seeds[1]
    if most > 1:
        return Answer(f"{most} seeds per head.", "other sensitivity analyses, if any")
    return OPEN


def internal(known: Known) -> Answer:
    """Test on the data set that was trained on."""
    own = known.section("data").get("train_on")
    if own not in known.facts.datasets:
        return OPEN
    return Answer(f"The test split of {dataset_name(str(own))}, whose other splits trained and validated.")


def external(known: Known) -> Answer:
    """Test on other data sets."""
    if not known.section("data").get("train_on"):
        return OPEN
    if not known.external:
        return Answer("None in this study.", "why not")
    sets = listed([dataset_name(name) for name in known.external])
    if known.demo:
        return Answer(f"{sets}, drawn by the same program: external in form only.")
    return Answer(f"The test split of {sets}, of which no film trained, validated or set a threshold.")


def sample_size(known: Known) -> Answer:
    """Why this size."""
    tests = known.base.tests
    if not _has(tests, "detectable"):
        return OPEN
    rows = tests[(tests["label"] == "mean") & (tests["metric"] == MAIN) & tests["detectable"].notna()]
    power = known.section("analysis").get("power")
    told = []
    for row in rows.to_dict("records"):
        told.append(f"{task_name(row['task'])} on {dataset_name(row['dataset'])} {row['detectable']:.3f}")
    how = f" with a power of {power:g}" if power else ""
    text = f"Smallest difference of mean AUROC that the tests would find{how}: {'; '.join(told)}."
    return Answer(text, "how the size was intended")


def heterogeneity(known: Known) -> Answer:
    """Clusters: patients with several films, hospitals."""
    told = []
    if known.facts.patients or _has(known.base.tests, "patients_se"):
        told.append("Intervals over patients keep all films of a patient together.")
    if known.external:
        told.append("Every test set is scored and shown on its own.")
    return Answer(" ".join(told)) if told else OPEN


def updating(known: Known) -> Answer:
    """Whether models are changed after evaluation."""
    if known.facts.foreign:
        return OPEN
    return Answer("None: models and thresholds meet every test set as training and validation left them.")


def fairness(known: Known) -> Answer:
    """What is done about groups of patients."""
    groups = by_groups(known.results.subgroups)
    if not groups:
        return OPEN
    return Answer(f"Results by {groups} are compared, with intervals (tables/subgroups.md); training takes no measure.")
