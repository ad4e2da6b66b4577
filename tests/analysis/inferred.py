"""The columns of tests.csv that a comparison over seeds and patients has, made for tables compared over seeds alone.

For tests of words and charts: the patients' part is drawn at random, the rest follows from it by statsmodels.
"""

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from qcxr.analysis import components
from qcxr.analysis.predictions import MEANS


def inferred(tests, *, margin=0.01, scale=0.006, basis=None, alpha=0.05):
    """tests of `statistics.compare`, with a patients' standard error of about `scale` added."""
    rng = np.random.default_rng(0)
    rows = []
    for row in tests.to_dict("records"):
        value, n = row["difference"], row["n_seeds"]
        se = scale * (1 if row["label"] in MEANS else 3 + 2 * rng.random())
        spread = (row["ci_high"] - row["ci_low"]) / 2 if n > 1 else np.nan
        from_seeds = components.estimate(value, (spread / 2.78) ** 2, n - 1)
        total = components.over_both(value, seed_variance=from_seeds.se**2 * n, n_seeds=n, shared_variance=se**2)
        alone = components.estimate(value, se**2)
        used = basis or ("seeds and patients" if n > 1 else "patients")
        lead = {"seeds and patients": total, "patients": alone, "seeds": from_seeds}[used]
        row |= {"patients_se": se, "patients_low": alone.low, "patients_high": alone.high, "p_patients": alone.p}
        row |= {"total_low": total.low, "total_high": total.high, "p_total": total.p, "total_se": total.se}
        row |= {"basis": used if lead.p == lead.p else "", "lead_p": lead.p, "mark_raw": row["mark"]}
        row |= {"detectable": 2.8 * lead.se, "power_margin": 0.5, "reading": "", "collapsed": ""}
        row |= {"equivalent": bool(lead.low > -margin and lead.high < margin), "p_equivalent": 0.01}
        row |= {"positive_patients": row.get("n_positive", 9), "g_z": row["d_z"]}
        rows.append(row)
    frame = pd.DataFrame(rows)
    frame["p_adjusted"] = np.nan
    means = frame["label"].isin(MEANS)
    families = [
        *frame[~means].groupby(["task", "dataset", "metric", "head_a", "head_b"]),
        *frame[means].groupby("metric"),
    ]
    for _, part in families:
        known = part.index[part["lead_p"].notna()]
        if len(known):
            frame.loc[known, "p_adjusted"] = multipletests(frame.loc[known, "lead_p"], method="holm")[1]
    p = frame["p_adjusted"]
    frame["mark"] = np.select([p.isna(), p < 0.001, p < 0.01, p < 0.05], ["", "***", "**", "*"], "ns")
    frame["significant"] = p < alpha
    return frame.drop(columns="lead_p")
