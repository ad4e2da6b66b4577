"""What rows of tests are judged by: the basis of each, p adjusted in families, marks, power and equivalence."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from qcxr.analysis import power
from qcxr.analysis.families import adjust
from qcxr.analysis.inference import BOTH, PATIENTS, SEEDS, Inference

Rows = Float[np.ndarray, " rows"]


class Test(NamedTuple):
    """The test that each row goes by: what varies in it, its standard error, degrees of freedom (inf: normal) and p."""

    basis: pd.Series
    se: Rows
    df: Rows
    p: pd.Series


def mark(p: float) -> str:
    """Return the significance mark of a p-value as in the paper's Fig. 5; empty if p is undefined."""
    if np.isnan(p):
        return ""
    return "***" if p < 0.001 else "**" if p < 0.01 else "*" if p < 0.05 else "ns"


def chosen(tests: pd.DataFrame, inference: str) -> Test:
    """The test of every row: seeds and patients together where it is defined, else seeds, else patients.

    With inference `seeds` it is the t-test over seeds or none. tests: also the column seeds_se.
    """
    allowed = (SEEDS,) if inference == "seeds" else (BOTH, SEEDS, PATIENTS)
    columns = {BOTH: ("total_se", "total_df", "p_total"), SEEDS: ("seeds_se", "df", "p")}
    columns[PATIENTS] = ("patients_se", "", "p_patients")
    basis = pd.Series("", index=tests.index, dtype=object)
    se, df, p = (pd.Series(np.nan, index=tests.index, dtype=float) for _ in range(3))
    for name in allowed:
        of_se, of_df, of_p = columns[name]
        here = (basis == "") & tests[of_p].notna()
        basis[here], se[here], p[here] = name, tests.loc[here, of_se], tests.loc[here, of_p]
        df[here] = tests.loc[here, of_df] if of_df else np.inf
    return Test(basis, se.to_numpy(float), df.to_numpy(float), p)


def judge(tests: pd.DataFrame, rules: Inference) -> pd.DataFrame:
    """Add basis, p_adjusted, mark, significant, mark_raw, p_holm, p_bh, detectable, power_margin, p_equivalent, ...

    tests: with the columns of the three tests, and seeds_se. mark and significant follow p_adjusted, mark_raw the raw p
    of the paired t-test. The equivalence test and the powers are each row's own, not adjusted.
    """
    test = chosen(tests, rules.inference)
    found = tests.assign(basis=test.basis, **adjust(tests, test.p, rules))
    found["mark"] = [mark(p) for p in found["p_adjusted"]]
    found["mark_raw"] = [mark(p) for p in found["p"]]
    found["significant"] = found["p_adjusted"] < rules.alpha
    difference = found["difference"].to_numpy(float)
    found["detectable"] = power.detectable(test.se, test.df, alpha=rules.alpha, power=rules.power)
    margin = np.full(len(found), rules.margin)
    found["power_margin"] = power.power(margin, test.se, test.df, alpha=rules.alpha)
    found["p_equivalent"] = power.equivalence(difference, test.se, test.df, margin=rules.margin)
    found["equivalent"] = found["p_equivalent"] < rules.alpha
    return found
