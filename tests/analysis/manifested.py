"""A small study's manifests and counts as the workflow writes them, with the folder layouts of both data sets."""

import numpy as np
import pandas as pd

from qcxr.analysis.cohort import SPLITS
from qcxr.data.counts import counts
from qcxr.study.files import write_csv, write_parquet

LABELS = ("Edema", "Pleural Thickening")


def manifest(dataset, *, films=30, facts=True, seed=0):
    """A manifest: image_id, patient_id, path, split, view, age, sex, labels; mimic is tested only."""
    rng = np.random.default_rng([seed, films])
    patient = np.sort(rng.integers(0, films // 2, films))
    of = pd.Series([f"{p:05d}" for p in patient], dtype="string")
    ids = pd.Series([f"{p}_{i:03d}" for i, p in enumerate(of)], dtype="string")
    path = [f"images_001/images/{i}.png" if dataset == "nih" else f"files/p10/{i}.jpg" for i in ids]
    split = [SPLITS[p % 3] if dataset == "nih" else "test" for p in patient]
    frame = pd.DataFrame({"image_id": ids, "patient_id": of, "path": path, "split": split}).astype("string")
    frame["view"] = pd.array(rng.choice(["AP", "PA"], films), dtype="string")
    frame["age"] = pd.array(rng.integers(20, 90, films) if facts else [None] * films, dtype="Float32")
    frame["sex"] = pd.array(rng.choice(["F", "M"], films) if facts else [None] * films, dtype="string")
    for label in LABELS:
        frame[label] = pd.array(rng.integers(0, 2, films), dtype="Int8")
    if dataset == "mimic":
        frame[LABELS[1]] = pd.array([None] * films, dtype="Int8")
    return frame


def write(folder, datasets=("nih", "mimic")):
    """Write {folder}/{data set}.parquet and -counts.csv; return the paths of the manifests."""
    paths = []
    for dataset in datasets:
        frame = manifest(dataset, facts=dataset == "nih")
        frame.attrs["dropped"] = {"LATERAL": 2} if dataset == "mimic" else {}
        paths.append(folder / f"{dataset}.parquet")
        write_parquet(frame, paths[-1])
        write_csv(counts(frame, dataset=dataset), folder / f"{dataset}-counts.csv")
    return paths
