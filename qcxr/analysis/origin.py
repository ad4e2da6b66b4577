"""Where a data set's films come from, as far as its own counts tell: a folder's name or layout proves nothing."""

from collections.abc import Mapping

import pandas as pd

from qcxr.analysis.names import dataset_name, single
from qcxr.analysis.paper import LABEL_COUNTS

ORIGINS = {
    "nih": "NIH-CXR-LT: the NIH Clinical Center's ChestX-ray14 films (Wang et al. 2017; frontal films of 30,805 "
    "patients, freely available) with the 19 long-tailed labels of Holste et al. (2022, 2023).",
    "mimic": "MIMIC-CXR-LT: frontal films of MIMIC-CXR-JPG (Johnson et al. 2019, Beth Israel Deaconess Medical Center; "
    "credentialed access through PhysioNet, no redistribution) with labels of the same family.",
}
# where the official data sets may be had, and on which terms
ACCESS = {
    "nih": "NIH ChestX-ray14: from the NIH Clinical Center, free to use with the source named.",
    "mimic": "MIMIC-CXR-JPG: from PhysioNet, with credentials, under its Credentialed Health Data License.",
}
LICENCES = {
    "nih": "NIH ChestX-ray14: free to use, with the NIH Clinical Center acknowledged and Wang et al. (2017) cited.",
    "mimic": "MIMIC-CXR-JPG: PhysioNet Credentialed Health Data License 1.5.0.",
}
CITATIONS = {
    "nih": "Wang X, Peng Y, Lu L, Lu Z, Bagheri M, Summers RM. ChestX-ray8: hospital-scale chest X-ray database and "
    "benchmarks. CVPR 2017. Holste G, Wang S, Jiang Z, et al. Long-tailed classification of thorax diseases on chest "
    "X-ray: a new benchmark study. DALI 2022.",
    "mimic": "Johnson AEW, Pollard TJ, Greenbaum NR, et al. MIMIC-CXR-JPG, a large publicly available database of "
    "labeled chest radiographs. 2019. arXiv:1901.07042.",
}
LAYOUTS = {"nih": "NIH-CXR-LT", "mimic": "MIMIC-CXR-LT"}
SPLITS = {"nih": ("train", "val", "test"), "mimic": ("test",)}  # of paper.LABEL_COUNTS, in its order


def official(counts: pd.DataFrame, dataset: str) -> str | None:
    """Return `nih` or `mimic` if the data set's positives are the official ones in every split that it has, else None.

    counts: dataset, split, label, n, n_positive. Official are those of the paper's Table I, all 19 labels.
    """
    part = counts[counts["dataset"] == dataset]
    found = dict(zip(zip(part["label"], part["split"], strict=True), part["n_positive"], strict=True))
    column = 0
    for origin, splits in SPLITS.items():
        used = [(split, column + i) for i, split in enumerate(splits) if split in set(part["split"])]
        column += len(splits)
        same = (found.get((label, split)) == row[i] for label, row in LABEL_COUNTS.items() for split, i in used)
        if used and all(same):
            return origin
    return None


def origins(counts: pd.DataFrame, kinds: Mapping[str, str], *, demo: bool) -> list[str]:
    """Say of each data set in `counts` where it comes from; kinds: data set -> its layout, `nih` or `mimic`."""
    texts = []
    for dataset in single(dict.fromkeys(counts["dataset"])):
        known = official(counts, dataset)
        layout = LAYOUTS.get(kinds.get(dataset, ""))
        if known:
            text = ORIGINS[known]
            texts.append(text if dataset == known else f"{dataset_name(dataset)} is {text}")
        elif demo:
            texts.append(f"{dataset_name(dataset)}: drawn by a program" + (f", in {layout}'s layout." * bool(layout)))
        elif layout:
            texts.append(
                f"{dataset_name(dataset)}: films and labels in {layout}'s layout. Their counts are not those published "
                f"for {layout}, so its description is not repeated here: say where these films come from."
            )
        else:
            texts.append(f"{dataset_name(dataset)}: say where these films come from.")
    return texts
