"""What the registry of figures says of each. Imported by the workflow's plan, so without matplotlib and pandas."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from qcxr.analysis.facts import If
from qcxr.analysis.names import capital
from qcxr.study.pluginfile import Registered


@dataclass(frozen=True)
class FigureSpec:
    """One figure: `function` as module:name, the kinds of input it needs, the keys it is drawn by, its texts.

    `caption` is the name of the caption file in workflow/report; `text` is what it says, some sentences for those
    studies only of which they are true. `title` heads it in reports. `options` are the keys of the configuration's
    `analysis` section that it takes. A figure with `pair` shows a comparison and is drawn for two heads or more. `also`
    are kinds of input that it shows where they are there. `whole`: it shows all variants of the study (and is given its
    outline), not one of them. A figure by `axis` is drawn for each varied key, one that needs `search` where there is a
    search. `about`: it is drawn for studies that have one of these tasks, one of these data sets, and all these heads;
    an absent key asks for nothing. `fixed` are arguments of the function.
    """

    function: str
    needs: tuple[str, ...]
    by: tuple[str, ...]
    caption: str
    title: str
    text: tuple[str | If, ...]
    options: tuple[str, ...] = ()
    pair: bool = False
    also: tuple[str, ...] = ()
    whole: bool = False
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)

    def draw(self, **inputs: Any) -> Any:
        """Import the module (matplotlib with it) and call the function."""
        module, name = self.function.split(":")
        return getattr(import_module(f"qcxr.analysis.figures.{module}"), name)(**self.fixed, **inputs)

    def fits(self, *, tasks: Iterable[str], datasets: Iterable[str], heads: Iterable[str]) -> bool:
        """Whether a study of these tasks, test sets and heads has what the figure is about."""
        here = {"task": set(tasks), "dataset": set(datasets), "head": set(heads)}
        return self.lacking(here) == [] and (len(here["head"]) > 1 or not self.pair)

    def lacking(self, here: Mapping[str, set[str]]) -> list[str]:
        """Of task, dataset and head, the keys of what the figure is about and `here` does not have."""
        about = {key: set(names) for key, names in self.about.items()}
        return [key for key, asked in about.items() if not (asked <= here[key] if key == "head" else asked & here[key])]


def of_plugin(found: Registered) -> FigureSpec:
    """A plug-in's figure as an entry: of the base variant, drawn by the function that its file has."""
    given = found.given
    return FigureSpec(
        "own:draw",
        given["needs"],
        given.get("by", ()),
        caption="",
        title=given.get("title") or capital(found.name.replace("_", " ")),
        text=(given["caption"],),
        fixed={"name": found.name},
    )
