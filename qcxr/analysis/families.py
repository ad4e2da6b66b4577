"""Families of tests, and their p-values adjusted for how many they are.

A family never mixes metrics or variants: a second endpoint is a question of its own. The means over labels are no
labels more: the row `mean` of all pairs, tasks and test sets is one family, those of head, medium and tail labels a
second.

Holm's method is written out here and statsmodels judges it in the tests: its own runs the garbage collector in every
call, a tenth of a second for each family, of which a study has hundreds. To hold the collector still around it
would change the whole process. All other methods are statsmodels'.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float
from statsmodels.stats.multitest import multipletests

from qcxr.analysis import variants
from qcxr.analysis.inference import METHODS, Inference
from qcxr.analysis.predictions import MEANS

OF_A_PAIR = ("task", "dataset", "head_a", "head_b")
KEYS = {"labels": OF_A_PAIR, "pairs": ("task", "dataset"), "study": ()}  # beside metric and variant


def adjusted(p: Float[np.ndarray, " tests"], method: str) -> Float[np.ndarray, " tests"]:
    """The p of one family adjusted by a method of `METHODS`; a test without p is none and stays NaN."""
    found = np.array(p, dtype=float)
    known = ~np.isnan(found)
    if known.any() and METHODS[method]:
        of = found[known]
        found[known] = _holm(of) if method == "holm" else multipletests(of, method=METHODS[method])[1]
    return found


def _holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Holm 1979: the k-th smallest of n times n - k + 1, none below one before it, none above 1."""
    order = np.argsort(p)
    found = np.empty_like(p)
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return found


def family_of(tests: pd.DataFrame, family: str) -> pd.Series:
    """The family that each row of tests belongs to, as one key."""
    label = tests["label"]
    kind = label.where(label == "mean", "labels").mask(label.isin(MEANS[1:]), "groups")
    columns = {key: tests[key].where(kind == "labels", "") for key in KEYS[family]}
    columns |= {"kind": kind, "metric": tests["metric"], "variant": variants.of(tests)}
    rows = zip(*(column.astype(str) for column in columns.values()), strict=True)
    return pd.Series(list(rows), index=tests.index, dtype=object)


def adjust(tests: pd.DataFrame, of_basis: pd.Series, rules: Inference) -> pd.DataFrame:
    """p_adjusted of the p that each row goes by (`of_basis`); p_holm and p_bh of the raw p over a pair's labels.

    p_holm and p_bh do not depend on the rules: they are what the paper's figures can be compared with. Means have none.
    """
    raw = tests["p"].astype(float).mask(tests["label"].isin(MEANS))
    of_labels = family_of(tests, "labels")
    return pd.DataFrame(
        {
            "p_adjusted": _by_family(of_basis, family_of(tests, rules.family), rules.adjust),
            "p_holm": _by_family(raw, of_labels, "holm"),
            "p_bh": _by_family(raw, of_labels, "bh"),
        }
    )


def _by_family(p: pd.Series, family: pd.Series, method: str) -> pd.Series:
    found = pd.Series(np.nan, index=p.index, dtype=float)
    for rows in family.groupby(family, sort=False).groups.values():
        found.loc[rows] = adjusted(p.loc[rows].to_numpy(float), method)
    return found


def within(p: pd.Series, method: str, *families: pd.Series) -> pd.Series:
    """p adjusted by a method of `METHODS` among rows alike in every one of `families`; an empty p stays so."""
    keys = zip(*(family.astype(str) for family in families), strict=True)
    return _by_family(p.astype(float), pd.Series(list(keys), index=p.index, dtype=object), method)
