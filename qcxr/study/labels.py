"""Label sets: which findings a task predicts, and in which order (paper, section III-B).

The order inside a task is the one written here, never a label file's: column `i` of every target, logit and
prediction table belongs to `LABEL_SETS[task][i]`. Names are NIH's; other sources' spellings are mapped by `canonical`.
"""

import hashlib
from collections.abc import Mapping, Sequence

from qcxr.errors import InputError

CXR8 = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")
CXR14 = (*CXR8, "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural Thickening", "Hernia")
CXR19 = (
    *CXR14,
    "Calcification of the Aorta",
    "Pneumomediastinum",
    "Pneumoperitoneum",
    "Subcutaneous Emphysema",
    "Tortuous Aorta",
)
# The 26 classes of the CXR-LT 2023 challenge: the 19, six of CheXpert's, and "No Finding".
CXRLT26 = (
    *CXR19,
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "Pleural Other",
    "Support Devices",
    "No Finding",
)

LABEL_SETS: dict[str, tuple[str, ...]] = {"cxr8": CXR8, "cxr14": CXR14, "cxr19": CXR19, "cxrlt26": CXRLT26}

# MIMIC's files say "Pleural Effusion"; NIH's original Data_Entry file writes "Pleural_Thickening".
_SYNONYMS = {"pleural effusion": "Effusion"}
_CANONICAL = {name.lower(): name for name in CXRLT26} | _SYNONYMS


def canonical(name: str) -> str:
    """The canonical spelling of a label: NIH's name where there is one, else the name itself, trimmed.

    Case, underscores and repeated blanks do not matter; `Pleural Effusion` (MIMIC-CXR) is `Effusion` (NIH).

    >>> canonical("Pleural Effusion"), canonical("pleural_thickening"), canonical("My Label")
    ('Effusion', 'Pleural Thickening', 'My Label')
    """
    trimmed = " ".join(name.split())
    return _CANONICAL.get(" ".join(name.replace("_", " ").split()).lower(), trimmed)


def label_set(name: str, custom: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
    """The labels of task `name`, canonical and in the task's order.

    `custom` holds user-defined sets ({name: labels}); they may not redefine a set of the paper.

    Raises InputError for an unknown task, an empty set, a label given twice, and a redefined built-in set.
    """
    custom = dict(custom or {})
    if clash := sorted(set(custom) & set(LABEL_SETS)):
        raise InputError(
            f"label set {clash[0]!r} is fixed by the paper and cannot be redefined; choose another name in label_sets"
        )
    if name in LABEL_SETS:
        return LABEL_SETS[name]
    if name not in custom:
        known = ", ".join([*LABEL_SETS, *sorted(custom)])
        raise InputError(f"label set must be one of {known}, got {name!r}; add it to label_sets in the config")
    given = custom[name]
    if isinstance(given, str) or not given or not all(isinstance(label, str) and label.strip() for label in given):
        raise InputError(f"label set {name!r} must be a non-empty list of label names, got {given!r}")
    labels = tuple(canonical(label) for label in given)
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise InputError(f"label set {name!r} names {twice[0]!r} twice; every label may stand in a set once")
    return labels


def ordered(labels: Sequence[str], order: str) -> tuple[str, ...]:
    """The labels in an order of `data.label_order`: given, reversed, or shuffled:K, drawn by K.

    >>> ordered(("a", "b", "c"), "reversed"), ordered(("a", "b", "c"), "shuffled:1")
    (('c', 'b', 'a'), ('b', 'c', 'a'))
    """
    if order == "given":
        return tuple(labels)
    if order == "reversed":
        return tuple(reversed(labels))
    # by a hash, not by a generator, whose stream a library may change
    return tuple(sorted(labels, key=lambda label: hashlib.sha256(f"{order} {label}".encode()).digest()))
