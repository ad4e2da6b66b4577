"""The one definition of the configuration. The Snakefile and the package both read it; unknown keys are errors.

A section (`qcxr.study.sections`) is a slice: the rule that depends on it gets that section and nothing else (see
`qcxr.study.provenance`), so that a change reruns only what it decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from qcxr.errors import InputError
from qcxr.study.sections import (
    ENGINE_NAMES,
    HEAD_NAMES,
    Analysis,
    Augment,
    Backbone,
    Data,
    Generate,
    Image,
    Name,
    Resources,
    Section,
    Train,
)


class Config(Section):
    """The whole study."""

    results: str = "results"
    tasks: list[Name] = Field(min_length=1)
    heads: list[Name] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(min_length=1)
    label_sets: dict[Name, Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    data: Data
    generate: Generate | None = None
    image: Image = Image()
    augment: Augment = Augment()
    backbone: Backbone = Backbone()
    head: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    train: Train = Train()
    analysis: Analysis = Analysis()
    timed_steps: Annotated[int, Field(ge=0)] = 30
    resources: Resources = Resources()

    def labels(self, task: str) -> tuple[str, ...]:
        """The task's labels in their fixed order."""
        from qcxr.study.labels import label_set

        return label_set(task, self.label_sets)

    def is_papers(self) -> bool:
        """Whether this is the paper's protocol, so that its published numbers may stand beside ours."""
        return (
            self.generate is None
            and self.tasks == ["cxr8", "cxr14", "cxr19"]
            and self.heads == ["cdl", "dqc"]
            and len(self.seeds) == 5
            and (self.data.train_on, self.data.test_on) == ("nih", ["nih", "mimic"])
            and (self.image, self.augment, self.train) == (Image(), Augment(), Train())
            and self.backbone.name in (None, "resnet50")
            and self.backbone.weights == "microsoft/resnet-50"
            and (self.backbone.trainable, self.backbone.batch_norm) in (("all", None), ("all", "running"))
            and {**self.head.get("dqc", {}), "engine": "auto"} in ({"engine": "auto"}, {"engine": "auto", "layers": 3})
        )

    def evaluations(self) -> dict[str, tuple[str, str]]:
        """What a run predicts on: name -> (data set, split). `validation` chooses thresholds, the others are tests."""
        return {"validation": (self.data.train_on, "val"), **{name: (name, "test") for name in self.data.test_on}}

    def splits(self) -> dict[str, list[str]]:
        """The splits of each data set that the study uses."""
        used: dict[str, list[str]] = {self.data.train_on: ["train", "val"]}
        for name in self.data.test_on:
            used.setdefault(name, []).append("test")
        return used

    def missing_paths(self) -> list[str]:
        """One line for each path of the sources in use that is not there; generated films count as there."""
        lines = []
        for name in self.splits():
            source = self.data.sources[name]
            paths = {"images": [source.images], "labels": source.label_files(), "metadata": [source.metadata],
                     "entries": [source.entries]}  # fmt: skip
            for key, values in paths.items():
                gone = [v for v in values if v and not Path(v).exists() and not self._generated(v)]
                if gone:
                    lines.append(
                        f"{gone[0]} does not exist; set data.sources.{name}.{key} in the config, or try `make demo`"
                    )
        return lines

    def _generated(self, path: str) -> bool:
        return self.generate is not None and Path(path).is_relative_to(self.generate.out)

    @model_validator(mode="after")
    def _belongs_together(self) -> Config:
        from qcxr.study.labels import LABEL_SETS

        for key in ("tasks", "heads", "seeds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise ValueError(f"{key} must not repeat, got {values}; remove the repeated ones")
        known = {**LABEL_SETS, **self.label_sets}
        for task in self.tasks:
            if task not in known:
                raise ValueError(f"tasks must be among {', '.join(known)}, got {task}; define it under label_sets")
        if len(self.heads) > 1 and len(self.seeds) < 2:
            raise ValueError(
                f"seeds must be at least 2 for the paired test between heads, got {self.seeds}; "
                "add a seed or keep one head"
            )
        for head in (*self.heads, *self.head):
            if head not in HEAD_NAMES:
                raise ValueError(
                    f"heads must be among {', '.join(HEAD_NAMES)}, got {head}; correct heads and head in the config"
                )
        engine = self.head.get("dqc", {}).get("engine", "auto")
        if engine not in ENGINE_NAMES:
            raise ValueError(
                f"head.dqc.engine must be one of {', '.join(ENGINE_NAMES)}, got {engine}; "
                "set head.dqc.engine in the config"
            )
        for name in (self.data.train_on, *self.data.test_on):
            if name not in self.data.sources:
                raise ValueError(
                    f"data.train_on and data.test_on must be among data.sources ({', '.join(self.data.sources)}), "
                    f"got {name}; describe it under data.sources"
                )
            if name == "validation":
                raise ValueError("data.sources must not use the name validation: it is the validation split's; rename")
        return self


def _line(error: ValidationError) -> str:
    """Pydantic's first complaint as one line: what, allowed, got, way out."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "config"
    if first["type"] == "extra_forbidden":
        allowed = _allowed(first["loc"][:-1])
        return f"{key} is not a configuration key; allowed here: {allowed}; remove or rename it in the config"
    if first["type"] == "missing":
        return f"{key} is missing; set {key} in the config (see config/config.yaml)"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return message
    message = message[0].lower() + message[1:]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{key}: {message}, got {first['input']!r}; set {key} in the config{more}"


def _allowed(location: tuple) -> str:
    model: Any = Config
    for part in location:
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            break
        candidates = [a for a in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(a, type)]
        model = next((a for a in candidates if issubclass(a, Section)), model)
    return ", ".join(model.model_fields)


def parse(raw: dict[str, Any]) -> Config:
    """Check a configuration read from YAML. Raises `InputError` with one line that names the key and the way out."""
    try:
        cfg = Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(_line(error)) from None
    for task in cfg.tasks:
        cfg.labels(task)
    return cfg


def load(*paths: str | Path) -> Config:
    """Read YAML files, each laid over the ones before key by key, as `snakemake --configfile a.yaml b.yaml` does."""
    import yaml

    merged: dict[str, Any] = {}
    for path in paths:
        try:
            layer = yaml.safe_load(Path(path).read_text()) or {}
        except FileNotFoundError:
            raise InputError(f"config file {path} does not exist; give the path of a YAML file") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"config file {path} cannot be read ({error}); give the path of a YAML file") from None
        except yaml.YAMLError as error:
            raise InputError(f"config file {path} is not YAML: {' '.join(str(error).split())}") from None
        if not isinstance(layer, dict):
            raise InputError(f"config file {path} must hold keys and values, got {type(layer).__name__}")
        merged = _overlay(merged, layer)
    return parse(merged)


def _overlay(base: dict, layer: dict) -> dict:
    merged = dict(base)
    for key, value in layer.items():
        old = merged.get(key)
        merged[key] = _overlay(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged
