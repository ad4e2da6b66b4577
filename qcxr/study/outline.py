"""What a study compares and varies, for its tables, figures and report (read by `qcxr.analysis.outline`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qcxr.study.config import Config
from qcxr.study.heads import Heads
from qcxr.study.recipe import Recipe


def outline(cfg: Config) -> dict[str, Any]:
    """As JSON: `heads` with what differs from the first, `axes` with their values, `variants`, `arms`, `base`.

    `base` is the variant at which nothing differs from the configuration, or the last.
    """
    variants = cfg.crossing.variants
    axes: dict[str, list[Any]] = {}
    for point in variants.values():
        for key, value in point.items():
            if value not in axes.setdefault(key, []):
                axes[key].append(value)
    first, *others = cfg.names
    reference = cfg.recipe(first)
    return {
        # pairs, where the order matters: slices sort the keys of mappings
        "heads": [[first, ""], *([name, differences(cfg.recipe(name), reference)] for name in others)],
        "axes": axes,
        "variants": [[name, dict(point)] for name, point in variants.items()],
        "arms": [{"head": arm.head, "variant": arm.variant, "at": dict(arm.at)} for arm in cfg.arms],
        "base": "" if "" in variants else next(reversed(variants), ""),
    }


def differences(recipe: Recipe, reference: Recipe) -> str:
    """How one recipe differs from another, in words: `dqc, layers 10, train.learning_rate 0.001 (not 0.0001)`.

    A kind with the options that it has anyway is said by its description.
    """
    told = []
    if recipe.kind != reference.kind:
        told.append(recipe.kind if recipe.head_options else _in_words(recipe.kind))
        told += [f"{key} {said(value)}" for key, value in _options(recipe.head_options).items()]
    else:
        told += _changed(_options(recipe.options()), _options(reference.options()))
    own, other = recipe.decides(), reference.decides()
    for section in ("train", "augment", "backbone", "data"):
        told += _changed(flat(own[section], f"{section}."), flat(other[section], f"{section}."))
    return ", ".join(told)


def _in_words(kind: str) -> str:
    """A kind by its description, as a part of a sentence: `the paper's dressed quantum circuit`."""
    description = (Heads.model_fields[kind].description or kind).removesuffix(".")
    return description[0].lower() + description[1:]


def said(value: Any) -> str:
    """A value as one writes it in YAML, or nearly."""
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value).lower()
    return ", ".join(map(said, value)) if isinstance(value, list) else str(value)


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a person chose of them: where a plug-in lies and what files say, as a hash, is not."""
    return {key: value for key, value in flat(options).items() if key != "digest" and not key.startswith("plugin.")}


def _changed(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    keys = dict.fromkeys([*own, *other])
    return [
        f"{key} {said(own.get(key))} (not {said(other.get(key))})" for key in keys if own.get(key) != other.get(key)
    ]


def flat(values: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Nested values by keys with dots."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{under}{key}.")
        else:
            found[f"{under}{key}"] = value
    return found
