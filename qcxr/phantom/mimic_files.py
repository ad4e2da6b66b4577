"""MIMIC-CXR-JPG's layout for generated films: nested JPGs, a label file of the CXR-LT family, metadata and patients."""

from pathlib import Path

import numpy as np

from qcxr.phantom.anatomy import draw_patient
from qcxr.phantom.cohort import LABELS, draw_cohort
from qcxr.phantom.film import FilmPlan
from qcxr.phantom.tables import label_cells, visits, write_csv

# six of the 26 classes of the CXR-LT 2023 challenge are not among the 19; they follow from what is drawn
GROUPS = {
    "Enlarged Cardiomediastinum": ("Cardiomegaly", "Tortuous Aorta"),
    "Fracture": (),
    "Lung Lesion": ("Mass", "Nodule"),
    "Lung Opacity": ("Atelectasis", "Consolidation", "Edema", "Infiltration", "Pneumonia"),
    "Pleural Other": ("Pleural Thickening",),
}
COLUMNS = ("dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows", "Columns",
           "StudyDate", "StudyTime")  # fmt: skip
PATIENT_COLUMNS = ("subject_id", "gender", "anchor_age", "anchor_year", "anchor_year_group", "dod")


def plan_mimic(root: Path, *, seed: int, films: int, size: int) -> list[FilmPlan]:
    """Write the label, metadata and patients files below root/mimic; plans of `films` frontal films and some laterals.

    A study's films share its labels, as in the real files. Raises InputError for too few films to hold every label.
    """
    rng = np.random.default_rng((seed, 1, 0))
    cohort = draw_cohort(rng, films=films, source="mimic")
    subjects = 10_000_000 + np.sort(rng.choice(9_999_999, int(cohort.patient[-1]) + 1, replace=False))
    studies = 50_000_000 + rng.choice(9_999_999, films, replace=False)
    labels = sorted({mimic_name(label) for label in (*LABELS, *GROUPS)} | {"Support Devices", "No Finding"})
    plans, rows, metadata = [], [], []
    for index, (patient, follow_up) in enumerate(visits(cohort)):
        present = dict(zip(LABELS, cohort.present[index].tolist(), strict=True))
        found = tuple(label for label, yes in present.items() if yes)
        present |= {group: any(present[label] for label in of) for group, of in GROUPS.items()}
        present |= {"Support Devices": bool(rng.random() < 0.4), "No Finding": not found}
        cells = label_cells(labels, {mimic_name(label): yes for label, yes in present.items()})
        subject, study = str(subjects[patient]), str(studies[index])
        views = ["AP" if rng.random() < 0.6 else "PA"]
        if rng.random() < 0.2 or index == 0:
            # the metadata file leaves ViewPosition empty for some films
            views.append(str(rng.choice(["LATERAL", "LL", ""], p=[0.5, 0.4, 0.1])))
        long = round(1.2 * size)
        height, width = [(size, size), (long, size), (size, long)][int(rng.integers(3))]
        date = f"{first_year(patient)}{1 + follow_up % 12:02d}{int(rng.integers(1, 29)):02d}"
        for number, view in enumerate(views):
            dicom = "-".join(f"{int(word):08x}" for word in rng.integers(2**32, size=5))
            path = f"files/p{subject[:2]}/p{subject}/s{study}/{dicom}.jpg"
            plan = FilmPlan(
                path=f"mimic/{path}",
                site="mimic",
                view=view,
                patient=(seed, 1, 0, patient),
                entropy=(seed, 1, 0, index, 1 + number),
                labels=found,
                height=height,
                width=width,
                devices=present["Support Devices"],
            )
            plans.append(plan)
            rows.append([dicom, subject, study, path, *cells])
            what = "CHEST (PORTABLE AP)" if views[0] == "AP" else "CHEST (PA AND LAT)"
            metadata.append([dicom, subject, study, what, view, height, width, date, "120000.0"])
    header = ("dicom_id", "subject_id", "study_id", "path", *labels)
    write_csv(root / "mimic/miccai2023_mimic-cxr-lt_labels_test.csv", header, rows)
    write_csv(root / "mimic/mimic-cxr-2.0.0-metadata.csv.gz", COLUMNS, metadata)
    rows_of = [patient_row(seed, patient, subject) for patient, subject in enumerate(subjects.tolist())]
    write_csv(root / "mimic/patients.csv.gz", PATIENT_COLUMNS, rows_of)
    return plans


def patient_row(seed: int, patient: int, subject: int) -> list[str | int]:
    """A patient's row of MIMIC-IV's table, sex and age as the films are drawn."""
    anatomy = draw_patient(np.random.default_rng((seed, 1, 0, patient)))
    return [subject, "F" if anatomy.breasts else "M", anatomy.age, first_year(patient), "2014 - 2016", ""]


def first_year(patient: int) -> int:
    """The year of a patient's first film, as far in the future as MIMIC moves them."""
    return 2110 + patient % 90


def mimic_name(label: str) -> str:
    """MIMIC's name of an NIH label."""
    return "Pleural Effusion" if label == "Effusion" else label
