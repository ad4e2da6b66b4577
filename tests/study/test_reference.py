"""The page, the schema and the comments of the shipped configuration are true to its definition."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from qcxr.study import reference
from qcxr.study.config import Config
from qcxr.study.fields import Kept
from qcxr.study.networks import SHAPES, Shaped
from tests.study.studies import ROOT, study

CONFIG = (ROOT / "config/config.yaml").read_text(encoding="utf-8")


def sections_in(annotation: Any, metadata: tuple = ()) -> Iterator[type[BaseModel]]:
    """The sections that a key's type holds, found in the types themselves."""
    for part in metadata:
        if isinstance(part, Kept):
            yield part.section
        if isinstance(part, Shaped):
            yield from SHAPES.values()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from sections_in(argument, tuple(p for p in get_args(annotation)[1:] if isinstance(p, Kept | Shaped)))


def keys(section: type[BaseModel] = Config, path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, field) of the whole configuration; names of the user's are `*`."""
    for name, field in section.model_fields.items():
        key = f"{path}{name}"
        yield key, field
        below = list(dict.fromkeys(sections_in(field.annotation, tuple(field.metadata))))
        for inside in below:
            starred = key in ("data.sources", "heads", "search.space")
            among = f"{inside.__name__}." if inside in SHAPES.values() else ""  # several have a key of the same name
            yield from keys(inside, f"{key}.*." if starred else f"{key}.{among}")


KEYS = dict(keys())


def test_the_walk_finds_what_it_should():
    assert len(KEYS) > 120
    for key in (
        "results", "generate.out", "data.sources.*.kind", "backbone.config.ResNet.depths",
        "backbone.config.ViT.patch_size", "head.dqc.noise.two_qubit.bit_flip",
        "head.product.init", "train.schedule.warmup", "train.loss_options.gamma", "resources.deterministic",
    ):  # fmt: skip
        assert key in KEYS


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_described_with_examples_that_are_accepted(key):
    field = KEYS[key]
    assert field.description and field.description[0].isupper() and field.description.endswith(".")
    assert len(field.description) > 10 and field.examples
    for example in field.examples:
        if not (isinstance(example, dict) and any(True for _ in sections_in(field.annotation))):
            TypeAdapter(field.rebuild_annotation()).validate_python(example, strict=True)


@pytest.mark.parametrize(
    "overlay",
    [
        {"train": {"schedule": KEYS["train.schedule"].examples[0]}},
        {"train": {"loss": "focal", "loss_options": KEYS["train.loss_options"].examples[0]}},
        {"head": {"dqc": {"noise": KEYS["head.dqc.noise"].examples[0]}}},
        {"head": KEYS["head"].examples[0]},
        {"backbone": {"name": "resnet", "weights": None, "config": KEYS["backbone.config"].examples[0]}},
        {"generate": KEYS["generate"].examples[0]},
        *({key: KEYS[key].examples[0]} for key in ("image", "augment", "analysis", "resources", "backbone")),
    ],
    ids=lambda overlay: next(iter(overlay)),
)
def test_examples_of_whole_sections_are_accepted(overlay):
    Config.model_validate(study() | overlay)


def test_the_page_and_the_schema_are_as_they_are_made():
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert page == reference.markdown(), "make reference"
    assert (ROOT / "config/schema.json").read_text(encoding="utf-8") == reference.schema(), "make reference"


def test_the_page_has_every_key_with_its_description():
    rows = re.findall(r"^\| `(\w+)` \| .* \|$", reference.markdown(), flags=re.MULTILINE)
    shown = {key: field for key, field in KEYS.items() if key not in ("heads.*.name", "heads.*.options")}
    page = reference.markdown().replace("\\|", "|")
    for key, field in shown.items():
        assert key.rpartition(".")[2] in rows
        assert f" | {field.description} | " in page, key
    # sections that another key has too are there once
    again = ("head.dqc.noise.two_qubit.", "head.random.noise.", "head.random.shots.")
    assert len(rows) == len(shown) - len([key for key in KEYS if key.startswith(again)])
    for anchor in re.findall(r"\]\(#([^)]*)\)", page):
        headings = [line for line in page.splitlines() if line.startswith("## ")]
        assert anchor in {re.sub(r"[^a-z0-9_ -]", "", h[3:].lower()).replace(" ", "-") for h in headings}


SCHEMA = json.loads(reference.schema())


@pytest.mark.parametrize("name", ["config", "demo", "transfer", "finetune"])
def test_the_schema_takes_every_shipped_file_and_is_named_in_it(name):
    text = (ROOT / f"config/{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(yaml.safe_load(text), SCHEMA)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sedes": [1]},
        {"train": {"learning_rate": 0}},
        {"train": {"optimizer": "adagrad"}},
        {"train": {"schedule": {"name": "cosine", "warm": 1}}},
        {"head": {"dqc": {"layers": 0}}},
        {"head": {"dqc": {"noise": {"readout_0": 2}}}},
        {"head": {"qnn": {}}},
        {"backbone": {"config": {"widths": [1]}}},
        {"backbone": {"trainable": "last:0"}},
        {"data": {"sources": {"a b": {}}}},
        {"data": {"sources": {"nih": {"kind": "chexpert"}}}},
        {"image": {"mean": [0.5] * 4}},
        {"seeds": [2**31]},
    ],
    ids=str,
)
def test_the_schema_marks_what_is_wrong(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)
    jsonschema.validate({"train": {"epochs": 3}}, SCHEMA)  # a layer need not be whole


def written() -> dict[str, tuple[str, str]]:
    """Every key of config.yaml with its value and its comment, read off its lines."""
    found, path = {}, []
    for line in CONFIG.splitlines():
        if match := re.fullmatch(r"( *)([\w-]+):(?: +([^#]*?))?(?: *# (.*))?", line):
            depth = len(match[1]) // 2
            path = [*path[:depth], match[2]]
            found[".".join(path)] = (match[3] or "", match[4] or "")
    return found


WRITTEN = written()


def test_the_lines_are_read_as_yaml_reads_them():
    def count(mapping):
        return sum(1 + (count(value) if isinstance(value, dict) else 0) for value in mapping.values())

    assert len(WRITTEN) == count(yaml.safe_load(CONFIG))


def test_config_yaml_has_every_key_but_those_of_special_studies():
    shown = {re.sub(r"^data\.sources\.\w+", "data.sources.*", key) for key in WRITTEN} - {"data.sources.*"}
    assert shown <= set(KEYS)
    special = ("generate", "heads.", "search.", "backbone.config", "head.", "train.schedule.", "train.loss_options.")
    assert {key for key in KEYS if not key.startswith(special)} <= shown
    assert "docs/configuration.md" in CONFIG.split("\n\n")[0]  # where those are


@pytest.mark.parametrize("key", WRITTEN)
def test_a_comment_names_every_allowed_value(key):
    field = KEYS.get(re.sub(r"^data\.sources\.\w+", "data.sources.*", key))
    value, comment = WRITTEN[key]
    allowed = re.findall(r"Literal\[(.*?)\]", str(field.annotation)) if field else []
    for name in re.findall(r"'([^']+)'", " ".join(allowed)):
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"{value} {comment}"), (name, comment)
