"""How results are printed: by which rules they were made, and which sd stands behind a mean."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from qcxr.analysis import formats
from qcxr.analysis.inference import Inference


@dataclass(frozen=True)
class Shown:
    """Settings of the tables; metrics.csv, tests.csv and estimates.csv do not depend on them.

    inference: the rules that the tests were made by; None where they are not known, and then no caption names them.
    sd: what is printed behind a mean over n seeds, `sample` divides by n - 1, `population` by n, as the published
    notebook does.
    """

    inference: Inference | None = None
    sd: Literal["sample", "population"] = "sample"

    def spread(self, sd: float, n: int) -> float:
        """The sd to print, from the one that divides by n - 1."""
        return sd if self.sd == "sample" or n < 2 else sd * float(np.sqrt((n - 1) / n))

    def mean_sd(self, mean: float, sd: float, n: int) -> str:
        """`mean ± sd` of n seeds; sd: the one that divides by n - 1."""
        return formats.mean_sd(mean, self.spread(sd, n))

    def of_values(self, values: pd.Series) -> str:
        """`mean ± sd` of the seeds' values."""
        return self.mean_sd(values.mean(), values.std(ddof=1), len(values))

    @property
    def plus_minus(self) -> str:
        """What `mean ± sd` is, in words."""
        return "mean ± sd over seeds" + self.by_n

    @property
    def by_n(self) -> str:
        """What must be said of an sd that does not divide by n - 1."""
        return " (dividing by n)" * (self.sd == "population")

    def of_seeds(self, most: int) -> str:
        """What such a cell is, in words, where no mean is over more than `most` seeds: one has no sd."""
        return self.plus_minus if most > 1 else "of one seed"
