"""What `qcxr evaluate` is asked for: each option checked once, before anything is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from qcxr.analysis import figures
from qcxr.analysis.inference import Inference
from qcxr.analysis.replicates import Resampling
from qcxr.errors import InputError
from qcxr.study.analysis import Analysis

NEED_TRAINING = ("history", "steps", "search")  # inputs that predictions alone do not have
CHOICES = ("inference", "adjust", "family")  # options of which the configuration names the values


def choices(key: str) -> tuple[str, ...]:
    """The values that `analysis.{key}` of a study's configuration may have, and so its option here."""
    return get_args(Analysis.model_fields[key].annotation)


@dataclass(frozen=True)
class Evaluation:
    """What is computed from predictions; names, values and defaults are those of a study's `analysis`.

    heads: all, in their order; by default that of the list of runs. reference: those that every other is compared with;
    by default the first head. alpha, inference, adjust, family, margin, power: as in
    `qcxr.analysis.inference.Inference`. replicates: of the bootstrap over patients, 0 leaves it out; seed and threads
    are its own. only: figures to draw, names of `qcxr.analysis.figures.FIGURES`; by default all that the inputs allow.
    """

    heads: Sequence[str] | None = None
    reference: Sequence[str] | None = None
    alpha: float = 0.05
    inference: str = "both"
    adjust: str = "holm"
    family: str = "labels"
    margin: float = 0.01
    power: float = 0.8
    replicates: int = 2000
    seed: int = 0
    threads: int = 2
    only: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for key in ("alpha", "power"):
            _must(0 < getattr(self, key) < 1, key, "be in (0, 1)", getattr(self, key))
        _must(self.power > self.alpha, "power", f"be above alpha ({self.alpha:g})", self.power)
        _must(0 < self.margin < 1, "margin", "be in (0, 1)", self.margin)
        for key in CHOICES:
            allowed = choices(key)
            _must(getattr(self, key) in allowed, key, f"be one of {', '.join(allowed)}", getattr(self, key))
        _must(self.replicates == 0 or self.replicates >= 100, "bootstrap", "be 0 or >= 100", self.replicates)
        _must(self.seed >= 0, "seed", "be a whole number >= 0", self.seed)
        _must(self.threads >= 1, "threads", "be a whole number >= 1", self.threads)
        for key in ("heads", "reference"):
            given = getattr(self, key)
            _must(given is None or 0 < len(set(given)) == len(given), key, "name different heads", given)
        if unknown := [name for name in self.only or () if name not in figures.FIGURES]:
            _must(False, "only", f"name figures of {', '.join(drawable())}", ", ".join(unknown))
        if untrained := [name for name in self.only or () if name not in drawable()]:
            _must(False, "only", f"name figures of {', '.join(drawable())}", f"{', '.join(untrained)} of a training")

    @property
    def rules(self) -> Inference:
        """By what rules heads are compared."""
        return Inference(**{key: getattr(self, key) for key in Inference.__dataclass_fields__})

    @property
    def resampling(self) -> Resampling:
        """How patients are drawn; of no replicates there is none."""
        return Resampling(self.replicates, seed=self.seed, threads=self.threads)

    def draws(self, base: str) -> bool:
        """Whether figure `base` is asked for and can be drawn without a training's files."""
        return base in drawable() and (self.only is None or base in self.only)

    def order(self, listed: Sequence[str]) -> list[str]:
        """The heads in their order, references first; InputError if one is asked for that has no runs.

        listed: the heads of the list of runs, in its order.
        """
        known = list(dict.fromkeys(listed))
        for key in ("heads", "reference"):
            if unknown := [head for head in getattr(self, key) or () if head not in known]:
                _must(False, key, f"name heads of the list of runs ({', '.join(known)})", ", ".join(unknown))
        wanted = known if self.heads is None else list(self.heads)
        return list(dict.fromkeys([*(self.reference or ()), *wanted]))


def drawable() -> list[str]:
    """The figures that predictions allow, in the registry's order."""
    return [base for base, entry in figures.FIGURES.items() if not set(entry.needs) & set(NEED_TRAINING)]


def _must(right: bool, option: str, what: str, got: object) -> None:
    if not right:
        raise InputError(f"{option} must {what}, got {got}; set --{option}")
