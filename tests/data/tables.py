"""A table of films written for a test, what is read of it, and what its films show."""

import pandas as pd

from qcxr.data.table import read
from qcxr.study.kinds import OfItsKind

FILMS = """\
film;ward;who;set;fluid;lump;rib;clavicle;years;gender
b;3B;P-2;trn;yes;0;0;0;71;f
a;3B;P-1;trn;no;1.0;0;1;058Y;m
c;ICU;P-3;tst;No;0;1;0;6M;f
d;ICU;P-4;dev;YES;1;0;0;;m
"""
KEYS = {
    "path": "{ward}/{film}.png",
    "patient": "who",
    "split": {"column": "set", "words": {"train": ["trn"], "val": ["dev"], "test": ["tst"]}},
    "labels": {"Pleural Effusion": "fluid", "Nodule": "lump", "Fracture": ["rib", "clavicle"]},
}
BARE = {"path": "f", "patient": None, "split": None, "labels": ["Mass", "Edema"]}


def table(root, text=FILMS, name="films.csv", **keys):
    """The section for a table that holds `text`, and its films' folder."""
    if text is not None:
        (root / name).write_text(text, encoding="utf-8")
    return OfItsKind().check({"kind": "table", "images": str(root), "files": str(root / name), **KEYS, **keys})


def frame(root, *given, **keys):
    """What is read, by film."""
    section = table(root, *given, **keys)
    return read(**section.reader_options()).set_index("image_id")


def shown(found, label):
    """The films by what they show of a label."""
    return {name: None if value is pd.NA else int(value) for name, value in found[label].items()}


def filled(value, file):
    """Keys with the table's file in them."""
    if isinstance(value, dict):
        return {key: filled(each, file) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, file) for each in value]
    return value.replace("{file}", file) if isinstance(value, str) else value
