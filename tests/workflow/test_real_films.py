"""The same rules on real films with official labels, where the folder exists (it is not part of the product)."""

import shutil

import numpy as np
import pandas as pd
import pytest

from qcxr.study.labels import LABEL_SETS
from tests.workflow.study import ROOT, TINY, Study

SAMPLE = ROOT.parent / "shared/data/nih_sample"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAMPLE.is_dir(), reason="no real films here"),
]
CONFIG = TINY | {
    "generate": None,
    "tasks": ["cxr19"],  # it has the labels of cxr8, and those without a positive film
    "data": {
        "train_on": "nih",
        "test_on": ["nih"],
        "sources": {"nih": {"images": str(SAMPLE / "images"), "labels": str(SAMPLE), "entries": None}},
    },
    "image": {"resize": 72, "crop": 64},
    "backbone": {
        "name": "resnet",
        "config": {"embedding_size": 16, "hidden_sizes": [16, 32, 64], "depths": [1, 1, 1], "layer_type": "basic"},
    },
    "train": {"epochs": 2, "batch_size": 32},
}

# bits are equal or not whatever the size
SMALL = {key: TINY[key] for key in ("image", "backbone", "train")} | {"heads": ["cdl"], "seeds": [0]}


def test_real_films_run_through_the_whole_study(tmp_path):
    study = Study(tmp_path / "real", CONFIG)
    study.snakemake()
    metrics = pd.read_csv(study.folder / "results/metrics.csv").query("metric == 'auroc'")
    print(metrics.pivot_table(index=["task", "label"], columns="head", values="value", dropna=False).to_string())
    absent = metrics[metrics["label"] == "Pneumomediastinum"]
    assert len(absent) == 4 and absent["value"].isna().all() and absent["n_positive"].eq(0).all()
    assert absent["reason"].str.contains("no positive").all()
    means = metrics[metrics["label"] == "mean"]
    assert len(means) == 4 and means["value"].between(0.3, 0.95).all()
    assert means.loc[means["task"] == "cxr19", "reason"].str.contains("Pneumomediastinum").all()
    assert "undefined" in (study.folder / "results/report.html").read_text()


def foreign(root):
    """The same films as another hospital would hand them over: names, folders, columns, words and order of its own."""
    parts = {"A": "train", "B": "val", "C": "test"}
    rows = pd.concat(
        pd.read_csv(SAMPLE / f"miccai2023_nih-cxr-lt_labels_{split}.csv", dtype=str).assign(cohort=part)
        for part, split in parts.items()
    ).sample(frac=1, random_state=7)
    known = {name: f"obs_{k}" for k, name in enumerate((*LABEL_SETS["cxr19"], "No Finding"))}
    table = pd.DataFrame({"MRN": "H" + rows["subj_id"], "scan": "H" + rows["id"].str.removesuffix(".png")})
    table["ward"] = ["ICU" if int(patient) % 2 else "3 B" for patient in rows["subj_id"]]
    table["cohort"] = rows["cohort"]
    for name, column in known.items():
        table[column] = rows[name].map({"0": "absent", "1": "Present"})
    for scan, ward, name in zip(table["scan"], table["ward"], rows["id"], strict=True):
        (root / ward / scan[:6]).mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLE / "images" / name, root / ward / scan[:6] / f"{scan}.png")
    table["folder"] = table["scan"].str[:6]
    table.to_csv(root / "list.tsv", sep="\t", index=False)
    return {
        "kind": "table",
        "images": str(root),
        "files": str(root / "list.tsv"),
        "path": "{ward}/{folder}/{scan}.png",
        "id": "scan",
        "patient": "MRN",
        "split": {"column": "cohort", "words": {split: [part] for part, split in parts.items()}},
        "labels": known,
    }


def test_the_same_films_as_a_foreign_table_give_the_same_bits(tmp_path):
    """Ids sort as NIH's do, since rows are in their order and a seed's batches are drawn from it."""
    study = Study(tmp_path / "both")
    sources = {"nih": {"kind": "nih", **CONFIG["data"]["sources"]["nih"]}, "foreign": foreign(tmp_path / "hospital")}
    found = {}
    for name, source in sources.items():
        data = {"train_on": "ours", "test_on": ["ours"], "cache": f"cache-{name}", "sources": {"ours": source}}
        study.write(CONFIG | SMALL | {"results": name, "data": data})
        run = f"{name}/runs/cxr19/cdl/seed0"
        study.snakemake(f"{run}/predictions/ours.parquet", f"{run}/predictions/validation.parquet")
        found[name] = study.folder / name
    for split in ("train", "val", "test"):
        ours, theirs = (np.load(folder / f"packed/ours-{split}.npy") for folder in found.values())
        assert len(ours) > 100 and np.array_equal(ours, theirs)
    for evaluated in ("validation", "ours"):
        ours, theirs = (
            pd.read_parquet(folder / f"runs/cxr19/cdl/seed0/predictions/{evaluated}.parquet")
            for folder in found.values()
        )
        for key in ("image_id", "patient_id"):
            assert ("H" + ours.pop(key)).tolist() == theirs.pop(key).tolist()
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
