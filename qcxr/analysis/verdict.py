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
    """The test that each row goes by: what varies in it, its standard error, degrees of freedom and p."""

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
    """The test of every row: seeds and patients together, of one seed patients; without patients' rows, seeds.

    What patients vary in a rare label may be unknown (a single patient has it). Such a row has no test: one over seeds
    alone would ask less of it than of the labels beside it. With inference `seeds` the t-test over seeds is that of all
    rows. tests: also the columns seeds_se and with_patients, whether the row was given what patients vary.
    """
    columns = {
        BOTH: ("total_se", "total_df", "p_total"),
        PATIENTS: ("patients_se", "patients_df", "p_patients"),
        SEEDS: ("seeds_se", "df", "p"),
    }
    given = tests["with_patients"].astype(bool)
    several = tests["n_seeds"] > 1
    open_to = {BOTH: given & several, PATIENTS: given & ~several, SEEDS: ~given}
    if inference == "seeds":
        open_to = {SEEDS: given | ~given}
    basis = pd.Series("", index=tests.index, dtype=object)
    se, df, p = (pd.Series(np.nan, index=tests.index, dtype=float) for _ in range(3))
    for name, here in open_to.items():
        of_se, of_df, of_p = columns[name]
        here &= tests[of_p].notna()
        basis[here], se[here] = name, tests.loc[here, of_se]
        df[here], p[here] = tests.loc[here, of_df], tests.loc[here, of_p]
    return Test(basis, se.to_numpy(float), df.to_numpy(float), p)


def judge(tests: pd.DataFrame, rules: Inference) -> pd.DataFrame:
    """Add basis, p_adjusted, mark, significant, mark_raw, p_holm, p_bh, detectable, power_margin, p_equivalent, ...

    tests: with the columns of the three tests, seeds_se and with_patients. mark and significant follow p_adjusted,
    mark_raw the raw p of the paired t-test. The equivalence test and the powers are each row's own, not adjusted.
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
