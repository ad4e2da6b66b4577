"""The `backbone:` section of the configuration, turned into a network.

{name: resnet, config: {embedding_size: 16, hidden_sizes: [16, 32], ...}}   from scratch, any ResNet
{name: resnet50}                                                            from scratch, a known ResNet
{weights: microsoft/resnet-50}   or a local folder                          a Hugging Face checkpoint
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import huggingface
from qcxr.models.layers import Numerics
from qcxr.models.resnet import CONFIGS, ResNet, ResNetConfig
from qcxr.models.weights import fill

KEYS = ("name", "weights", "config")
PRECISIONS = {"float32": jnp.dtype("float32"), "bfloat16": jnp.dtype(jnp.bfloat16)}


@dataclass(frozen=True)
class Description:
    """What a backbone is, known before anything is built: `mean` and `std` are its own input normalisation."""

    name: str
    config: ResNetConfig
    weights: str | None
    n_features: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def pretrained(self) -> bool:
        """Whether it starts from a checkpoint."""
        return self.weights is not None


def describe(backbone: dict) -> Description:
    """Validate the `backbone:` section and say what it means; reads a checkpoint's config.json, not its arrays."""
    unknown = sorted(set(backbone) - set(KEYS))
    if unknown:
        raise InputError(f"backbone has no key {unknown[0]!r}; allowed: {', '.join(KEYS)}")
    name, weights, config = (backbone.get(key) for key in KEYS)
    names = ("resnet", *CONFIGS)
    if name is not None and name not in names:
        raise InputError(
            f"backbone.name must be one of {', '.join(names)}, got {name!r}; set backbone.name in the config"
        )
    mean, std = huggingface.IMAGENET
    if weights is not None:
        if config is not None:
            raise InputError(
                "backbone.config must be absent with backbone.weights: a checkpoint brings its own; delete one"
            )
        resolved, mean, std = huggingface.describe(weights)
        if name in CONFIGS and CONFIGS[name] != resolved:
            raise InputError(
                f"backbone.weights {weights!r} is not a {name}: config.json says {resolved.to_dict()}; "
                "correct or delete backbone.name"
            )
    elif name in CONFIGS:
        if config is not None:
            raise InputError(
                f"backbone.config must be absent with backbone.name {name!r}; use the name 'resnet' with a config"
            )
        resolved = CONFIGS[name]
    elif name == "resnet" and config is not None:
        resolved = ResNetConfig.from_dict(config)
    else:
        raise InputError(
            "backbone needs weights, a known name, or the name 'resnet' with a config, "
            f"got {backbone}; set backbone.weights to a checkpoint or backbone.name to one of {', '.join(CONFIGS)}"
        )
    mean, std = (tuple(values[: resolved.num_channels]) for values in (mean, std))
    return Description(name or "resnet", resolved, weights, resolved.hidden_sizes[-1], mean, std)


def create(backbone: dict, *, key: jax.Array, batch_norm: str, precision: str, remat: bool = False) -> nnx.Module:
    """Build the network, with random arrays from `key` or the checkpoint's."""
    if batch_norm not in ("running", "batch"):
        raise InputError(f"batch_norm must be running or batch, got {batch_norm!r}; set train.batch_norm in the config")
    if precision not in PRECISIONS:
        raise InputError(f"precision must be float32 or bfloat16, got {precision!r}; set train.precision in the config")
    description = describe(backbone)
    numerics = Numerics(dtype=PRECISIONS[precision], batch_norm=batch_norm, remat=remat)

    if description.weights is None:
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        return ResNet(description.config, numerics=numerics, rng=rng)
    network = ResNet(description.config, numerics=numerics, rng=None)
    return fill(network, huggingface.load(description.weights), source=description.weights)
