"""Which interval a row of results leads with: that of the test which its words follow; the others are its parts."""

import numpy as np
import pandas as pd

from qcxr.analysis.inference import BOTH, PATIENTS, SEEDS

NAMES = {"total": BOTH, "seeds": SEEDS, "patients": PATIENTS}  # what begins an interval's columns -> its basis


def led(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows of tests or estimates with the 95 % interval to lead with as `low`, `high`, and `lead`, its kind.

    The column `basis` says which; without one it is seeds and patients together where that is known, else seeds alone
    (the paper's t-interval), else patients alone; "" is none. Added where a table lacks them (NaN): total_low,
    total_high, seeds_low, seeds_high (in tests: ci_low, ci_high), patients_low, patients_high.
    """
    given = frame.rename(columns={"ci_low": "seeds_low", "ci_high": "seeds_high"})
    for kind in NAMES:
        for end in ("low", "high"):
            if f"{kind}_{end}" not in given:
                given[f"{kind}_{end}"] = np.nan
    lead = np.select([given[f"{kind}_low"].notna() for kind in NAMES], list(NAMES), default="")
    if "basis" in given:
        kinds = {name: kind for kind, name in NAMES.items()}
        lead = given["basis"].map(kinds).fillna("").to_numpy(object)
    ends = {
        end: np.select([lead == kind for kind in NAMES], [given[f"{kind}_{end}"] for kind in NAMES], default=np.nan)
        for end in ("low", "high")
    }
    return given.assign(lead=lead, **ends)
