"""Label sets against the paper's section III-B, and what a user-defined set may be."""

import pytest

from qcxr.errors import InputError
from qcxr.study.labels import LABEL_SETS, canonical, label_set


def test_sets_are_nested_and_of_the_papers_sizes():
    assert [len(LABEL_SETS[name]) for name in ("cxr8", "cxr14", "cxr19", "cxrlt26")] == [8, 14, 19, 26]
    assert LABEL_SETS["cxr14"][:8] == LABEL_SETS["cxr8"]
    assert LABEL_SETS["cxr19"][:14] == LABEL_SETS["cxr14"]
    assert LABEL_SETS["cxrlt26"][:19] == LABEL_SETS["cxr19"]
    assert len(set(LABEL_SETS["cxrlt26"])) == 26


def test_order_is_the_papers():
    assert LABEL_SETS["cxr8"] == (
        "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax",
    )  # fmt: skip
    assert LABEL_SETS["cxr14"][8:] == (
        "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural Thickening", "Hernia",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Pleural Effusion", "Effusion"),
        ("pleural_effusion", "Effusion"),
        ("Pleural_Thickening", "Pleural Thickening"),
        ("calcification of the aorta", "Calcification of the Aorta"),
        ("  No  Finding ", "No Finding"),
        ("Scoliosis_X", "Scoliosis_X"),
    ],
)
def test_canonical(given, expected):
    assert canonical(given) == expected
    assert canonical(canonical(given)) == expected


def test_custom_set_is_canonical_and_keeps_its_order():
    assert label_set("mine", {"mine": ["Pleural Effusion", "Atelectasis"]}) == ("Effusion", "Atelectasis")


@pytest.mark.parametrize(
    ("name", "custom", "text"),
    [
        ("cxr9", {"mine": ["Mass"]}, "must be one of cxr8, cxr14, cxr19, cxrlt26, mine, got 'cxr9'"),
        ("mine", {"mine": []}, "must be a non-empty list"),
        ("mine", {"mine": "Mass"}, "must be a non-empty list"),
        ("mine", {"mine": ["Effusion", "Pleural Effusion"]}, "names 'Effusion' twice"),
        ("cxr8", {"cxr8": ["Mass"]}, "'cxr8' is fixed by the paper"),
    ],
)
def test_bad_sets(name, custom, text):
    with pytest.raises(InputError, match=text):
        label_set(name, custom)
