"""The `backbone:` section of the configuration, turned into a network.

{name: resnet, config: {embedding_size: 16, hidden_sizes: [16, 32], ...}}   from scratch, any ResNet (vit, densenet)
{name: resnet50}                                                            from scratch, a known network
{weights: microsoft/resnet-50}   or a local folder                          a Hugging Face checkpoint
{name: efficientnet-lite0, weights: imagenet}                               weights from the package registry
{library: torch, weights: facebook/convnext-tiny-224}                       any vision model of transformers, frozen
{name: xrv-densenet121, weights: FILE}                                      torchxrayvision's, from a file here

Each family of networks is a module of `qcxr.models.families`, imported when one of it is described
(`qcxr.study.networks` says which is whose): the code of the others is in no hash of a run.
"""

import importlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models import huggingface
from qcxr.models.arrays import fill
from qcxr.models.description import Backbone, Description
from qcxr.models.layers import Numerics
from qcxr.study import networks

KEYS = ("name", "weights", "config", "pooling")
PRECISIONS = {"float32": jnp.dtype("float32"), "bfloat16": jnp.dtype(jnp.bfloat16)}


def describe(backbone: Mapping[str, Any]) -> Description:
    """Validate the `backbone:` section and say what it means; reads a checkpoint's config.json, not its arrays."""
    if backbone.get("library") == "torch":
        return importlib.import_module(networks.OUTSIDE).described(backbone)
    unknown = sorted(set(backbone) - set(KEYS))
    if unknown:
        raise InputError(f"backbone has no key {unknown[0]!r}; allowed: {', '.join(KEYS)}")
    name, weights, config, pooling = (backbone.get(key) for key in KEYS)
    if name is not None and name not in networks.NAMES:
        raise InputError(
            f"backbone.name must be one of {', '.join(networks.NAMES)}, got {name!r}; set backbone.name in the config"
        )
    own = " or ".join(map(repr, networks.SHAPES))
    if config is not None and weights is not None:
        raise InputError(
            "backbone.config must be absent with backbone.weights: a checkpoint brings its own; delete one"
        )
    if config is not None and name not in networks.SHAPES:
        raise InputError(
            f"backbone.config must be absent with backbone.name {name!r}; use the name {own} with a config"
        )
    if weights is None and (name is None or (name in networks.SHAPES and config is None)):
        raise InputError(
            f"backbone needs weights, a known name, or the name {own} with a config, got {backbone}; "
            f"set backbone.weights to a checkpoint or backbone.name to one of {', '.join(networks.NAMES[1:])}"
        )
    family = networks.named(name) if name is not None else _of_checkpoint(str(weights))
    if pooling is not None and pooling not in family.pooling:
        raise InputError(
            f"backbone.pooling must be {' or '.join(family.pooling)} or null for this backbone, got {pooling!r}; "
            "set backbone.pooling in the config"
        )
    return importlib.import_module(family.module).describe(backbone)


def _of_checkpoint(weights: str) -> networks.Family:
    """The family of a Hugging Face checkpoint, by the model_type of its config.json."""
    return networks.TYPES[huggingface.config(weights, networks.TYPES)["model_type"]]


def create(
    backbone: Mapping[str, Any], *, key: PRNGKeyArray, batch_norm: str, precision: str, remat: bool = False
) -> Backbone:
    """Build the network, with random arrays from `key` or the checkpoint's."""
    if batch_norm not in ("running", "batch"):
        raise InputError(
            f"batch_norm must be running or batch, got {batch_norm!r}; set backbone.batch_norm in the config"
        )
    if precision not in PRECISIONS:
        raise InputError(f"precision must be float32 or bfloat16, got {precision!r}; set train.precision in the config")
    description = describe(backbone)
    numerics = Numerics(dtype=PRECISIONS[precision], batch_norm=batch_norm, remat=remat)
    if description.load is None:
        return description.network(numerics=numerics, rng=np.random.default_rng(np.asarray(jax.random.key_data(key))))
    return fill(description.network(numerics=numerics, rng=None), description.load(), source=description.source)
