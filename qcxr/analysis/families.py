"""Adjustment of p-values within families of the rows of a table."""

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests


def holm(p: pd.Series, *families: pd.Series) -> pd.Series:
    """Holm's adjustment (1979) of p among the rows that are alike in every one of `families`; an empty p stays so."""
    adjusted = pd.Series(np.nan, index=p.index, dtype=float)
    tested = p.notna()
    for _, rows in p[tested].groupby([family[tested] for family in families], sort=False):
        adjusted[rows.index] = multipletests(rows.to_numpy(float), method="holm")[1]
    return adjusted
