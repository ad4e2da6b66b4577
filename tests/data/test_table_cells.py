"""What the cells of a table say of a label, against values made by hand."""

import hypothesis
import hypothesis.strategies as st
import pytest

from .tables import BARE, frame, shown

CELLS = "f,Mass,Edema\na,1,-1\nb,0,\nc,-1,0\n"


@pytest.mark.parametrize(
    ("keys", "mass", "edema"),
    [
        ({"uncertain": "zero", "blank": "zero"}, [1, 0, 0], [0, 0, 0]),
        ({"uncertain": "one", "blank": "missing"}, [1, 0, 1], [1, None, 0]),
        ({"uncertain": "missing", "blank": "drop"}, [1, None], [None, 0]),
        ({"uncertain": {"values": ["-1.0"], "taken_as": "one"}, "blank": "zero"}, [1, 0, 1], [1, 0, 0]),
        ({"positive": [1, -1], "blank": "zero"}, [1, 0, 1], [1, 0, 0]),
        ({"labels": {"Both": ["Mass", "Edema"]}, "uncertain": "missing", "blank": "missing"}, [1, None, None], None),
    ],
)  # fmt: skip
def test_what_is_uncertain_and_what_is_blank(tmp_path, keys, mass, edema):
    found = frame(tmp_path, CELLS, **BARE | keys)
    for label, values in (("Both" if "labels" in keys else "Mass", mass), ("Edema", edema)):
        assert values is None or list(shown(found, label).values()) == values


def by_hand(rows, columns, keys):
    """A label of each film, row by row with nothing but dictionaries; None is not known. Raises KeyError."""
    taken = {"zero": 0, "one": 1, "missing": None}
    votes, dropped = {}, set()
    for film, *cells in rows:
        said = []
        for column in columns:
            cell = cells[column].strip().lower()
            if cell == "":
                said.append({"zero": 0, "missing": None, "drop": "drop"}[keys["blank"]])
            elif cell in ("-1", "-1.0"):
                said.append(taken[keys["uncertain"]])
            else:
                said.append({"1": 1, "1.0": 1, "yes": 1, "0": 0, "0.00": 0, "no": 0}[cell])
        if "drop" in said:
            dropped.add(film)
        votes.setdefault(film, []).append(1 if 1 in said else None if None in said else 0)
    found = {}
    for film, given in votes.items():
        if film in dropped:
            continue
        known = [vote for vote in given if vote is not None]
        if keys["rows"] == "majority":
            found[film] = int(sum(known) * 2 > len(known)) if known else None
        else:
            found[film] = 1 if 1 in known else None if None in given else 0
    return found


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abcd"), *[st.sampled_from(["1", "1.0", "Yes", "0", "0.00", " no", "-1", "-1.0", ""])] * 2
        ),
        min_size=1,
        max_size=8,
    ),
    keys=st.fixed_dictionaries(
        {
            "uncertain": st.sampled_from(["zero", "one", "missing"]),
            "blank": st.sampled_from(["zero", "missing", "drop"]),
            "rows": st.sampled_from(["any", "majority"]),
        }
    ),
)
def test_labels_are_those_made_by_hand(tmp_path_factory, rows, keys):
    text = "\n".join(["f,one,two", *map(",".join, rows)])
    expected = by_hand(rows, (0, 1), keys)
    hypothesis.assume(expected)
    found = frame(tmp_path_factory.mktemp("by-hand"), text, **BARE | {"labels": {"Mass": ["one", "two"]}} | keys)
    assert shown(found, "Mass") == expected


def test_a_label_may_take_what_is_uncertain_in_its_own_way(tmp_path):
    own = {"columns": "Mass", "positive": [1, -1], "negative": [0]}
    keys = BARE | {"labels": {"Mass": own, "Edema": "Edema"}, "uncertain": "missing", "blank": "zero"}
    found = frame(tmp_path, CELLS, **keys)
    assert list(shown(found, "Mass").values()) == [1, 0, 1] and list(shown(found, "Edema").values()) == [None, 0, 0]


def test_words_of_a_table_are_no_empty_cells(tmp_path):
    """pandas takes None and NA for nothing by itself."""
    keys = BARE | {"labels": {"Mass": "m"}, "positive": ["NA"], "negative": ["None", "null"], "blank": "missing"}
    found = frame(tmp_path, "f,m\na,NA\nb,None\nc,\nd,null\n", **keys)
    assert shown(found, "Mass") == {"a": 1, "b": 0, "c": None, "d": 0}


READERS = "f,r,Mass,Edema\na,1,1,1\na,2,1,0\nb,1,0,0\na,3,0,\nb,2,1,0\n"


@pytest.mark.parametrize(("rows", "a", "b"), [("any", (1, 1), (1, 0)), ("majority", (1, 0), (0, 0))])
def test_several_rows_of_a_film(tmp_path, rows, a, b):
    found = frame(tmp_path, READERS, **BARE, rows=rows, blank="missing")
    assert found.loc[["a", "b"], ["Mass", "Edema"]].to_numpy().tolist() == [list(a), list(b)]
