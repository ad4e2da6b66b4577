"""Which arrays train: every array of a model is in exactly one group, trained, frozen or statistic.

The rule is one word: `all`, `head` (frozen backbone) or `last:N` (the last N stages and the head).
Statistics are never trained, whatever the rule, nor what a head holds as `Fixed`; stages that do not train keep their
BatchNorm statistics too.

A group is nested dicts of arrays: a compiled step takes and gives back hundreds of arrays, and JAX counts through dicts
three times as fast as through flax's states (a state of 270 arrays, on a CPU: 1.1 ms a call, 3.0 before).
"""

import re
from collections.abc import Hashable
from math import prod
from typing import Any, TypeVar

from flax import nnx

from qcxr.errors import InputError
from qcxr.models.classifier import Classifier, FeatureClassifier
from qcxr.models.contracts import Fixed
from qcxr.models.layers import BatchNorm

GROUPS = ("trained", "frozen", "statistics")
Network = TypeVar("Network")
Subtree = tuple[Hashable, ...]  # a path into a network
Group = dict[Any, Any]  # of arrays, nested as the network is


def split(model: Classifier | FeatureClassifier, trainable: str = "all") -> tuple[nnx.GraphDef, Group, Group, Group]:
    """(graphdef, trained, frozen, statistics) of a classifier; `merge` undoes it.

    BatchNorm layers of a frozen stage are switched to `running` in `model` itself, so that a frozen stage computes
    the same function throughout.
    """
    prefixes = trained_prefixes(model, trainable)

    def in_trained(path: Subtree, value: Any) -> bool:
        return isinstance(value, nnx.Param) and _starts(path, prefixes)

    for path, module in nnx.iter_graph(model):
        if isinstance(module, BatchNorm) and not _starts(path, prefixes):
            module.mode = "running"
    graphdef, *states = nnx.split(model, in_trained, (nnx.Param, Fixed), nnx.BatchStat)
    trained, frozen, running = map(nnx.to_pure_dict, states)
    return graphdef, trained, frozen, running


def merge(graphdef: nnx.GraphDef[Network], *groups: Group) -> Network:
    """The network again, with variables of its own: safe inside jit and grad, where it costs tracing time only."""
    return nnx.merge(graphdef, *groups, copy=True)


def statistics(model: Classifier | FeatureClassifier) -> Group:
    """BatchNorm's running statistics, to be read back after `model(images, train=True, mask=mask)`."""
    return nnx.to_pure_dict(nnx.state(model, nnx.BatchStat))


def trained_prefixes(model: Classifier | FeatureClassifier, trainable: str) -> list[Subtree]:
    """The subtrees that `trainable` names, as paths; `()` is the whole model."""
    if trainable == "all":
        return [()]
    if trainable == "head":
        return [("head",)]
    stages = _stages(model)
    match = re.fullmatch(r"last:(\d+)", str(trainable))
    if not match or not 1 <= int(match[1]) <= len(stages):
        raise InputError(
            f"trainable must be all, head or last:N with N from 1 to {len(stages)}, got {trainable!r}; "
            "set backbone.trainable in the config"
        )
    return [("head",), *stages[-int(match[1]) :]]


def table(model: Classifier, trainable: str = "all") -> str:
    """What trains, as text: arrays and numbers per subtree (stem, stages, parts of the head) and group."""
    stages = _stages(model)
    prefixes = trained_prefixes(model, trainable)
    rows: dict[str, dict[str, list[int]]] = {}
    for path, value in nnx.to_flat_state(nnx.state(model)):
        stage = next((s for s in stages if path[: len(s)] == s), path[:2])
        group = _group(path, value, prefixes)
        cells = rows.setdefault(".".join(map(str, stage)), {g: [0, 0] for g in GROUPS})
        cells[group][0] += 1
        cells[group][1] += prod(value.shape)
    totals = {g: [sum(cells[g][i] for cells in rows.values()) for i in (0, 1)] for g in GROUPS}
    width = max(map(len, rows))
    lines = [f"{'':{width}}" + "".join(f"{g:>22}" for g in GROUPS)]
    for name, cells in {**rows, "total": totals}.items():
        texts = [f"{numbers:,} in {arrays}" if arrays else "-" for arrays, numbers in cells.values()]
        lines.append(f"{name:{width}}" + "".join(f"{text:>22}" for text in texts))
    return "\n".join(lines)


def _group(path: Subtree, value: nnx.Variable, prefixes: list[Subtree]) -> str:
    trained, frozen, running = GROUPS
    if isinstance(value, nnx.Param):
        return trained if _starts(path, prefixes) else frozen
    return frozen if isinstance(value, Fixed) else running


def _stages(model: Classifier | FeatureClassifier) -> list[Subtree]:
    """Where the backbone's stages lie in the model; without a backbone there are none."""
    return [("backbone", *path) for path in model.backbone.stage_paths()] if isinstance(model, Classifier) else []


def _starts(path: Subtree, prefixes: list[Subtree]) -> bool:
    return any(path[: len(prefix)] == prefix for prefix in prefixes)
