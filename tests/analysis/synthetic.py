"""Seeded prediction tables and run folders, exactly as the contracts of the pipeline describe them."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.analysis.facts import Facts

LABELS = {
    "cxr8": ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax"),
}
LABELS["cxr14"] = (*LABELS["cxr8"], "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural Thickening", "Hernia")
LABELS["cxr19"] = (
    *LABELS["cxr14"], "Calcification of the Aorta", "Pneumomediastinum", "Pneumoperitoneum",
    "Subcutaneous Emphysema", "Tortuous Aorta",
)  # fmt: skip
# NIH test prevalence by the paper's Table I, in the order of cxr19.
PREVALENCE = dict(zip(LABELS["cxr19"], np.array(
    [2700, 868, 3735, 5159, 1329, 1305, 452, 2106, 1497, 751, 917, 365, 902, 62, 55, 143, 69, 813, 95]) / 21081,
    strict=True))  # fmt: skip
TRAIN = dict(zip(LABELS["cxr19"], (
    7587, 1590, 7919, 12739, 3689, 4359, 806, 2432, 2626, 1283, 1327, 1138, 1998, 130, 368, 88, 214, 957, 598),
    strict=True))  # fmt: skip
STRENGTH = {"cdl": 1.1, "dqc": 0.8}
DQC_BETTER = ("Nodule",)


def truth(labels, *, films=400, seed=0, empty=("Pneumomediastinum",), uncovered=(), floor=0.0):
    """Truth of one test set: image_id, patient_id (about three films each) and y_<label>; `empty` has no positives."""
    rng = np.random.default_rng([seed, films])
    patients = np.sort(rng.integers(0, max(films // 3, 1), films))
    frame = pd.DataFrame({
        "image_id": [f"{p:08d}_{i:03d}" for i, p in enumerate(patients)],
        "patient_id": [f"{p:08d}" for p in patients],
    })  # fmt: skip
    for label in labels:
        prevalence = 0 if label in empty else max(PREVALENCE[label], floor)
        y = pd.array((rng.random(films) < prevalence).astype(int), dtype="Int8")
        if label in uncovered:
            y = pd.array([pd.NA] * films, dtype="Int8")
        elif label not in empty and films > 1:
            y[0], y[films // 2] = 1, 0
        frame[f"y_{label}"] = y
    return frame


def predict(frame, *, head, seed, decimals=2, task=""):
    """Probabilities for a truth table: signal by head, rounded so that ties occur; every head sees the same films."""
    rng = np.random.default_rng([seed, sum(map(ord, head)), sum(map(ord, task))])
    out = frame[["image_id", "patient_id"]].copy()
    for column in [c for c in frame if c.startswith("y_")]:
        label = column[2:]
        strength = STRENGTH.get(head, 0.6) + (0.9 if head == "dqc" and label in DQC_BETTER else 0)
        y = frame[column].astype("Float64").fillna(0).to_numpy(float)
        logit = -2 + (strength + 0.05 * rng.standard_normal()) * y + rng.standard_normal(len(frame))
        out[f"p_{label}"] = np.round(1 / (1 + np.exp(-logit)), decimals).astype(np.float32)
    for column in [c for c in frame if c.startswith("y_")]:
        out[column] = frame[column]
    return out


def run_folder(results, *, task, head, seed, tables, epochs=6):
    """Write one run folder: predictions/{dataset}.parquet for `tables` {dataset: truth}, history, steps, run.json."""
    folder = Path(results) / "runs" / task / head / f"seed{seed}"
    (folder / "predictions").mkdir(parents=True)
    for dataset, frame in tables.items():
        predict(frame, head=head, seed=seed, task=task).to_parquet(folder / "predictions" / f"{dataset}.parquet")
    rng = np.random.default_rng([seed, sum(map(ord, head)), len(LABELS[task])])
    slow = (0.45 if head == "cdl" else 0.25) + 0.1 * rng.random()
    epochs += seed
    loss = 0.2 + 0.5 * np.exp(-slow * np.arange(1, epochs + 1)) + 0.005 * rng.random(epochs)
    history = pd.DataFrame({
        "epoch": np.arange(1, epochs + 1), "train_loss": loss, "val_loss": loss + 0.02 + 0.01 * rng.random(epochs),
        "seconds": 3.0, "films_per_second": 210.0,
    })  # fmt: skip
    history["best"] = history["val_loss"] == history["val_loss"].cummin()
    history.to_csv(folder / "history.csv", index=False)
    steps = np.arange(1, 8 * epochs + 1)
    pd.DataFrame({"step": steps, "epoch": (steps - 1) // 8 + 1, "loss": np.interp(steps / 8, history["epoch"], loss)}
        ).to_csv(folder / "steps.csv", index=False)  # fmt: skip
    n = len(LABELS[task])
    groups = {"backbone": 23_508_032, "preprocess": 2049 * n}
    groups |= {"quantum": 3 * n, "postprocess": n * n + n} if head == "dqc" else {"quantum": 0, "postprocess": 0}
    best = int(history["val_loss"].argmin())
    run = {
        "task": task, "head": head, "seed": seed, "labels": list(LABELS[task]),
        "config": {"train": {"learning_rate": 1e-4, "batch_size": 32}}, "versions": {"jax": "0.10.2", "python": "3.11"},
        "git": "0123abc", "code_hash": "c" * 16, "data_hash": "d" * 16, "device": "cpu",
        "wall_seconds": 30.0 * epochs, "peak_memory_mb": 900.0, "films_per_second": 210.0, "epochs": epochs,
        "best_epoch": best + 1, "best_val_loss": float(history["val_loss"].iloc[best]), "stopped": "patience",
        "parameters": groups | {"total": sum(groups.values())},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def experiment(results, *, tasks=("cxr8", "cxr19"), heads=("cdl", "dqc"), seeds=(0, 1, 2), films=400, **keywords):
    """Write a whole experiment's run folders with test sets nih, mimic and validation; return the folders."""
    folders = []
    for task in tasks:
        tables = {
            name: truth(LABELS[task], films=n, seed=k, **keywords)
            for k, (name, n) in enumerate({"nih": films, "mimic": films + 50, "validation": films}.items())
        }
        folders += [
            run_folder(results, task=task, head=head, seed=seed, tables=tables) for head in heads for seed in seeds
        ]
    return folders


def facts(**changes):
    """The facts of a study of two heads and five seeds that was read from elsewhere, but for `changes`."""
    plain = Facts(
        tasks=("cxr8",),
        heads=("cdl", "dqc"),
        datasets=("nih",),
        seeds=(5, 5),
        compared=True,
        tested=True,
        t_tested=changes.get("tested", True),
        patients=False,
        mined=False,
        trained=False,
        same_settings=True,
        circuits={},
    )
    return dataclasses.replace(plain, **changes)
