"""What the cells of a table mean: labels by their canonical names, and the values that say yes, no and neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qcxr.study.columns import Label
from qcxr.study.labels import canonical

if TYPE_CHECKING:
    from qcxr.study.table import Table

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


def told(table: Table) -> dict[str, Label]:
    """Each label by its canonical name, with its columns (or words of findings) and their values."""
    given = table.labels if isinstance(table.labels, dict) else {name: name for name in table.labels}
    common = {"positive": table.positive, "negative": table.negative}
    return {
        canonical(name): columns if isinstance(columns, Label) else Label.model_construct(columns=columns, **common)
        for name, columns in given.items()
    }


def meanings(table: Table, label: Table | Label) -> tuple[set[str], set[str], set[str]]:
    """The values of a label that mean yes, no and neither, as `plain` writes them."""
    neither = table.uncertainty().values if table.uncertain is not None else []
    given = (label.positive, label.negative, neither)
    yes, no, unsure = ({plain(each) for value in values for each in spelt(value)} for values in given)
    return yes, no, unsure
