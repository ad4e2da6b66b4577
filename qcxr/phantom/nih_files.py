"""NIH-CXR-LT's layout for generated films: three label files, the entries file, flat PNGs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from qcxr.phantom.anatomy import draw_patient
from qcxr.phantom.cohort import LABELS, draw_cohort
from qcxr.phantom.film import FilmPlan
from qcxr.phantom.tables import label_cells, visits, write_csv
from qcxr.study.labels import CXR14

SPLITS = ("train", "val", "test")
# the header of the official files (PruneCXR, MICCAI 2023)
COLUMNS = (
    "id", "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis", "Hernia",
    "Infiltration", "Mass", "Nodule", "Pleural Thickening", "Pneumonia", "Pneumothorax", "Pneumoperitoneum",
    "Pneumomediastinum", "Subcutaneous Emphysema", "Tortuous Aorta", "Calcification of the Aorta", "No Finding",
    "subj_id",
)  # fmt: skip
ENTRY_COLUMNS = (
    "Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender", "View Position",
    "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]",
)  # fmt: skip


def plan_nih(root: Path, *, seed: int, films: Mapping[str, int], size: int) -> list[FilmPlan]:
    """Write the label files of `films` (split: number of films) below root/nih; the plans of the films.

    No patient is in two splits. Raises InputError for a split too small to hold every label.
    """
    plans, entries, first = [], [], 1
    for part, split in enumerate(SPLITS):
        rng = np.random.default_rng((seed, 0, part))
        cohort = draw_cohort(rng, films=films[split], source="nih")
        rows = []
        for index, (patient, follow_up) in enumerate(visits(cohort)):
            build, subject = (seed, 0, part, patient), f"{first + patient:08d}"
            name = f"{subject}_{follow_up:03d}.png"
            present = dict(zip(LABELS, cohort.present[index].tolist(), strict=True))
            found = tuple(label for label, yes in present.items() if yes)
            rows.append([name, *label_cells(COLUMNS[1:-1], present | {"No Finding": not found}), subject])
            plan = FilmPlan(
                path=f"nih/images/{name}",
                site="nih",
                view="AP" if rng.random() < 0.35 else "PA",
                patient=build,
                entropy=(seed, 0, part, index, 1),
                labels=found,
                height=size,
                width=size,
                rgba=bool(rng.random() < 0.01) or index == 0,
                devices=bool(rng.random() < 0.15),
            )
            plans.append(plan)
            anatomy = draw_patient(np.random.default_rng(build))
            known = "|".join(label.replace(" ", "_") for label in CXR14 if present[label]) or "No Finding"
            age, sex = anatomy.age + follow_up, "F" if anatomy.breasts else "M"
            entries.append([name, known, follow_up, int(subject), age, sex, plan.view, size, size, 0.143, 0.143])
        first += int(cohort.patient[-1]) + 1
        write_csv(root / f"nih/labels/miccai2023_nih-cxr-lt_labels_{split}.csv", COLUMNS, rows, newline="\r\n")
    write_csv(root / "nih/Data_Entry_2017_v2020.csv", ENTRY_COLUMNS, entries)
    return plans
