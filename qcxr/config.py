"""The one definition of the configuration. The Snakefile and the package both read it; unknown keys are errors.

A section is a slice: the rule that depends on it gets that section and nothing else (see `qcxr.provenance`), so that a
change reruns only what it decides. What changes speed but not results (`resources`) reaches no rule's parameters.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from qcxr.errors import InputError


def _number(value: Any) -> Any:
    """YAML 1.1 reads `1e-4` (no point) as text; everyone who writes it means a number."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


# The registries' names, known here without importing JAX; a test holds them equal to the registries.
HEAD_NAMES = ("cdl", "dqc", "mlp", "product")
LOSS_NAMES = ("bce", "weighted_bce", "focal", "asymmetric")
OPTIMIZER_NAMES = ("adam", "adamw", "nadam", "adabelief", "radam", "lion", "lamb", "rmsprop", "sgd")
ENGINE_NAMES = ("pennylane", "statevector", "chain", "auto")

Real = Annotated[float, BeforeValidator(_number)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Fraction = Annotated[Real, Field(ge=0, le=1)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the configuration: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Source(Section):
    """One data set as it was downloaded: where its films and label files are (paths relative to the working folder)."""

    kind: Literal["nih", "mimic"]
    images: str
    labels: str | list[str]
    metadata: str | None = None
    entries: str | None = None
    max_missing: Fraction = 0.0

    def label_files(self) -> list[str]:
        """The label files: those listed, or a folder's three files under their official PruneCXR names."""
        if isinstance(self.labels, list):
            return list(self.labels)
        if self.labels.endswith((".csv", ".csv.gz")):
            return [self.labels]
        stem = {"nih": "miccai2023_nih-cxr-lt_labels", "mimic": "miccai2023_mimic-cxr-lt_labels"}[self.kind]
        splits = ("train", "val", "test") if self.kind == "nih" else ("test",)
        return [f"{self.labels}/{stem}_{split}.csv" for split in splits]

    def reader_options(self) -> dict[str, Any]:
        """Keywords for `qcxr.data.sources.read`."""
        extra = {"metadata": self.metadata} if self.kind == "mimic" else {"entries": self.entries}
        return {"images": self.images, "labels": self.label_files(), **extra}

    def input_files(self) -> list[str]:
        """Every table the manifest is made from."""
        return self.label_files() + [f for f in (self.metadata, self.entries) if f]


class Data(Section):
    """Which data set is trained on, which are tested on, and where they are."""

    train_on: Name = "nih"
    test_on: list[Name] = Field(default=["nih", "mimic"], min_length=1)
    sources: dict[Name, Source]
    cache: str = "cache"


class Generate(Section):
    """Demo films, drawn by `qcxr.data.demo` in NIH's and MIMIC's layout before anything else runs."""

    out: str
    seed: Annotated[int, Field(ge=0)] = 0
    size: Annotated[int, Field(ge=64)] = 256
    train: Count = 1000
    val: Count = 200
    test: Count = 400
    mimic: Count = 400


class Image(Section):
    """Preprocessing of a film (paper III-F): bicubic resize of the shortest side, centre crop, normalisation.

    `mean` and `std` (one number a channel) are the backbone's own where they are null: ImageNet's for a ResNet.
    """

    resize: Annotated[int, Field(ge=8)] = 256
    crop: Annotated[int, Field(ge=8)] = 224
    mean: list[Real] | None = None
    std: list[Positive] | None = None

    @model_validator(mode="after")
    def _crop_fits(self) -> Image:
        if self.crop > self.resize:
            raise ValueError(f"crop must be <= resize ({self.resize}), got {self.crop}; set image.crop in the config")
        return self


class Augment(Section):
    """Random flip and rotation of training films (paper III-F). `radians` is what the published code did."""

    flip: Fraction = 0.5
    rotation: NonNegative = 15.0
    unit: Literal["degrees", "radians"] = "degrees"
    fill: Annotated[Real, Field(ge=0, le=255)] | Literal["edge"] = 0.0


class Backbone(Section):
    """The feature extractor. `weights`: a Hugging Face name or local folder, or null to train from scratch.

    `batch_norm: running` keeps BatchNorm's statistics frozen, `batch` learns them; null is running for pretrained
    weights and batch from scratch.
    """

    name: Name | None = None
    weights: str | None = None
    config: dict[str, Any] | None = None
    batch_norm: Literal["running", "batch"] | None = None
    trainable: Annotated[str, Field(pattern=r"^(all|head|last:[1-9][0-9]*)$")] = "all"
    remat: bool = False


class Train(Section):
    """The training protocol (paper III-F)."""

    optimizer: Literal[OPTIMIZER_NAMES] = "adam"
    learning_rate: Positive = 1e-4
    schedule: dict[str, Any] | None = None
    weight_decay: NonNegative = 0.0
    clip_norm: Positive | None = None
    accumulate: Count = 1
    batch_size: Count = 32
    epochs: Count = 50
    patience: Count = 5
    loss: Literal[LOSS_NAMES] = "bce"
    loss_options: dict[str, Real] = {}
    precision: Literal["float32", "bfloat16"] = "float32"
    permute_labels: bool = False


class Analysis(Section):
    """The comparison (paper III-G) and what goes beyond it."""

    alpha: Annotated[Real, Field(gt=0, lt=1)] = 0.05
    bootstrap: Annotated[int, Field(ge=0)] = 2000
    bootstrap_seed: Annotated[int, Field(ge=0)] = 0
    head_over: Count = 1000
    tail_under: Count = 100


class Resources(Section):
    """What changes speed but never a result: in no rule's parameters, so changing it reruns nothing."""

    train_threads: Count = 4
    workers: Count = 4
    residency: Literal["auto", "device", "host"] = "auto"
    gpu_slots: Count = 1
    checkpoint_minutes: Positive = 10.0


class Config(Section):
    """The whole study."""

    results: str = "results"
    tasks: list[Name] = Field(min_length=1)
    heads: list[Name] = Field(min_length=1)
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field(min_length=1)
    label_sets: dict[Name, Annotated[list[str], Field(min_length=1)]] = {}
    data: Data
    generate: Generate | None = None
    image: Image = Image()
    augment: Augment = Augment()
    backbone: Backbone = Backbone()
    head: dict[Name, dict[str, Any]] = {}
    train: Train = Train()
    analysis: Analysis = Analysis()
    resources: Resources = Resources()

    def labels(self, task: str) -> tuple[str, ...]:
        """The task's labels in their fixed order."""
        from qcxr.data.labels import label_set

        return label_set(task, self.label_sets)

    def is_papers(self) -> bool:
        """Whether this is the paper's protocol, so that its published numbers may stand beside ours."""
        return (
            self.generate is None
            and self.tasks == ["cxr8", "cxr14", "cxr19"]
            and self.heads == ["cdl", "dqc"]
            and len(self.seeds) == 5
            and self.data.test_on == ["nih", "mimic"]
            and (self.image, self.augment, self.train) == (Image(), Augment(), Train())
            and self.backbone.weights == "microsoft/resnet-50"
            and self.backbone.trainable == "all"
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
        from qcxr.data.labels import LABEL_SETS

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
        return Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(_line(error)) from None


def load(*paths: str | Path) -> Config:
    """Read YAML files, each laid over the ones before key by key, as `snakemake --configfile a.yaml b.yaml` does."""
    import yaml

    merged: dict[str, Any] = {}
    for path in paths:
        try:
            layer = yaml.safe_load(Path(path).read_text()) or {}
        except FileNotFoundError:
            raise InputError(f"config file {path} does not exist; give the path of a YAML file") from None
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
