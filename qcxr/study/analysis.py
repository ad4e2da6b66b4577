"""The configuration's `analysis`: how heads are compared. No weight, film or prediction depends on it."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from qcxr.study import plugged
from qcxr.study.fields import AsNumber, Count, Name, Positive, Section

# The names of the package's own, known here without importing them; tests hold them equal.
METRIC_NAMES = (
    "auroc", "average_precision", "balanced_accuracy", "threshold", "brier", "ece", "brier_skill",
    "calibration_slope", "calibration_intercept", "loss",
)  # fmt: skip
FIGURE_NAMES = (
    "difference", "losses", "mean_auroc", "labels", "volcano", "longtail", "roc", "precision_recall",
    "reliability", "vary", "subgroups", "trend", "variance", "decision", "search", "paper_fig4", "paper_fig5",
    "paper_fig6", "paper_fig7", "paper_fig8", "paper_fig9", "paper_fig10", "paper_fig11", "paper_fig12",
    "paper_fig13", "circuit",
)  # fmt: skip

Open = Annotated[float, Field(gt=0, lt=1), AsNumber]  # between 0 and 1, without either
Border = Annotated[float, Field(gt=0, lt=150), AsNumber]


class Analysis(Section):
    """The comparison (paper III-G) and what goes beyond it."""

    alpha: Open = Field(
        0.05,
        description="An adjusted p below it is called significant; intervals are 95 % and marks the usual three, "
        "whatever it is.",
        examples=[0.01],
    )
    inference: Literal["both", "seeds"] = Field(
        "both",
        description="What may vary in the tests that marks and words follow: both, seeds and patients together, or "
        "seeds alone, the paper's paired t-test.",
        examples=["seeds"],
    )
    adjust: Literal["holm", "hochberg", "bonferroni", "bh", "by", "none"] = Field(
        "holm",
        description="How the p-values of a family are adjusted: holm, hochberg and bonferroni bound the chance of one "
        "false claim, bh (Benjamini-Hochberg) and by (Benjamini-Yekutieli) the share of false claims.",
        examples=["bh"],
    )
    family: Literal["labels", "pairs", "study"] = Field(
        "labels",
        description="Which tests are one family: the labels of a task and test set for each pair of heads, those of "
        "all pairs, or of the whole study. Means over labels are a family of their own; gaps between subgroups have "
        "their own families, whatever this says.",
        examples=["study"],
    )
    margin: Positive = Field(
        0.01,
        description="Difference of AUROC (or average precision) below which two heads count as equivalent.",
        examples=[0.02],
    )
    power: Open = Field(0.8, description="Power at which the smallest detectable difference is given.", examples=[0.9])
    against: Annotated[list[Name], Field(min_length=1)] | None = Field(
        None,
        description="Heads that every other head is compared with; null is the first head alone.",
        examples=[["cdl", "dqc"]],
    )
    bootstrap: Annotated[int, Field(ge=0)] = Field(
        2000,
        description="Replicates of the patient-clustered bootstrap: at least 100, or 0 to leave it out.",
        examples=[500],
    )
    bootstrap_seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of the bootstrap.", examples=[1])
    head_over: Count = Field(
        1000,
        description="Labels with more positive training films than this are the head of the distribution.",
        examples=[200],
    )
    tail_under: Count = Field(
        100, description="Labels with fewer positive training films than this are its tail.", examples=[60]
    )
    quantiles: Annotated[list[Open], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="Tail and head by quantiles of the training counts of a task's labels, in place of head_over and "
        "tail_under: labels at or below the first are the tail, above the second the head.",
        examples=[[0.33, 0.67]],
    )
    sd: Literal["sample", "population"] = Field(
        "sample",
        description="The sd printed behind means over seeds: sample divides by n - 1, population by n, as the "
        "published notebook does. Tests always use the first.",
        examples=["population"],
    )
    subgroups: list[Literal["sex", "age", "view"]] = Field(
        ["sex", "age", "view"],
        description="By which of a film's facts results are broken down, where the data set gives them.",
        examples=[["sex"]],
    )
    age_borders: Annotated[list[Border], Field(min_length=1)] = Field(
        [40.0, 60.0, 80.0], description="Years at which a new age group begins.", examples=[[18, 65]]
    )
    metrics: list[Name] = Field(
        default=[],
        description="Metrics of plug-ins that every run is scored by, beside the package's own.",
        examples=[["sensitivity_at_95"]],
    )
    figures: list[Name] = Field(
        default=[],
        description="Figures of plug-ins that are drawn, beside the package's own.",
        examples=[["spread"]],
    )
    small_group: Count = Field(
        50, description="A subgroup with fewer patients than this is named a small one.", examples=[20]
    )

    @model_validator(mode="after")
    def _plugins_have_them(self) -> Analysis:
        for hook, named in (("metric", self.metrics), ("figure", self.figures)):
            there = plugged.names(hook)
            for name in named:
                if name not in there:
                    raise ValueError(
                        f"analysis.{hook}s must be {hook}s of plug-ins, which are {', '.join(there) or 'none'}, got "
                        f"{name}; correct it, or list its file under plugins"
                    )
            if len(set(named)) < len(named):
                raise ValueError(f"analysis.{hook}s must not repeat, got {named}; remove the repeated ones")
        for one in plugged.every("figure"):
            if one.name in self.figures and "bootstrap" in one.given["needs"] and not self.bootstrap:
                raise ValueError(
                    f"analysis.bootstrap must be above 0 for the figure {one.name} ({one.where}), got 0; set it, or "
                    "take the figure out of analysis.figures"
                )
        return self

    @model_validator(mode="after")
    def _can_be_computed(self) -> Analysis:
        if 0 < self.bootstrap < 100:
            raise ValueError(f"analysis.bootstrap must be 0 or >= 100, got {self.bootstrap}; set it in the config")
        if self.head_over < self.tail_under:
            raise ValueError(
                f"analysis.head_over must be >= analysis.tail_under ({self.tail_under}), got {self.head_over}; "
                "set them in the config"
            )
        if self.power <= self.alpha:
            raise ValueError(
                f"analysis.power must be above analysis.alpha ({self.alpha:g}), which a test without any effect has, "
                f"got {self.power:g}; set it in the config"
            )
        for key in ("quantiles", "age_borders"):
            given = getattr(self, key) or []
            if any(later <= earlier for earlier, later in pairwise(given)):
                raise ValueError(f"analysis.{key} must rise, got {given}; set it in the config")
        return self
