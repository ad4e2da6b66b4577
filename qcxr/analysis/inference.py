"""By what rules heads are compared: what of it is fixed, and at which key of the configuration.

Imported by the workflow's plan, so without pandas and scipy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from qcxr.errors import InputError

# The configuration's names -> those of statsmodels' multipletests.
METHODS = {
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "bonferroni": "bonferroni",
    "bh": "fdr_bh",
    "by": "fdr_by",
    "none": "",
}
ADJUSTMENTS = {
    "holm": "Holm",
    "hochberg": "Hochberg",
    "bonferroni": "Bonferroni",
    "bh": "Benjamini-Hochberg",
    "by": "Benjamini-Yekutieli",
    "none": "none",
}
UNADJUSTED = "not adjusted for the number of comparisons"
# What a row's test is of; "" where there is none.
BOTH, SEEDS, PATIENTS = "seeds and patients", "seeds", "patients"
BASES = (BOTH, SEEDS, PATIENTS)
# The columns of an estimate's interval by its basis: (low, high).
INTERVALS = {
    BOTH: ("total_low", "total_high"),
    SEEDS: ("ci_low", "ci_high"),
    PATIENTS: ("patients_low", "patients_high"),
}
# Which p of labels are adjusted together, in words.
FAMILY = {
    "labels": "the labels of one pair of heads, task and test set",
    "pairs": "the labels of all pairs of heads of one task and test set",
    "study": "the labels of all pairs of heads, tasks and test sets",
}
FAMILIES = tuple(FAMILY)


def p_called(adjust: str) -> str:
    """What a sentence calls the p of column p_adjusted: `adjusted p`, unless nothing was adjusted."""
    return "p" if adjust == "none" else "adjusted p"


@dataclass(frozen=True)
class Inference:
    """The rules of a comparison, each at the key `analysis.{its name}` of the configuration.

    alpha: an adjusted p below it is significant. inference: `both`, seeds and patients together where there are
    intervals over patients, or `seeds`, the paper's t-test whatever there is. adjust: how the p of a family are
    adjusted (`METHODS`). family: which tests are one: the `labels` of a pair, task and test set, those of all `pairs`
    there, or of the `study`. margin: the difference below which heads are equivalent. power: of the difference that is
    called detectable.
    """

    alpha: float = 0.05
    inference: Literal["both", "seeds"] = "both"
    adjust: Literal["holm", "hochberg", "bonferroni", "bh", "by", "none"] = "holm"
    family: Literal["labels", "pairs", "study"] = "labels"
    margin: float = 0.01
    power: float = 0.8

    def __post_init__(self) -> None:
        for key in ("alpha", "power"):
            if not 0 < getattr(self, key) < 1:
                raise InputError(f"{key} must be in (0, 1), got {getattr(self, key)}; set analysis.{key} in the config")
        if self.power <= self.alpha:
            raise InputError(
                f"power must be above alpha ({self.alpha}), got {self.power}; set analysis.power in the config"
            )
        if not self.margin > 0:
            raise InputError(f"margin must be > 0, got {self.margin}; set analysis.margin in the config")
        for key, allowed in {"inference": ("both", "seeds"), "adjust": METHODS, "family": FAMILIES}.items():
            if getattr(self, key) not in allowed:
                got = f"got {getattr(self, key)}; set analysis.{key} in the config"
                raise InputError(f"{key} must be one of {', '.join(allowed)}, {got}")

    @classmethod
    def of(cls, section: object) -> "Inference":
        """The rules that the configuration's section `analysis`, or a mapping that holds at least its keys, sets."""
        read = section.__getitem__ if isinstance(section, Mapping) else lambda key: getattr(section, key)
        return cls(**{field.name: read(field.name) for field in fields(cls)})
