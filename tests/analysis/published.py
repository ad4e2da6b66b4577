"""Files as other people's scripts write them, for `qcxr evaluate`."""

import pandas as pd

from . import synthetic

LABELS = synthetic.LABELS["cxr8"]


def save_as_published(folder, *, seeds=(0, 1, 2), heads=("cdl", "dqc")):
    """Write files as other people's scripts do: an unnamed first column of absolute paths; truth as a label file."""
    rows = []
    for k, (dataset, films) in enumerate({"nih": 300, "mimic": 340, "validation": 200}.items()):
        truth = synthetic.truth(LABELS, films=films, seed=k, empty=())
        names = {f"y_{label}": label for label in LABELS}
        if dataset == "mimic":
            names["y_Effusion"] = "Pleural Effusion"
        saved = truth.rename(columns=names)
        saved = saved.rename(columns={"image_id": "id", "patient_id": "subj_id"})
        saved["id"] += ".png"
        saved.assign(**{"No Finding": 0}).to_csv(folder / f"{dataset}-labels.csv", index=False)
        for head in heads:
            for seed in seeds:
                table = synthetic.predict(truth, head=head, seed=seed)
                out = table[[f"p_{label}" for label in LABELS]].set_axis(list(LABELS), axis=1)
                out.index = "/home/someone/data/" + dataset + "/images/" + table["image_id"] + ".png"
                name = f"{dataset}-{head}-{seed}.csv"
                out.sample(frac=1, random_state=seed).to_csv(folder / name)
                rows.append(("cxr8", head, seed, dataset, name, f"{dataset}-labels.csv"))
    frame = pd.DataFrame(rows, columns=["task", "head", "seed", "dataset", "predictions", "truth"])
    frame.to_csv(folder / "runs.csv", index=False)
    return frame


def spoil(published, tmp_path, name, change, **read):
    """Copy the study at `published` with one file changed; return the list of runs."""
    for path in published.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    change(pd.read_csv(tmp_path / name, dtype=str, **read)).to_csv(tmp_path / name, index=False)
    return tmp_path / "runs.csv"
