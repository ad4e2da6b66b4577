"""Public data sets as they are downloaded, a few films of each: official names of files, columns and values."""

from pathlib import Path

import pandas as pd

CHEXPERT = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
VINDR = (
    "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Clavicle fracture", "Consolidation", "Edema",
    "Emphysema", "Enlarged PA", "ILD", "Infiltration", "Lung Opacity", "Lung cavity", "Lung cyst", "Mediastinal shift",
    "Nodule/Mass", "Pleural effusion", "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis", "Rib fracture",
    "Other lesion", "COPD", "Lung tumor", "Pneumonia", "Tuberculosis",
)  # fmt: skip


def film(root: Path, path: str) -> None:
    """A file where a film would be: the manifest looks whether it is there, and does not decode it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(b"film")


def csv(root: Path, name: str, rows: list[dict]) -> None:
    """A table of these rows."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(root / name, index=False)


def chexpert(root: Path) -> None:
    """22 patients, the first with a lateral film too, and two of valid.csv."""

    def row(split: str, patient: int, view: str, **said: float) -> dict:
        path = f"{split}/patient{patient:05d}/study1/{view}.jpg"
        film(root, path)
        frontal = "frontal" in view
        head = {"Path": f"CheXpert-v1.0-small/{path}", "Sex": "Female", "Age": 60 + patient % 9}
        head |= {"Frontal/Lateral": "Frontal" if frontal else "Lateral", "AP/PA": "AP" if frontal else None}
        return head | {name: said.get(name.replace(" ", "_")) for name in CHEXPERT}

    rows = [row("train", k, "view1_frontal", Edema=1.0, Atelectasis=-1.0, Fracture=0.0) for k in range(1, 23)]
    csv(root, "train.csv", [*rows, row("train", 1, "view2_lateral", No_Finding=1.0)])
    csv(root, "valid.csv", [row("valid", 64541 + k, "view1_frontal", **{"Pleural_Effusion": 1.0}) for k in range(2)])


def nih14(root: Path) -> None:
    """Twelve patients for training and validation, in two folders; two for the test; a comma at the end of each row."""
    rows, lists = [], {"train_val": [], "test": []}
    for patient in range(1, 15):
        for k in range(2):
            name = f"{patient:08d}_{k:03d}.png"
            film(root, f"images_{1 + patient % 2:03d}/images/{name}")
            lists["test" if patient > 12 else "train_val"].append(name)
            words = "No Finding" if k else "Cardiomegaly|Pleural_Thickening"
            rows.append(f"{name},{words},{k},{patient},0{50 + patient}Y,F,PA,2500,2048,0.168,0.168,")
    header = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    header += "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    (root / "Data_Entry_2017_v2020.csv").write_text("\n".join([header, *rows]) + "\n")
    for name, films in lists.items():
        (root / f"{name}_list.txt").write_text("\n".join(films))


def padchest(root: Path) -> None:
    """Twelve patients, one film each; four more rows to leave out."""
    rows = []
    for k in range(16):
        labels = {12: "['exclude']", 13: None, 14: "['normal']", 15: "['suboptimal study', 'normal']"}.get(
            k,
            "['laminar atelectasis', ' callus rib fracture', 'pneumoperitoneo', 'COPD signs']"
            if k % 2
            else "['normal']",
        )
        name = f"2168401113669640128190{k:02d}.png"
        film(root, f"{k % 3}/{name}")
        rows.append(
            {
                "ImageID": name,
                "ImageDir": k % 3,
                "StudyDate_DICOM": 20140915,
                "PatientID": f"8447{k}",
                "PatientBirth": 1930,
            }
            | {"PatientSex_DICOM": "M", "Projection": "L" if k == 14 else "AP_horizontal", "Labels": labels}
        )
    csv(root, "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", rows)


def vindr(root: Path) -> None:
    """Twelve films by three readers, two by consensus; the column of other diseases has two spellings."""
    train, test = [], []
    for k in range(12):
        film(root, f"train/{k:032x}.dicom")
        for reader in range(3):
            said = {"Cardiomegaly": int(reader < 2), "Rib fracture": int(reader == 0), "ILD": 1}
            labels = {name: said.get(name, 0) for name in (*VINDR, "Other diseases", "No finding")}
            train.append({"image_id": f"{k:032x}", "rad_id": f"R{reader + 8}", **labels})
    for k in range(12, 14):
        film(root, f"test/{k:032x}.dicom")
        test.append(
            {"image_id": f"{k:032x}", **{name: int(k == 12) for name in (*VINDR, "Other disease", "No finding")}}
        )
    csv(root, "annotations/image_labels_train.csv", train)
    csv(root, "annotations/image_labels_test.csv", test)


def rsna(root: Path) -> None:
    """Twelve films, every third with two boxes, which the table of classes repeats."""
    boxes, classes = [], []
    for k in range(12):
        name = f"0004cfab-14fd-4e49-80ba-63a80b6bdd{k:02d}"
        film(root, f"stage_2_train_images/{name}.dcm")
        kind = ("Lung Opacity", "Normal", "No Lung Opacity / Not Normal")[k % 3]
        for _ in range(2 if k % 3 == 0 else 1):
            box = dict.fromkeys(("x", "y", "width", "height"), 10.0 if k % 3 == 0 else None)
            boxes.append({"patientId": name, **box, "Target": int(k % 3 == 0)})
            classes.append({"patientId": name, "class": kind})
    csv(root, "stage_2_train_labels.csv", boxes)
    csv(root, "stage_2_detailed_class_info.csv", classes)


def openi(root: Path) -> None:
    """Thirteen reports with two views each; one without indexing."""
    films, reports = [], []
    for uid in range(1, 14):
        for view, projection in (("1001", "Frontal"), ("2001", "Lateral")):
            name = f"{uid}_IM-0{uid:03d}-{view}.dcm.png"
            film(root, f"images/images_normalized/{name}")
            films.append({"uid": uid, "filename": name, "projection": projection})
        problems = "No Indexing" if uid == 13 else "normal" if uid % 2 else "Cardiomegaly;Hernia, Hiatal;Spine"
        reports.append({"uid": uid, "MeSH": "normal", "Problems": problems, "findings": 'Clear, "stable".\nNo more.'})
    csv(root, "indiana_projections.csv", films)
    csv(root, "indiana_reports.csv", reports)
