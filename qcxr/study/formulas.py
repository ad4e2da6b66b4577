"""Names in figures: what a user calls a label, a head or a data set is no formula, whatever dollars are in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what draws has imported it
    from matplotlib.figure import Figure

# the formulas that we write, and matplotlib's own, of ticks on a logarithmic axis
OURS = re.compile(r"\$-?\\(log|rho|mathdefault)(?![a-z])")


def only_ours(figure: Figure) -> None:
    """Let matplotlib read only our own formulas as such: a name like `$\\x$` would end it in an error."""
    from matplotlib.text import Text  # here: what draws has imported it, and nothing else needs it

    for text in figure.findobj(Text):
        if isinstance(text, Text) and "$" in text.get_text() and not OURS.search(text.get_text()):
            text.set_parse_math(False)
