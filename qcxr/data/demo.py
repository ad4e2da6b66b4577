"""The embedded demo's data: generated chest films in the layouts of NIH-CXR-LT and MIMIC-CXR-LT.

    nih/images/00000001_000.png                       8-bit gray PNG, a few RGBA
    nih/labels/miccai2023_nih-cxr-lt_labels_{train,val,test}.csv
    mimic/files/p10/p10000032/s50414267/<dicom_id>.jpg
    mimic/miccai2023_mimic-cxr-lt_labels_test.csv
    mimic/mimic-cxr-2.0.0-metadata.csv.gz             ViewPosition; some films are laterals

The films are drawings (`qcxr.data.phantom`), not patients. Same seed and sizes, same machine: same bytes, whatever the
number of workers.
"""

import csv
import gzip
import io
import os
import shutil
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from qcxr.data.phantom.cohort import LABELS, Cohort, draw_cohort
from qcxr.data.phantom.film import FilmPlan, write_film
from qcxr.errors import InputError

SPLITS = ("train", "val", "test")
SOURCES = ("nih", "mimic")
NOTICE = "GENERATED.txt"
# the header of the official NIH-CXR-LT files
NIH_COLUMNS = (
    "id", "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia",
    "Infiltration", "Mass", "Nodule", "Pleural Thickening", "Pneumonia", "Pneumothorax", "Pneumoperitoneum",
    "Pneumomediastinum", "Subcutaneous Emphysema", "Tortuous Aorta", "Calcification of the Aorta", "No Finding",
    "subj_id",
)  # fmt: skip
# the 26 classes of the CXR-LT 2023 challenge's MIMIC files; the six that NIH lacks follow from the drawn findings
MIMIC_GROUPS = {
    "Enlarged Cardiomediastinum": ("Cardiomegaly", "Tortuous Aorta"),
    "Fracture": (),
    "Lung Lesion": ("Mass", "Nodule"),
    "Lung Opacity": ("Atelectasis", "Consolidation", "Edema", "Infiltration", "Pneumonia"),
    "Pleural Other": ("Pleural Thickening",),
    "Support Devices": (),
}
METADATA_COLUMNS = ("dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows",
                    "Columns", "StudyDate", "StudyTime")  # fmt: skip


def generate(
    out: Path | str,
    *,
    seed: int,
    train: int = 1200,
    val: int = 240,
    test: int = 480,
    mimic: int = 480,
    size: int = 256,
    workers: int = 1,
    progress: bool = False,
) -> None:
    """Write the demo's films and label files to `out`/nih and `out`/mimic.

    train, val, test: NIH-like films per split; mimic: MIMIC-like frontal films (laterals come on top). size: the films'
    shorter side in pixels. Each of the two folders appears only when all is drawn, and replaces an older one of the
    same making; what else lies in `out` is left alone. Raises InputError for a size, seed or count out of range and
    for a folder that holds files which this function did not write.
    """
    out = Path(out)
    if size < 64:
        raise InputError(
            f"the demo's films must be at least 64 pixels wide, got {size}; set generate.size in the config"
        )
    if seed < 0:
        raise InputError(f"the demo's seed must be >= 0, got {seed}; set generate.seed in the config")
    for source in SOURCES:
        refuse_foreign(out / source)
    out.mkdir(parents=True, exist_ok=True)
    building = out / f".building-{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        plans = plan_nih(building, seed=seed, films={"train": train, "val": val, "test": test}, size=size)
        plans += plan_mimic(building, seed=seed, films=mimic, size=size)
        with Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=8) as parallel:
            done = parallel(delayed(write_film)(plan, building) for plan in plans)
            for _ in tqdm(done, total=len(plans), desc="drawing demo films", unit="film", disable=not progress):
                pass
        for source in SOURCES:
            (building / source / NOTICE).write_text(
                f"Drawn by qcxr.data.demo (seed {seed}): generated films, no patients, no radiographs.\n"
            )
            shutil.rmtree(out / source, ignore_errors=True)
            os.replace(building / source, out / source)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def refuse_foreign(folder: Path) -> None:
    """Raise InputError if `folder` holds files and is not marked as generated: it may be somebody's real data."""
    if (folder / NOTICE).is_file():
        return
    if foreign := next((path for path in sorted(folder.rglob("*")) if not path.is_dir()), None):
        raise InputError(
            f"the demo's films may only replace a folder of generated films, but {foreign} is there without {NOTICE}; "
            "set generate.out in the config to another folder"
        )


def plan_nih(root: Path, *, seed: int, films: dict[str, int], size: int) -> list[FilmPlan]:
    """Write the three NIH label files below `root`; the plans of their films."""
    plans, first = [], 1
    for part, split in enumerate(SPLITS):
        rng = np.random.default_rng((seed, 0, part))
        cohort = draw_cohort(rng, films=films[split], source="nih")
        rows = []
        for index, (patient, follow_up) in enumerate(visits(cohort)):
            subject = f"{first + patient:08d}"
            name = f"{subject}_{follow_up:03d}.png"
            present = dict(zip(LABELS, cohort.present[index].tolist(), strict=True))
            rows.append([name, *label_cells(NIH_COLUMNS[1:-1], present), subject])
            plans.append(
                FilmPlan(
                    path=f"nih/images/{name}",
                    site="nih",
                    view="AP" if rng.random() < 0.35 else "PA",
                    patient=(seed, 0, part, int(patient)),
                    entropy=(seed, 0, part, index, 1),
                    labels=tuple(label for label, yes in present.items() if yes),
                    height=size,
                    width=size,
                    rgba=bool(rng.random() < 0.01) or index == 0,
                )
            )
        first += int(cohort.patient[-1]) + 1
        write_csv(root / f"nih/labels/miccai2023_nih-cxr-lt_labels_{split}.csv", NIH_COLUMNS, rows)
    return plans


def plan_mimic(root: Path, *, seed: int, films: int, size: int) -> list[FilmPlan]:
    """Write MIMIC's label file and metadata below `root`; the plans of `films` frontal films and some laterals."""
    rng = np.random.default_rng((seed, 1, 0))
    cohort = draw_cohort(rng, films=films, source="mimic")
    subjects = 10_000_000 + np.sort(rng.choice(9_999_999, int(cohort.patient[-1]) + 1, replace=False))
    studies = 50_000_000 + rng.choice(9_999_999, films, replace=False)
    labels = sorted({mimic_name(label) for label in LABELS} | set(MIMIC_GROUPS) | {"No Finding"})
    plans, rows, metadata = [], [], []
    for index, (patient, follow_up) in enumerate(visits(cohort)):
        present = dict(zip(LABELS, cohort.present[index].tolist(), strict=True))
        present |= {group: any(present[label] for label in of) for group, of in MIMIC_GROUPS.items()}
        present = {mimic_name(label): yes for label, yes in present.items()}
        subject, study = str(subjects[patient]), str(studies[index])
        views = ["AP" if rng.random() < 0.6 else "PA"]
        if rng.random() < 0.2 or index == 0:
            views.append(str(rng.choice(["LATERAL", "LL"])))
        height, width = [(size, size), (round(size * 1.2), size), (size, round(size * 1.2))][int(rng.integers(3))]
        date = f"{2110 + patient % 90}{1 + follow_up % 12:02d}{int(rng.integers(1, 29)):02d}"
        for number, view in enumerate(views):
            dicom = "-".join(f"{int(word):08x}" for word in rng.integers(2**32, size=5))
            path = f"files/p{subject[:2]}/p{subject}/s{study}/{dicom}.jpg"
            plans.append(
                FilmPlan(
                    path=f"mimic/{path}",
                    site="mimic",
                    view=view,
                    patient=(seed, 1, 0, int(patient)),
                    entropy=(seed, 1, 0, index, 1 + number),
                    labels=tuple(label for label, yes in zip(LABELS, cohort.present[index], strict=True) if yes),
                    height=height,
                    width=width,
                )
            )
            rows.append([dicom, subject, study, path, *label_cells(labels, present)])
            what = "CHEST (PORTABLE AP)" if view == "AP" else "CHEST (PA AND LAT)"
            metadata.append([dicom, subject, study, what, view, height, width, date, "120000.0"])
    write_csv(
        root / "mimic/miccai2023_mimic-cxr-lt_labels_test.csv",
        ("dicom_id", "subject_id", "study_id", "path", *labels),
        rows,
        newline="\n",
    )
    write_csv(root / "mimic/mimic-cxr-2.0.0-metadata.csv.gz", METADATA_COLUMNS, metadata, newline="\n")
    return plans


def visits(cohort: Cohort) -> list[tuple[int, int]]:
    """(patient, number of the film among the patient's) of each film."""
    first = np.searchsorted(cohort.patient, cohort.patient)
    return [
        (int(patient), int(index - start))
        for index, (patient, start) in enumerate(zip(cohort.patient, first, strict=True))
    ]


def label_cells(columns: tuple[str, ...] | list[str], present: dict[str, bool]) -> list[int]:
    """0 or 1 per column; No Finding is 1 where nothing is present."""
    return [int(not any(present.values())) if name == "No Finding" else int(present[name]) for name in columns]


def mimic_name(label: str) -> str:
    """MIMIC's name of an NIH label."""
    return "Pleural Effusion" if label == "Effusion" else label


def write_csv(path: Path, header: tuple[str, ...], rows: list[list], newline: str = "\r\n") -> None:
    """A CSV file as the official ones are written: NIH's with CRLF; `.gz` without a time stamp, for equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(header)
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
