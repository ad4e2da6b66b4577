"""Small generated films and label files in the layouts of NIH and MIMIC, for the tests of the data room."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.data.sources import Source
from qcxr.study.labels import CXR19, LABEL_SETS

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def gray(rng: np.random.Generator, height: int = 40, width: int = 36) -> np.ndarray:
    """A smooth gradient with noise, uint8 (height, width): compresses like a film, no two alike."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    slope = rng.uniform(0, 150, 2)
    noise = rng.normal(0, 8, (height, width))
    return np.clip(40 + slope[0] * y + slope[1] * x + noise, 0, 255).astype(np.uint8)


def nih(root: Path, *, n: int = 12, seed: int = 0, height: int = 40, width: int = 36) -> dict[str, Path]:
    """n films of n / 2 patients in NIH's layout (CRLF label CSVs): {"images": folder, "labels": folder}."""
    rng = np.random.default_rng(seed)
    images, labels = root / "images", root / "labels"
    images.mkdir(parents=True)
    labels.mkdir()
    rows = []
    for i in range(n):
        patient = f"{i // 2 + 1:08d}"
        name = f"{patient}_{i % 2:03d}.png"
        Image.fromarray(gray(rng, height, width)).save(images / name, compress_level=1)
        findings = rng.integers(0, 2, len(CXR19))
        rows.append([name, *findings, int(not findings.any()), patient])
    table = pd.DataFrame(rows, columns=["id", *CXR19, "No Finding", "subj_id"])
    first, last = n // 4 * 2, n // 3 * 2  # even: both films of a patient fall into one split
    cuts = {"train": (0, first), "val": (first, last), "test": (last, n)}
    for split, rows_of in cuts.items():
        file = labels / f"miccai2023_nih-cxr-lt_labels_{split}.csv"
        table[slice(*rows_of)].to_csv(file, index=False, lineterminator="\r\n")
    return {"images": images, "labels": labels}


def mimic(root: Path, *, n: int = 8, seed: int = 1) -> dict[str, Path]:
    """n films in MIMIC-CXR-JPG's layout, every fourth lateral, half val and half test: its readers' arguments."""
    rng = np.random.default_rng(seed)
    names = ["Pleural Effusion" if label == "Effusion" else label for label in LABEL_SETS["cxrlt26"]]
    rows, views = [], []
    for i in range(n):
        patient, study, dicom = str(10000032 + i // 2), str(50414267 + i), f"{i:08x}-aaaa-bbbb"
        path = f"files/p{patient[:2]}/p{patient}/s{study}/{dicom}.jpg"
        (root / path).parent.mkdir(parents=True)
        Image.fromarray(gray(rng, 50, 44)).save(root / path, quality=95)
        rows.append([path, dicom, patient, study, *rng.integers(0, 2, len(names))])
        views.append([dicom, patient, study, ("AP", "PA", "PA", "LATERAL")[i % 4]])
    table = pd.DataFrame(rows, columns=["path", "dicom_id", "subject_id", "study_id", *names])
    table[: n // 2].to_csv(root / "development.csv", index=False)
    table[n // 2 :].to_csv(root / "test.csv", index=False)
    metadata = root / "mimic-cxr-2.0.0-metadata.csv.gz"
    pd.DataFrame(views, columns=["dicom_id", "subject_id", "study_id", "ViewPosition"]).to_csv(metadata, index=False)
    return {"images": root, "labels": root, "metadata": metadata}


def manifest_of(kind: str, paths: dict[str, Path], out: Path, **options) -> pd.DataFrame:
    """The manifest of `nih` or `mimic`'s paths, written to `out`."""
    return write_manifest(Source(kind, paths), ManifestFiles(out), **options)


def tree(root: Path) -> dict[str, bytes]:
    """Every file under root with its bytes: to assert that nothing was left behind or changed."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
