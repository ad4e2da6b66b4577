"""The groups that attributes make of films: their borders, names and references."""

import numpy as np
import pandas as pd

from qcxr.analysis.attributes import groupings


def test_ages_groups_and_what_cannot_be():
    films = np.array([f"f{k}" for k in range(9)], dtype=object)
    ages = [39.9, 40, 59, 60, 80, 411, np.nan, 0.5, 148]
    frame = pd.DataFrame({"age": ages}, index=films)
    (grouping,) = groupings(frame, films, films).values()
    assert grouping.names == ("under 40", "40 to 59", "60 to 79", "80 and over", "unknown")
    assert list(grouping.of) == [
        *("under 40", "40 to 59", "40 to 59", "60 to 79", "80 and over"),
        *("unknown", "unknown", "under 40", "unknown"),
    ]
    assert grouping.note == "2 films with an age that cannot be (148 to 411 years) counted as unknown"
    assert grouping.reference == "under 40" and "unknown" not in grouping.compared  # the first of two equally large
    (grouping,) = groupings(frame, films, films, age_borders=[17.5]).values()
    assert grouping.names == ("under 17.5", "17.5 and over", "unknown") and grouping.reference == "17.5 and over"


def test_references_and_other_attributes():
    films = np.array([f"f{k}" for k in range(6)], dtype=object)
    frame = pd.DataFrame(
        {
            "sex": ["male", "female", "F", "F", "M", ""],
            "view": ["AP", "AP", "PA", "AP", "AP", "AP"],
            "hospital": ["north"] * 5 + ["south"],
            "scanner": [""] * 6,
        },
        index=films,
    )
    found = groupings(frame, films, films, kept=["sex"])
    assert list(found) == ["sex", "hospital"]  # view is not wanted, no scanner is known
    assert found["sex"].names == ("F", "M", "unknown") and found["sex"].compared == ("F",)
    assert found["hospital"].reference == "north" and found["hospital"].compared == ("south",)
    assert groupings(frame, films, films)["view"].reference == "PA"
    alone = groupings(frame.assign(view="AP"), films, films)["view"]
    assert alone.names == ("AP",) and alone.reference == "" and alone.compared == ()
