"""How the models are evaluated: metrics, uncertainty, test sets, robustness, fairness, size."""

import pandas as pd

from qcxr.analysis.captions import MEANT
from qcxr.analysis.cards import by_groups
from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.inference import ADJUSTMENTS, BOTH, FAMILY, PATIENTS, SEEDS, UNADJUSTED
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, key_value, metric_name, task_name

MAIN = "auroc"
OVER = {
    BOTH: "over seeds and patients together (clustered by patient)",
    PATIENTS: "over patients (clustered by patient), given the trained models",
    SEEDS: "over seeds (paired t-test)",
}
NOT_SCORES = ("threshold",)
NAMES = {"brier": "Brier score", "brier_skill": "Brier skill", "ece": "expected calibration error"}


def metrics(known: Known) -> Answer:
    """What is measured."""
    scored = known.results.metrics
    found = [name for name in scored[scored["value"].notna()]["metric"].unique() if name not in NOT_SCORES]
    text = f"{listed([NAMES.get(name) or metric_name(name) for name in found])}, per label and as the mean over labels."
    text += " Heads are compared by the difference of AUROC." * known.facts.compared
    text += " The paper's published numbers stand beside them in the report." * known.facts.protocol
    return Answer(text, "why these")


def uncertainty(known: Known) -> Answer:
    """Intervals and tests."""
    facts, told = known.facts, []
    if facts.bases:
        told.append(f"95 % intervals and tests of differences {' or '.join(OVER[basis] for basis in facts.bases)}")
    if facts.t_tested and SEEDS not in facts.bases:
        told.append("beside them the paired t-test over seeds alone, with its interval")
    if facts.patients:
        told.append("a bootstrap over patients with 95 % percentile intervals")
    if not told:
        return OPEN
    return Answer(f"{told[0][0].upper()}{'; '.join(told)[1:]}.{_significance(known)}")


def _significance(known: Known) -> str:
    """How p-values are adjusted, and from which on one is significant; "" of a study without tests."""
    facts, alpha = known.facts, known.study.compared_by.get("alpha")
    if not facts.bases:
        return ""
    level = f" Level of significance {key_value(alpha)}." if alpha is not None else ""
    if facts.adjust == "none":
        return f" p-values are {UNADJUSTED}.{level}"
    adjusted = (
        f" p-values are adjusted by {ADJUSTMENTS[facts.adjust]} over {FAMILY[facts.family]}; for means over labels"
    )
    return f"{adjusted}, over {MEANT}.{level}"


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
    own = [dataset_name(name) for name in known.training if name in known.facts.datasets]
    if not own:
        return OPEN
    return Answer(f"The test split of {listed(own)}, whose other splits trained and validated.")


def external(known: Known) -> Answer:
    """Test on other data sets."""
    if not known.training:
        return OPEN
    if not known.external:
        return Answer("None in this study.", "why not")
    sets = listed([dataset_name(name) for name in known.external])
    if known.demo:
        return Answer(f"{sets}, drawn by the same program: external in form only.")
    if known.study.leaks:
        return Answer(f"The test split of {sets}. Leaks that were allowed: {' '.join(known.study.leaks)}", "why")
    return Answer(f"The test split of {sets}, of which no film trained, validated or set a threshold.")


def sample_size(known: Known) -> Answer:
    """Why this size."""
    tests = known.base.tests
    if not _has(tests, "detectable"):
        return OPEN
    rows = tests[(tests["label"] == "mean") & (tests["metric"] == MAIN) & tests["detectable"].notna()]
    power = known.study.compared_by.get("power")
    told = []
    for row in rows.to_dict("records"):
        told.append(f"{task_name(row['task'])} on {dataset_name(row['dataset'])} {row['detectable']:.3f}")
    how = f" with a power of {power:g}" if power else ""
    text = f"Smallest difference of mean AUROC that a single test would find{how}: {'; '.join(told)}."
    return Answer(text, "how the size was intended")


def heterogeneity(known: Known) -> Answer:
    """Clusters: patients with several films, hospitals."""
    told, missing, scored = [], "", known.results.metrics
    if known.facts.patients or _has(known.base.tests, "patients_se"):
        told.append("Intervals over patients keep all films of a patient together.")
        if not (scored["n"] > scored["n_patients"]).any():  # as of a truth that does not name them
            told = ["Every film counts as a patient of its own."]
            missing = "whether any patient has several films"
    if known.external or known.facts.foreign:
        told.append("Every test set is scored and shown on its own.")
    return Answer(" ".join(told), missing) if told else OPEN


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
    compared = f"Results by {groups} are compared, with intervals (tables/subgroups.md)"
    if known.facts.foreign:
        return Answer(f"{compared}.", "what training did for fairness")
    return Answer(f"{compared}; training takes no measure.")
