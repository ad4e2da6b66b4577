"""The numbers of docs/analysis.md: a small synthetic study, made and tested here.

    python docs/analysis_example.py

Two heads, A and B, are predicted with five seeds on 8 labels, 900 films and 400 patients. By construction B falls
behind A the more, the rarer a label is in training. `tests/analysis/test_guide.py` holds the page to what this prints.
"""

import numpy as np
import pandas as pd

from qcxr.analysis import subgroups as groups
from qcxr.analysis.bootstrap import bootstrap
from qcxr.analysis.estimates import estimates
from qcxr.analysis.frequencies import Frequencies
from qcxr.analysis.metrics import score
from qcxr.analysis.patients import patients
from qcxr.analysis.predictions import check
from qcxr.analysis.replicates import Resampling
from qcxr.analysis.statistics import compare
from qcxr.analysis.trend import trend
from qcxr.analysis.variance import variance

# label -> positive training films, and share of test films that are positive
LABELS = {
    "Infiltration": (12739, 0.24), "Effusion": (7919, 0.18), "Atelectasis": (7587, 0.13), "Nodule": (4359, 0.06),
    "Mass": (3689, 0.06), "Pneumothorax": (2432, 0.10), "Cardiomegaly": (1590, 0.04), "Pneumonia": (806, 0.03),
}  # fmt: skip
TRAIN = {label: counts[0] for label, counts in LABELS.items()}
HEADS, SEEDS, FILMS, PATIENTS = ("A", "B"), range(5), 900, 400
WHERE = {"task": "cxr8", "dataset": "nih"}
Runs = dict[tuple[str, int], pd.DataFrame]  # (head, seed) -> prediction table


def films(rng: np.random.Generator) -> pd.DataFrame:
    """Truth of the test films: image_id, patient_id, sex, and y_<label>; a patient's films resemble each other."""
    patient = np.sort(np.concatenate([np.arange(PATIENTS), rng.integers(0, PATIENTS, FILMS - PATIENTS)]))
    ids = [f"{p:04d}_{k:04d}" for k, p in enumerate(patient)]
    frame = pd.DataFrame({"image_id": ids, "patient_id": [f"{p:04d}" for p in patient]})
    frame["sex"] = rng.choice(["F", "M"], PATIENTS)[patient]
    for label, (_, share) in LABELS.items():
        liability = np.sqrt(0.5) * (rng.standard_normal(PATIENTS)[patient] + rng.standard_normal(FILMS))
        frame[f"y_{label}"] = (liability > np.quantile(liability, 1 - share)).astype(int)
    return frame


def predicted(truth: pd.DataFrame, rng: np.random.Generator) -> Runs:
    """Predictions of every head and seed: what all runs share on a film, a patient's own part, and a run's noise."""
    patient = truth["patient_id"].astype(int).to_numpy()
    shared = {label: rng.standard_normal(FILMS) + rng.standard_normal(PATIENTS)[patient] for label in LABELS}
    found = {}
    for seed in SEEDS:
        for head in HEADS:
            table = truth.drop(columns="sex")
            for label, (train, _) in LABELS.items():
                behind = 0.30 * np.log10(20_000 / train) if head == "B" else 0.0
                strength = 1.7 - behind + rng.standard_normal() * (0.05 if head == "A" else 0.10)
                signal = strength * truth[f"y_{label}"] + shared[label] + 0.5 * rng.standard_normal(FILMS)
                table[f"p_{label}"] = 1 / (1 + np.exp(3 - signal))
            found[head, seed] = table
    return found


def analysed() -> dict[str, pd.DataFrame]:
    """Every table of the study, by name."""
    rng = np.random.default_rng(7)
    truth = films(rng)
    runs = predicted(truth, rng)
    counted = Frequencies(TRAIN, head_above=7000, tail_below=2000)
    scored = [
        score(table, frequencies=counted).assign(**WHERE, head=head, seed=seed) for (head, seed), table in runs.items()
    ]
    metrics = pd.concat(scored, ignore_index=True)
    tables = {run: check(table) for run, table in runs.items()}
    people = patients(tables, **WHERE, heads=HEADS, frequencies=counted)
    attributes = truth.set_index("image_id")[["sex"]]
    broken = groups.Breakdown(subgroups=("sex",), heads=HEADS)
    return {
        "metrics": metrics,
        "patients": people,
        "tests": compare(metrics, heads=HEADS, patients=people),
        "estimates": estimates(metrics, patients=people),
        "bootstrap": bootstrap(tables, **WHERE, heads=HEADS, resampling=Resampling(1000)),
        "trend": trend(metrics, heads=HEADS),
        "variance": variance(metrics, heads=HEADS, patients=people),
        "subgroups": groups.subgroups(tables, attributes, **WHERE, breakdown=broken),
    }


def said(rows: pd.DataFrame, *columns: str) -> str:
    """The rows as text with three decimals."""
    return rows[list(columns)].to_string(index=False, float_format=_cell, na_rep="")


def _cell(value: float) -> str:
    return "<.001" if 0 < value < 0.0005 else f"{value:.3f}"


def main() -> None:
    """Print the blocks of docs/analysis.md."""
    for name, text in blocks(analysed()).items():
        print(f"# {name}\n{text}\n")


def blocks(found: dict[str, pd.DataFrame]) -> dict[str, str]:
    """The blocks of numbers in docs/analysis.md, by name."""
    auroc = {name: frame[frame["metric"] == "auroc"] for name, frame in found.items() if "metric" in frame}
    tests = auroc["tests"]
    one = tests["label"].isin(["Infiltration", "Nodule", "Pneumonia", "mean"])
    drawn = auroc["bootstrap"]
    drawn = drawn[(drawn["kind"] == "difference") & drawn["label"].isin(["Infiltration", "Pneumonia", "mean"])]
    single = drawn[(drawn["seed"].astype(str) == "0") & (drawn["label"] != "mean")]
    drawn = drawn[drawn["seed"] == "mean"]
    gaps = found["subgroups"]
    return {
        "seeds": said(tests[one], "label", "mean_a", "mean_b", "difference", "ci_low", "ci_high", "t", "p"),
        "both": said(
            tests[one], "label", "patients_se", "patients_low", "patients_high", "total_se", "total_df", "total_low",
            "total_high", "p_total",
        ),
        "families": said(tests[~tests["label"].str.startswith("mean_")], "label", "p", "p_holm", "p_bh", "p_total",
            "p_adjusted", "mark", "mark_raw"),
        "size": said(tests[one], "label", "d_z", "g_z", "detectable", "power_margin", "p_equivalent", "equivalent"),
        "shape": said(tests[one], "label", "shapiro_p", "wilcoxon_p", "wilcoxon_floor", "welch_p"),
        "estimates": said(auroc["estimates"][auroc["estimates"]["label"] == "mean"], "head", "mean", "sd", "seeds_low",
            "seeds_high", "patients_low", "patients_high", "total_low", "total_high"),
        "bootstrap": said(drawn, "label", "value", "ci_low", "ci_high"),
        "delong": said(single, "label", "value", "delong_se", "delong_z", "delong_p", "delong_plain_p"),
        "trend": said(auroc["trend"], "n_labels", "rho", "rho_low", "rho_high", "p", "seeds_rho", "slope", "slope_low",
            "slope_high"),
        "variance": said(auroc["variance"][auroc["variance"]["kind"] == "difference"], "sd", "sd_b", "ratio",
            "ratio_low", "ratio_high", "p_pitman_morgan", "p_brown_forsythe", "reading"),
        "subgroups": said(gaps[gaps["label"] == "mean"], "kind", "group", "reference", "head", "n_patients", "value",
            "total_low", "total_high", "p", "p_adjusted"),
    }  # fmt: skip


if __name__ == "__main__":
    main()
