"""Figures of the user's own, from the plug-ins in force."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from qcxr.errors import InputError
from qcxr.study import execution, plugged


def draw(name: str, **inputs: Any) -> Figure:
    """Call a plug-in's function with what it takes of the inputs. Raises `InputError` if it gives no Figure."""
    written = plugged.get("figure", name)
    function = execution.load(written)
    taken = {argument.name for argument in written.takes.arguments}
    with execution.saying(written):
        drawn = function(**{key: value for key, value in inputs.items() if written.takes.open or key in taken})
        if not isinstance(drawn, Figure):
            raise InputError(f"figure {name} must give matplotlib's Figure, got {type(drawn).__name__}; return it")
        return drawn
