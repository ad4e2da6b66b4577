"""Names in figures: what a user calls a label, a head or a data set may have dollars in it, as formulas have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what draws has imported it
    from matplotlib.figure import Figure


def only_sound(figure: Figure) -> None:
    """Show texts of a figure as they are where matplotlib would fail to read them as formulas, as `$\\x$`."""
    from matplotlib.cbook import is_math_text  # here, as below: what draws has imported it, and nothing else needs it
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text

    parser = MathTextParser("path")
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        try:
            for line in filter(is_math_text, text.get_text().splitlines()):
                parser.parse(line)
        except ValueError:
            text.set_parse_math(False)
