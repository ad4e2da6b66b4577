"""What the cells of a table mean: labels by their canonical names, and the values that say yes, no and neither."""

from __future__ import annotations

import re
from typing import Any

from qcxr.study.columns import Label, Value
from qcxr.study.labels import canonical

Labels = dict[str, Label]

_YES, _NO = ("true", "yes", "y", "on"), ("false", "no", "n", "off")
_TRUTH = {"1": "true", "true": "1", "0": "false", "false": "0"}  # as parquet's and other tables' booleans are written
_WHOLE = re.compile(r"([+-]?)0*([0-9]+)(?:[.]0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:e[+-]?[0-9]+)?")
# What a column, or a word of a label file's name, calls a split.
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development"), "val"),
    "test": "test",
}


def plain(value: Any) -> str:
    """A value as text that is equal for equal values: trimmed, in lower case, a number without its zeros.

    >>> plain(" Yes "), plain("1.0"), plain(-1), plain("007"), plain("1e1"), plain("1_0")
    ('yes', '1', '-1', '7', '10', '1_0')
    """
    text = str(value).strip().lower()
    if whole := _WHOLE.fullmatch(text):  # digit by digit: a float would round the ids of DICOMs
        sign, digits = whole.groups()
        return "-" * (sign == "-" and digits != "0") + digits
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return f"{number:.0f}" if number.is_integer() else repr(number)


def spelt(value: Any) -> tuple[Any, ...]:
    """A value of the configuration in all spellings: YAML reads an unquoted yes as true, and true and 1 are one.

    >>> spelt("yes"), spelt(True), spelt(0)
    (('yes',), ('true', 'yes', 'y', 'on', '1'), (0, 'false'))
    """
    if isinstance(value, bool):
        return (*(_NO, _YES)[value], "01"[value])
    return (value, other) if (other := _TRUTH.get(plain(value))) else (value,)


def splits_named(file: str) -> set[str]:
    """The splits that a label file's name tells.

    >>> splits_named("labels/miccai2023_nih-cxr-lt_labels_val.csv")
    {'val'}
    """
    name = file.rpartition("/")[2].lower()
    words = "".join(c if c.isalnum() else " " for c in name).split()
    return {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}


def told(labels: dict[str, str | list[str] | Label], positive: list[Value], negative: list[Value]) -> Labels:
    """Each label by its canonical name, with its columns (or words of findings) and their values."""
    return {
        canonical(name): columns
        if isinstance(columns, Label)
        # not checked: words of findings may be none, which is refused elsewhere
        else Label.model_construct(None, columns=columns, positive=positive, negative=negative)
        for name, columns in labels.items()
    }


def spellings(values: list[Value]) -> set[str]:
    """Values of the configuration in all spellings, as `plain` writes them."""
    return {plain(each) for value in values for each in spelt(value)}


def meanings(label: Label, uncertain: list[Value], *, own: bool) -> tuple[set[str], set[str], set[str]]:
    """The values of a label that mean yes, no and neither, as `plain` writes them.

    own: its values are its own, so that what they say of the uncertain ones goes before what is said of all labels.
    """
    yes, no, unsure = map(spellings, (label.positive, label.negative, uncertain))
    return yes, no, unsure - yes - no if own else unsure
