"""The one definition of the configuration. The Snakefile and the package both read it; unknown keys are errors.

A section (`qcxr.study.sections`) is a slice: the rule that depends on it gets that section and nothing else (see
`qcxr.study.provenance`), so that a change reruns only what it decides. All that can be known without JAX is refused
here, before anything runs; `qcxr.training.preflight` builds the models and refuses the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from qcxr.errors import InputError
from qcxr.study import fields, folders, refusals, yamlfile
from qcxr.study.data import splits_named
from qcxr.study.fields import Kept, Name, Section
from qcxr.study.heads import HEAD_NAMES
from qcxr.study.labels import LABEL_SETS, label_set
from qcxr.study.sections import Analysis, Augment, Backbone, Data, Generate, Heads, Image, Resources, Train


class Config(Section):
    """The whole study."""

    results: fields.Path = Field(
        "results",
        description="Folder of everything the study makes; another folder is another study.",
        examples=["results-mine"],
    )
    tasks: list[Name] = Field(
        min_length=1,
        description="Label sets to predict, each a task of its own: cxr8, cxr14, cxr19, cxrlt26, or one defined under "
        "label_sets.",
        examples=[["cxr8", "heart"]],
    )
    heads: list[Name] = Field(
        min_length=1,
        description=f"Heads to compare, among {', '.join(HEAD_NAMES)}; the first is the reference of every comparison.",
        examples=[["cdl", "dqc"]],
    )
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(
        min_length=1,
        description="One run per task, head and seed. A seed gives every head the same films in the same order, "
        "equally augmented, so that runs pair; several heads need two seeds at least.",
        examples=[[0, 1, 2]],
    )
    label_sets: dict[Name, Annotated[list[str], Field(min_length=1)]] = Field(
        default={},
        description="Tasks of your own: the name, and its labels in their order.",
        examples=[{"heart": ["Cardiomegaly", "Edema"]}],
    )
    data: Data = Field(description="The films and their labels.", examples=[{"cache": "cache"}])
    generate: Generate | None = Field(
        None, description="Demo films to draw before anything else; null draws none.", examples=[{"out": "demo"}]
    )
    image: Image = Field(Image(), description="Preprocessing of the films.", examples=[{"resize": 256, "crop": 224}])
    augment: Augment = Field(Augment(), description="Augmentation of training films.", examples=[{"rotation": 10}])
    backbone: Backbone = Field(description="The feature extractor.", examples=[{"name": "resnet50"}])
    head: Annotated[dict[Name, dict[str, Any]], Kept(Heads)] = Field(
        default={}, description="Options of the heads, by head.", examples=[{"dqc": {"layers": 1}}]
    )
    train: Train = Field(Train(), description="The training protocol.", examples=[{"epochs": 20}])
    analysis: Analysis = Field(Analysis(), description="The comparison.", examples=[{"bootstrap": 0}])
    timed_steps: Annotated[int, Field(ge=0)] = Field(
        30,
        description="Training steps to time for each task and head (Table III); 0 leaves the table out.",
        examples=[0],
    )
    resources: Resources = Field(
        Resources(), description="Speed, and never a result: a change reruns nothing.", examples=[{"workers": 8}]
    )

    def labels(self, task: str) -> tuple[str, ...]:
        """The task's labels in their fixed order."""
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

    def obstacles(self) -> list[str]:
        """One line for each path that keeps the study from starting here; generated films count as there."""
        lines = [said for key, folder in self._written().items() if (said := folders.unwritable(key, folder))]
        for name in self.splits():
            for key, paths in self.data.sources[name].paths().items():
                gone = [path for path in paths if not Path(path).exists() and not self._generated(path)]
                if gone:
                    lines.append(
                        f"{gone[0]} does not exist; set data.sources.{name}.{key} in the config, or try `make demo`"
                    )
        weights = self.backbone.local_weights
        if weights and not Path(weights).expanduser().is_dir():
            lines.append(
                f"{weights} does not exist; set backbone.weights to a folder that does, or to a name like "
                "microsoft/resnet-50"
            )
        return lines

    def _written(self) -> dict[str, str]:
        return {"results": self.results, "data.cache": self.data.cache}

    def _generated(self, path: str) -> bool:
        return self.generate is not None and Path(path).is_relative_to(self.generate.out)

    @model_validator(mode="after")
    def _nothing_is_repeated(self) -> Config:
        lists: dict[str, Sequence[str | int]] = {
            "tasks": self.tasks,
            "heads": self.heads,
            "seeds": self.seeds,
            "data.test_on": self.data.test_on,
        }
        for key, values in lists.items():
            if len(set(values)) < len(values):
                raise ValueError(f"{key} must not repeat, got {values}; remove the repeated ones")
        return self

    @model_validator(mode="after")
    def _tasks_are_label_sets(self) -> Config:
        known = {**LABEL_SETS, **self.label_sets}
        for task in self.tasks:
            if task not in known:
                raise ValueError(f"tasks must be among {', '.join(known)}, got {task}; define it under label_sets")
        for task in (*self.tasks, *self.label_sets):
            self.labels(task)
        return self

    @model_validator(mode="after")
    def _heads_can_be_compared(self) -> Config:
        if len(self.heads) > 1 and len(self.seeds) < 2:
            raise ValueError(
                f"seeds must be at least 2 for the paired test between heads, got {self.seeds}; "
                "add a seed or keep one head"
            )
        for head in self.heads:
            if head not in HEAD_NAMES:
                raise ValueError(
                    f"heads must be among {', '.join(HEAD_NAMES)}, got {head}; correct heads and head in the config"
                )
        return self

    @model_validator(mode="after")
    def _circuits_can_run(self) -> Config:
        options = Heads.model_validate(self.head)
        for head in self.heads:
            for task in self.tasks:
                options.fit(head, len(self.labels(task)))
        return self

    @model_validator(mode="after")
    def _sources_are_described(self) -> Config:
        for name in (self.data.train_on, *self.data.test_on):
            if name not in self.data.sources:
                raise ValueError(
                    f"data.train_on and data.test_on must be among data.sources ({', '.join(self.data.sources)}), "
                    f"got {name}; describe it under data.sources"
                )
            if name == "validation":
                raise ValueError("data.sources must not use the name validation: it is the validation split's; rename")
        for name, needed in self.splits().items():
            self._labels_have(name, needed)
        return self

    def _labels_have(self, name: str, needed: list[str]) -> None:
        source = self.data.sources[name]
        there = source.splits()
        if there is None:
            return
        for file in source.label_files():
            if len(splits_named(file)) != 1:
                raise ValueError(
                    f"data.sources.{name}.labels must name one split (train, val or test) in each file's name, "
                    f"got {file}; rename it"
                )
        if gone := [split for split in needed if split not in there]:
            raise ValueError(
                f"data.sources.{name}.labels must have files of the splits {', '.join(needed)}, got none of {gone[0]}; "
                f"add it, or take {name} out of data.{'test_on' if gone[0] == 'test' else 'train_on'}"
            )

    @model_validator(mode="after")
    def _folders_lie_apart(self) -> Config:
        others, below = {"data.cache": [self.data.cache]}, {"data.cache"}
        for name, source in self.data.sources.items():
            for key, paths in source.paths().items():
                others[f"data.sources.{name}.{key}"] = paths
                if all(self._generated(path) for path in paths):
                    below.add(f"data.sources.{name}.{key}")
        complaints = [folders.mixed(self.results, others, below=below)]
        complaints += [folders.file_in_place(key, folder) for key, folder in self._written().items()]
        if said := next(filter(None, complaints), None):
            raise ValueError(said)
        return self


def parse(raw: dict[str, Any]) -> Config:
    """Check a configuration read from YAML. Raises `InputError` with one line that names the key and the way out."""
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(refusals.line(error, raw)) from None


def load(*paths: str | Path) -> Config:
    """Read YAML files, each laid over the ones before key by key, as `snakemake --configfile a.yaml b.yaml` does."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = yamlfile.overlaid(merged, yamlfile.read(path))
    return parse(merged)
