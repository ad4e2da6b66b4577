"""What the cells of a table mean: labels by their canonical names, and the values that say yes, no and neither."""

from __future__ import annotations

from typing import Any

from qcxr.study.columns import Label, Value
from qcxr.study.labels import canonical

Labels = dict[str, Label]

_YES, _NO = ("true", "yes", "y", "on"), ("false", "no", "n", "off")


def plain(value: Any) -> str:
    """A value as text that is equal for equal values: trimmed, in lower case, a number without its zeros.

    >>> plain(" Yes "), plain("1.0"), plain(-1), plain("007")
    ('yes', '1', '-1', '7')
    """
    text = str(value).strip().lower()
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{number:.0f}" if number.is_integer() else repr(number)


def spelt(value: Any) -> tuple[Any, ...]:
    """A value of the configuration in all spellings: YAML reads an unquoted yes as true.

    >>> spelt("yes"), spelt(True)
    (('yes',), ('true', 'yes', 'y', 'on'))
    """
    return ((_NO, _YES)[value]) if isinstance(value, bool) else (value,)


def told(
    labels: list[str] | dict[str, str | list[str] | Label], positive: list[Value], negative: list[Value]
) -> Labels:
    """Each label by its canonical name, with its columns (or words of findings) and their values."""
    given = labels if isinstance(labels, dict) else {name: name for name in labels}
    return {
        canonical(name): columns
        if isinstance(columns, Label)
        # not checked: words of findings may be none, which is refused elsewhere
        else Label.model_construct(None, columns=columns, positive=positive, negative=negative)
        for name, columns in given.items()
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
