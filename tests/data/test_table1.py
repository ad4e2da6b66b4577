"""The paper's Table I out of the official NIH-CXR-LT label files: every number of its NIH columns."""

import pytest

from qcxr.data.contract import check
from qcxr.data.counts import cooccurrence, counts
from qcxr.data.nih import read

from .films import SHARED

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the real label files in ../shared/data")

# label: train, val, test, total as printed in the paper's Table I
TABLE_1 = {
    "Infiltration": (12739, 1996, 5159, 19894),
    "Effusion": (7919, 1663, 3735, 14586),
    "Atelectasis": (7587, 1272, 2700, 11559),
    "Nodule": (4359, 667, 1305, 6331),
    "Mass": (3689, 764, 1329, 5782),
    "Pneumothorax": (2432, 764, 2106, 5302),
    "Consolidation": (2626, 544, 1497, 4667),
    "Pleural Thickening": (1998, 485, 902, 3385),
    "Cardiomegaly": (1590, 318, 868, 2776),
    "Emphysema": (1327, 272, 917, 2516),
    "Edema": (1283, 269, 751, 2303),
    "Subcutaneous Emphysema": (957, 221, 813, 1991),
    "Fibrosis": (1138, 183, 365, 1686),
    "Pneumonia": (806, 173, 452, 1431),
    "Tortuous Aorta": (598, 49, 95, 742),
    "Calcification of the Aorta": (368, 32, 55, 455),
    "Pneumoperitoneum": (214, 33, 69, 316),
    "Pneumomediastinum": (88, 22, 143, 253),
    "Hernia": (130, 35, 62, 227),
}
# The paper prints 14,586, MIMIC's number of the next column; its own splits sum to 13,317.
PRINTED_WRONG = {("Effusion", "total"): 13317}


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    return check(read(images=tmp_path_factory.mktemp("no_films"), labels=SHARED / "labels"))


def test_every_number_of_table_1(frame):
    table = counts(frame, dataset="nih").set_index(["label", "split"])["n_positive"]
    for label, printed in TABLE_1.items():
        for split, number in zip(("train", "val", "test", "total"), printed, strict=True):
            assert table[label, split] == PRINTED_WRONG.get((label, split), number), (label, split)


def test_sizes_of_the_splits_and_patients(frame):
    assert frame["split"].value_counts().to_dict() == {"train": 78506, "val": 12533, "test": 21081}
    assert len(frame) == 112120
    assert frame["patient_id"].nunique() == 30805
    n = counts(frame, dataset="nih").groupby("split")["n"].unique()
    assert {split: list(values) for split, values in n.items()} == {
        "train": [78506], "val": [12533], "test": [21081], "total": [112120],
    }  # fmt: skip


def test_cooccurrence_against_a_count_by_hand(frame):
    pairs = cooccurrence(frame, ("Effusion", "Atelectasis", "Hernia"))
    assert pairs.loc["Effusion", "Effusion"] == 13317
    both = ((frame["Effusion"] == 1) & (frame["Atelectasis"] == 1)).sum()
    assert pairs.loc["Effusion", "Atelectasis"] == pairs.loc["Atelectasis", "Effusion"] == both
