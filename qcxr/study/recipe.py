"""What one run is made with: the study's sections with a head's own keys, and a variant's, laid over them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from qcxr.study import networks, plugged, processor, refusals
from qcxr.study.backbone import Backbone
from qcxr.study.circuit import Noise
from qcxr.study.data import Sampling
from qcxr.study.entry import Entry
from qcxr.study.fields import Section
from qcxr.study.function import Own
from qcxr.study.heads import options_of
from qcxr.study.pluginfile import Registered
from qcxr.study.sections import Augment, Image, Train
from qcxr.study.train import Schedule
from qcxr.study.train import options_of as options_of_loss

SECTIONS: dict[str, type[Section]] = {"train": Train, "augment": Augment, "backbone": Backbone, "data": Sampling}
Values = Mapping[str, Any]  # by key of the configuration, with its dots: {"head.layers": 10, "train.epochs": 5}


@dataclass(frozen=True)
class Recipe:
    """What makes a classifier and trains it: all of the configuration that decides a run's weights but its labels."""

    kind: str
    head_options: dict[str, Any]
    backbone: Backbone
    image: Image
    augment: Augment
    train: Train
    data: Sampling = field(default_factory=Sampling)

    def decides(self) -> dict[str, Any]:
        """All of it as JSON, resolved: two spellings of the same recipe are equal here.

        Options of a head are those that are not the default (an option that is new changes no finished run's).
        """
        backbone = self.backbone.decides()
        if self.backbone.config is not None:
            backbone["config"] = _full(networks.SHAPES[self.backbone.name or ""], self.backbone.config)
        train = self.train.model_dump(mode="json")
        if self.train.schedule is not None:
            train["schedule"] = Schedule.model_validate(self.train.schedule).resolved()
        own = self.train.own_loss_options
        told = _full(options_of_loss(self.train.loss), self.train.loss_options)
        train["loss_options"] = {key: told[key] for key in own}
        used = self.plugins()
        return {
            "kind": self.kind,
            "head_options": self.told,
            "backbone": backbone,
            "image": self.image.decides(),
            "augment": self.augment.model_dump(mode="json"),
            "train": train,
            "data": self.data.model_dump(mode="json"),
            **({"plugins": {hook: one.decides() for hook, one in used.items()}} if used else {}),
        }

    def plugins(self) -> dict[str, Registered]:
        """The plug-ins that make such runs, by what they are of it."""
        named = {"head": self.kind, "loss": self.train.loss}
        return {hook: one for hook, name in named.items() if (one := plugged.find(hook, name))}

    def value(self, key: str) -> Any:
        """What it has at a key with dots; None for an option of the head that it does not have."""
        section, *path = key.split(".")
        found: Any = self.options() if section == "head" else self.decides()[section]
        if section == "head" and path[0] == "noise" and path[1:]:  # no noise is noise of rate 0
            found["noise"] = found.get("noise") or _full(Noise, {})
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def options(self) -> dict[str, Any]:
        """The head's options with their defaults."""
        return _full(options_of(self.kind), self.told)

    @property
    def told(self) -> dict[str, Any]:
        """The head's options as they are told, without where a plug-in's is written."""
        return {key: value for key, value in self.head_options.items() if key != "plugin"}


def has(kind: str, key: str) -> bool:
    """Whether runs with this kind of head have a key, as far as its second word tells."""
    section, _, rest = key.partition(".")
    known = options_of(kind) if section == "head" else SECTIONS.get(section)
    return known is not None and rest.split(".")[0] in known.model_fields


def recipe(study: Mapping[str, Mapping[str, Any]], entry: Entry, values: Values, image: Image) -> Recipe:
    """What runs of a head are made with: over the study's sections, as written, lie the head's keys and `values`.

    `study["head"]` are the options of the head's kind; what is null in `image` is the backbone's own. Raises ValueError
    with one line that names the key.
    """
    own = {key: getattr(entry, key) for key in SECTIONS} | {"head": entry.options}
    written = {key: {**study[key], **laid} for key, laid in own.items()}
    for key, value in values.items():
        section, *path = key.split(".")
        _put(written[section], path, value)
    where = f"heads.{entry.name}"
    try:
        sections = {key: _checked(model, written[key], f"{where}.{key}") for key, model in SECTIONS.items()}
        options = _checked(options_of(entry.kind), written["head"], where)
    except ValueError as error:
        raise ValueError(f"{error} (there with {dict(values)} of vary or search)" if values else str(error)) from None
    told = options.model_dump(mode="json", exclude_defaults=True)
    if isinstance(options, Own):
        told = options.resolved(told)
    if one := plugged.find("head", entry.kind):
        told["plugin"] = {"file": one.listed, "digest": one.digest}
    return Recipe(
        kind=entry.kind,
        head_options={key: value for key, value in told.items() if (key, value) != ("noise", {})},
        image=processor.resolved(image, sections["backbone"]),
        **sections,
    )


def _checked(model: type[Section], written: dict[str, Any], where: str) -> Any:
    try:
        return model.model_validate(written)
    except ValidationError as error:
        raise ValueError(refusals.line(error, written, under=where)) from None


def _put(into: dict[str, Any], path: list[str], value: Any) -> None:
    """Set what lies at `path`, making the mappings on the way, in copies: what they are taken from stays as it is."""
    for part in path[:-1]:
        into[part] = copy.copy(into.get(part)) or {}
        into = into[part]
    into[path[-1]] = value


def _full(section: type[Section], written: Mapping[str, Any]) -> dict[str, Any]:
    return section.model_validate(written).model_dump(mode="json")
