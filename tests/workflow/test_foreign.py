"""Another hospital's DICOM films, listed in a CSV of its own, tested on a public set: configuration alone."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qcxr.models import arrays, classifier
from qcxr.phantom.demo import DemoPlan, generate
from tests.data.presets import CHEXPERT as THEIRS
from tests.workflow.study import TINY, Study

pytest.importorskip("pydicom")
pytestmark = pytest.mark.slow

PLAN = {"train": 60, "val": 20, "test": 24, "mimic": 20, "size": 64}
FINDINGS = {"Effusion": "Erguss", "Cardiomegaly": "Herz vergroessert", "Atelectasis": "Atelektase"}
RENAMED = {"Effusion": "Pleural Effusion"}
CONFIG = TINY | {
    "generate": None,
    "tasks": ["three"],
    "label_sets": {"three": list(FINDINGS)},
    "heads": ["dqc"],
    "seeds": [0],
    "analysis": {"bootstrap": 0},
    "timed_steps": 0,
    "data": {
        "train_on": "clinic",
        "test_on": ["clinic", "stanford"],
        "sources": {
            "clinic": {
                "kind": "table",
                "images": "clinic",
                "files": "clinic/befunde.csv",
                "path": "{Jahr}/{Aufnahme}.dcm",
                "id": "Aufnahme",
                "patient": "Fallnummer",
                "draw": {"val": 0.2, "test": 0.2, "seed": 1},
                "labels": FINDINGS,
                "positive": ["ja"],
                "negative": ["nein"],
            },
            "stanford": {"kind": "chexpert", "images": "chexpert"},
        },
    },
}


def drawn(folder, seed):
    """Drawn films with labels: (gray levels, row) for each."""
    generate(folder, DemoPlan(seed=seed, **PLAN))
    rows = pd.concat(pd.read_csv(path, dtype=str) for path in sorted((folder / "nih/labels").glob("*.csv")))
    for row in rows.to_dict("records"):
        yield np.asarray(Image.open(folder / "nih/images" / row["id"]).convert("L")), row


def clinic(root, films):
    """The films as inverted 12-bit DICOM in folders by year, and a table in words of its own; stored values by name."""
    from tests.data import dicoms  # needs pydicom

    rows, stored = [], {}
    for k, (gray, row) in enumerate(films):
        name, year = f"A{9000 - k}", 2019 + k % 3
        stored[name] = (4000 - 14 * gray.astype(np.uint16)).astype(np.uint16)
        path = root / str(year) / f"{name}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicoms.data(dicoms.film(stored[name], photometric="MONOCHROME1")))
        said = {theirs: "ja" if row[ours] == "1" else "nein" for ours, theirs in FINDINGS.items()}
        rows.append({"Aufnahme": name, "Jahr": year, "Fallnummer": f"F-{row['subj_id']}", **said})
    pd.DataFrame(rows).to_csv(root / "befunde.csv", index=False)
    return stored


def chexpert(root, films):
    """The films as CheXpert's small release has them: JPEG, train.csv and valid.csv."""
    rows = []
    for k, (gray, row) in enumerate(films):
        split = "train" if k % 2 else "valid"
        path = f"{split}/patient{k:05d}/study1/view1_frontal.jpg"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(gray).save(root / path, quality=95)
        labels = dict.fromkeys(THEIRS) | {RENAMED.get(name, name): float(row[name]) for name in FINDINGS}
        head = {"Path": f"CheXpert-v1.0-small/{path}", "Sex": "Female", "Age": 60, "Frontal/Lateral": "Frontal"}
        rows.append({**head, "AP/PA": "AP", **labels})
    for split in ("train", "valid"):
        pd.DataFrame([row for row in rows if split in row["Path"]]).to_csv(root / f"{split}.csv", index=False)


def test_trained_on_a_foreign_table_of_dicom_films_and_tested_on_a_public_set(tmp_path):
    study = Study(tmp_path / "foreign", CONFIG)
    stored = clinic(study.folder / "clinic", drawn(tmp_path / "a", 5))
    chexpert(study.folder / "chexpert", drawn(tmp_path / "b", 6))
    study.snakemake("results/metrics.csv")

    results = study.folder / "results"
    metrics = pd.read_csv(results / "metrics.csv")
    means = metrics[(metrics["metric"] == "auroc") & (metrics["label"] == "mean")]
    assert set(means["dataset"]) == {"clinic", "stanford"} and means["value"].between(0.2, 0.9).all()
    run = results / "runs/three/dqc/seed0"
    model, _ = classifier.restore(run / "best.safetensors")
    weights, first = (arrays.collect(net) for net in (model, classifier.build(model.architecture, seed=0)))
    still = {name for name, value in weights.items() if np.array_equal(value, first[name])}
    assert not still, "a scored run has learned"
    theirs = pd.read_parquet(run / "predictions/stanford.parquet")
    assert len(theirs) == 52 and theirs["image_id"].str.startswith("valid/").all()

    # no window is given: black is the smallest of what is shown, white the largest, and MONOCHROME1 is turned over
    index = pd.read_parquet(results / "packed/clinic-test.parquet")
    packed = np.load(results / "packed/clinic-test.npy")
    values = stored[index["image_id"][0]].astype(float)
    shown = np.floor(255 * (values.max() - values) / np.ptp(values) + 0.5).astype(np.uint8)
    want = Image.fromarray(shown).resize((36, 36), Image.Resampling.BICUBIC).crop((2, 2, 34, 34))
    np.testing.assert_array_equal(packed[0].squeeze(), np.asarray(want))

    # the same film, given by itself
    path = next((study.folder / "clinic").rglob(f"{index['image_id'][0]}.dcm"))
    told = subprocess.run(
        [sys.executable, "-m", "qcxr.cli", "predict", str(run), str(path)],
        cwd=study.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    ours = pd.read_parquet(run / "predictions/clinic.parquet").set_index("image_id").loc[index["image_id"][0]]
    alone = pd.read_csv(io.StringIO(told.stdout)).iloc[0]
    for label in FINDINGS:
        assert alone[f"p_{label}"] == pytest.approx(ours[f"p_{label}"], abs=1e-4)
    assert "not a medical device" in told.stderr
