"""The one definition of the configuration. The Snakefile and the package both read it; unknown keys are errors.

A section (`qcxr.study.sections`) is a slice: the rule that depends on it gets that section and nothing else (see
`qcxr.study.provenance`), so that a change reruns only what it decides. All that can be known without JAX is refused
here, before anything runs; `qcxr.training.preflight` builds the models and refuses the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator, model_validator

from qcxr.errors import InputError
from qcxr.study import fields, folders, plugged, refusals, yamlfile
from qcxr.study import recipe as recipes
from qcxr.study.analysis import FIGURE_NAMES, METRIC_NAMES
from qcxr.study.arms import Arm, Crossing, crossed
from qcxr.study.data import Sampling
from qcxr.study.entry import Entry
from qcxr.study.fields import Name, Section
from qcxr.study.heads import HEAD_NAMES, KeptHeads, options_of
from qcxr.study.kinds import KINDS
from qcxr.study.labels import LABEL_SETS, label_set
from qcxr.study.recipe import Recipe, Values
from qcxr.study.search import Search
from qcxr.study.sections import Analysis, Augment, Backbone, Data, Generate, Heads, Image, Resources, Train
from qcxr.study.train import LOSS_NAMES
from qcxr.study.trials import check as check_search
from qcxr.study.trials import trials
from qcxr.study.vary import Vary, points

# names that no plug-in may take
OURS = {
    "head": HEAD_NAMES,
    "loss": LOSS_NAMES,
    "data_kind": tuple(KINDS),
    "metric": METRIC_NAMES,
    "figure": FIGURE_NAMES,
}


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
    heads: list[Entry] = Field(
        min_length=1,
        description="Heads to compare: kinds, or heads with a name of their own, a kind, options, and keys of train, "
        "augment, backbone and data in which their runs differ; the first is the reference of every comparison.",
        examples=[["cdl", "dqc"], ["cdl", {"deep": {"kind": "dqc", "layers": 10}}]],
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
    plugins: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[],
        description="Files of your own with heads, losses, kinds of data sets, metrics and figures (docs/plugins.md), "
        "from where the study runs, and installed packages that offer some, as package:NAME. What no other key names "
        "is not run.",
        examples=[["mine.py"], ["mine.py", "package:qcxr-radiomics"]],
    )
    data: Data = Field(description="The films and their labels.", examples=[{"cache": "cache"}])
    generate: Generate | None = Field(
        None, description="Demo films to draw before anything else; null draws none.", examples=[{"out": "demo"}]
    )
    image: Image = Field(Image(), description="Preprocessing of the films.", examples=[{"resize": 256, "crop": 224}])
    augment: Augment = Field(Augment(), description="Augmentation of training films.", examples=[{"rotation": 10}])
    backbone: Backbone = Field(description="The feature extractor.", examples=[{"name": "resnet50"}])
    head: Annotated[dict[Name, dict[str, Any]], KeptHeads(Heads)] = Field(
        default={},
        description="Options of every head of a kind, by kind; a named head's own lie over them.",
        examples=[{"dqc": {"layers": 1}}],
    )
    vary: Vary = Field(
        default={},
        description="Points at which every head is run: a grid of values by key (a key with its dots: of head, train, "
        "augment and backbone, data.fraction, data.label_order), or a list of points. A head that does not have a key "
        "is run once for all its values.",
        examples=[{"data.fraction": [0.1, 0.3, 1.0]}, [{"train.epochs": 5, "head.layers": 1}]],
    )
    search: Search | None = Field(
        None,
        description="A search with as many trials for every head, chosen on validation, before the seeds run; null "
        "takes the settings as they are.",
        examples=[{"trials": 24, "space": {"train.learning_rate": {"log": [1.0e-4, 1.0e-1]}}}],
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

    @model_validator(mode="before")
    @classmethod
    def _plugins_are_in_force(cls, given: Any) -> Any:
        """Before the sections, whose names may be theirs."""
        listed = given.get("plugins") if isinstance(given, Mapping) else None
        sound = isinstance(listed, list) and all(isinstance(entry, str) and entry for entry in listed)
        plugged.use(listed if sound and listed else [], ours=OURS)
        return given

    @field_validator("heads", mode="before")
    @classmethod
    def _heads_are_listed(cls, given: Any) -> Any:
        # no mapping: Snakemake merges an overlay's keys into those below it, so none could take a head away
        if isinstance(given, Mapping):
            raise ValueError(
                "heads must be a list of kinds and of heads with names, like [cdl, deep: {kind: dqc, layers: 10}], got "
                f"the keys {', '.join(map(str, given))}; put a dash before each"
            )
        return given

    @property
    def names(self) -> list[str]:
        """The names of the heads, in their order."""
        return [entry.name for entry in self.heads]

    def labels(self, task: str) -> tuple[str, ...]:
        """The task's labels in their fixed order."""
        return label_set(task, self.label_sets)

    def recipe(self, head: str, values: Values | None = None) -> Recipe:
        """What runs with a head are made with, with the values of a variant or a trial laid over the head's own."""
        return self._made(self.heads[self.names.index(head)], values or {})

    def _made(self, entry: Entry, values: Values) -> Recipe:
        sampling = self.data.model_dump(exclude_unset=True, include=set(Sampling.model_fields))
        sections = {key: getattr(self, key).model_dump(exclude_unset=True) for key in ("train", "augment", "backbone")}
        study = sections | {"data": sampling, "head": self.head.get(entry.kind, {})}
        return recipes.recipe(study, entry, values, self.image)

    @property
    def arms(self) -> dict[Arm, Recipe]:
        """Every head at every point of `vary`, in the order of the heads, and what its runs are made with.

        With a search, what was chosen lies over that.
        """
        return self.crossing.arms

    @cached_property
    def crossing(self) -> Crossing:
        """The heads crossed with the points of `vary`."""
        return crossed(self.heads, points(self.vary), self._made)

    @cached_property
    def trials(self) -> dict[Arm, Recipe]:
        """The trials of the search by head and number (`trial~7`); empty without one."""
        return trials(self.search, self.heads, self._made) if self.search else {}

    @property
    def prepared(self) -> Image:
        """`image:` as the films are prepared, once for all heads: with nothing left to be chosen."""
        own = next(iter(self.arms.values())).image
        return self.image.model_copy(update={key: getattr(own, key) for key in ("resize", "crop", "fit", "resample")})

    def patientless(self) -> list[str]:
        """The data sets of which nobody knows which films are of one patient."""
        return [name for name in self.splits() if not self.data.sources[name].patients_known()]

    def evaluations(self) -> dict[str, tuple[str, str]]:
        """What a run predicts on: name -> (data set, split). `validation` chooses thresholds, the others are tests."""
        return {"validation": (self.data.trained_on, "val"), **{name: (name, "test") for name in self.data.test_on}}

    def splits(self) -> dict[str, list[str]]:
        """The splits of each data set that the study uses."""
        used: dict[str, list[str]] = {name: ["train", "val"] for name in self.data.training}
        for name in self.data.test_on:
            used.setdefault(name, []).append("test")
        return used

    def labels_needed(self, dataset: str) -> list[str]:
        """What the study cannot do without: the training set must cover every label of every task.

        Of several training sets each may cover some; together they must cover all (`qcxr.training.coverage`).
        """
        return self.labels_wanted() if self.data.training == [dataset] else []

    def labels_wanted(self) -> list[str]:
        """The labels of all tasks: a source gives each of them on all of its films, or on none."""
        return sorted({label for task in self.tasks for label in self.labels(task)})

    def written(self) -> dict[str, str]:
        """The folders that the study writes to, by key."""
        return {"results": self.results, "data.cache": self.data.cache}

    def generated(self, path: str) -> bool:
        """Whether a path is among the films that the study draws itself."""
        return self.generate is not None and Path(path).is_relative_to(self.generate.out)

    @model_validator(mode="after")
    def _nothing_is_repeated(self) -> Config:
        lists: dict[str, Sequence[str | int]] = {
            "tasks": self.tasks,
            "heads": self.names,
            "seeds": self.seeds,
            "data.train_on": self.data.training,
            "plugins": self.plugins,
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
        for head in self.analysis.against or ():
            if head not in self.names:
                raise ValueError(
                    f"analysis.against must be among heads ({', '.join(self.names)}), got {head}; correct it"
                )
        return self

    @model_validator(mode="after")
    def _runs_can_be_made(self) -> Config:
        for made in {**self.arms, **self.trials}.values():
            options = options_of(made.kind).model_validate(made.told)
            if hasattr(options, "fit"):  # it has a circuit, or what a circuit's size decides
                for task in self.tasks:
                    options.fit(len(self.labels(task)))
        return self

    @model_validator(mode="after")
    def _films_are_prepared_once(self) -> Config:
        ways = {
            json.dumps(made.image.prepares()): made.backbone.weights for made in {**self.arms, **self.trials}.values()
        }
        if len(ways) > 1:
            (one, first), (other, second) = list(ways.items())[:2]
            raise ValueError(
                f"image.resize and image.crop must be numbers where backbones differ in their processors, got null "
                f"with {first} ({one}) and {second} ({other}); set both, or compare them in two studies"
            )
        return self

    @model_validator(mode="after")
    def _the_search_fits(self) -> Config:
        if self.search is not None:
            varied = {key for point in points(self.vary) for key in point}
            on_features = any(made.backbone.kept_views for made in self.arms.values())
            check_search(self.search, self.heads, varied=varied, on_features=on_features, seeds=self.seeds)
        return self

    @model_validator(mode="after")
    def _sources_are_described(self) -> Config:
        for name in (*self.data.training, *self.data.test_on):
            if name not in self.data.sources:
                raise ValueError(
                    f"data.train_on and data.test_on must be among data.sources ({', '.join(self.data.sources)}), "
                    f"got {name}; describe it under data.sources"
                )
            if name == "validation":
                raise ValueError("data.sources must not use the name validation: it is the validation split's; rename")
        for name, needed in self.splits().items():
            if said := self.data.sources[name].lacking(name, needed):
                raise ValueError(said)
        return self

    @model_validator(mode="after")
    def _folders_lie_apart(self) -> Config:
        others, below = {"data.cache": [self.data.cache]}, {"data.cache"}
        for name, source in self.data.sources.items():
            for key, paths in source.paths().items():
                others[f"data.sources.{name}.{key}"] = paths
                if all(self.generated(path) for path in paths):
                    below.add(f"data.sources.{name}.{key}")
        complaints = [folders.mixed(self.results, others, below=below)]
        complaints += [folders.file_in_place(key, folder) for key, folder in self.written().items()]
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
    return parse(laid(*paths))


def laid(*paths: str | Path) -> dict[str, Any]:
    """The same as it is written, unchecked."""
    merged: dict[str, Any] = {}
    for path in paths:
        merged = yamlfile.overlaid(merged, yamlfile.read(path))
    return merged
