"""The `backbone:` section of the configuration, turned into a network.

{name: resnet, config: {embedding_size: 16, hidden_sizes: [16, 32], ...}}   from scratch, any ResNet
{name: resnet50}                                                            from scratch, a known ResNet
{weights: microsoft/resnet-50}   or a local folder                          a Hugging Face checkpoint
{name: efficientnet-lite0, weights: imagenet}                               weights from the package registry
{library: torch, weights: facebook/dinov2-base, pooling: mean}              any vision model of transformers, frozen
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models import efficientnet, hub, huggingface, imagenet
from qcxr.models.arrays import fill
from qcxr.models.efficientnet import EfficientNetLite0
from qcxr.models.layers import Numerics
from qcxr.models.resnet import CONFIGS, ResNet, ResNetConfig

KEYS = ("name", "weights", "config")
NAMES = ("resnet", *CONFIGS, efficientnet.NAME)
PRECISIONS = {"float32": jnp.dtype("float32"), "bfloat16": jnp.dtype(jnp.bfloat16)}


@runtime_checkable
class Backbone(Protocol):
    """What a backbone must offer: a network (a `flax.nnx` module) from images to pooled features."""

    n_features: int

    def __call__(
        self,
        images: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        """Features in float32 of normalised images; in training, rows with mask False count in no statistics."""
        ...

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """Where the stages that `trainable: last:N` counts lie in the network, first to last."""
        ...


@dataclass(frozen=True)
class Description:
    """What a backbone is, known before anything is built.

    `section` builds the same network without its weights' source; `mean` and `std` are its own input normalisation.
    `network(numerics=..., rng=...)` makes it, `load()` reads its weights from `source` (None: from scratch).
    """

    section: dict[str, Any]
    config: ResNetConfig | None
    n_features: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    network: Callable[..., Backbone]
    load: Callable[[], dict[str, np.ndarray]] | None = None
    source: str = ""

    @property
    def pretrained(self) -> bool:
        """Whether it starts from a checkpoint."""
        return self.load is not None


def describe(backbone: Mapping[str, Any]) -> Description:
    """Validate the `backbone:` section and say what it means; reads a checkpoint's config.json, not its arrays."""
    if backbone.get("library") == hub.LIBRARY:
        return _outside(hub.describe(backbone))
    unknown = sorted(set(backbone) - set(KEYS))
    if unknown:
        raise InputError(f"backbone has no key {unknown[0]!r}; allowed: {', '.join(KEYS)}")
    name, weights, config = (backbone.get(key) for key in KEYS)
    if name is not None and name not in NAMES:
        raise InputError(
            f"backbone.name must be one of {', '.join(NAMES)}, got {name!r}; set backbone.name in the config"
        )
    if config is not None and weights is not None:
        raise InputError(
            "backbone.config must be absent with backbone.weights: a checkpoint brings its own; delete one"
        )
    if config is not None and name != "resnet":
        raise InputError(
            f"backbone.config must be absent with backbone.name {name!r}; use the name 'resnet' with a config"
        )
    if name == efficientnet.NAME:
        return _efficientnet(weights)
    if weights is not None:
        return _checkpoint(name, weights)
    if name in CONFIGS:
        return _resnet(CONFIGS[name])
    if config is None:
        raise InputError(
            f"backbone needs weights, a known name, or the name 'resnet' with a config, got {backbone}; "
            f"set backbone.weights to a checkpoint or backbone.name to one of {', '.join(NAMES[1:])}"
        )
    return _resnet(ResNetConfig.from_dict(config))


def _resnet(config: ResNetConfig) -> Description:
    """A ResNet from scratch, normalised as ImageNet's are."""
    if config.num_channels != 3:
        raise InputError(
            f"num_channels of a backbone must be 3 (a film's gray is repeated), got {config.num_channels}; "
            "set it in backbone.config, or choose another checkpoint"
        )
    mean, std = huggingface.IMAGENET
    return Description(
        section={"name": "resnet", "config": config.to_dict()},
        config=config,
        n_features=config.hidden_sizes[-1],
        mean=mean,
        std=std,
        network=partial(ResNet, config),
    )


def _outside(section: dict[str, Any]) -> Description:
    """A model that torch computes. Its normalisation is the processor's (`qcxr.study.processor`), or not known here."""

    def network(*, numerics: Numerics, rng: None) -> Backbone:
        del rng
        return hub.Outside(section, precision=str(numerics.dtype))

    return Description(
        section=section,
        config=None,
        n_features=section["n_features"],
        mean=(),
        std=(),
        network=network,
        load=dict,  # of our arrays there are none
        source=section["weights"],
    )


def _checkpoint(name: str | None, weights: str) -> Description:
    config, mean, std = huggingface.describe(weights)
    if name in CONFIGS and CONFIGS[name] != config:
        raise InputError(
            f"backbone.weights {weights!r} is not a {name}: config.json says {config.to_dict()}; "
            "correct or delete backbone.name"
        )
    load = partial(huggingface.load, weights)
    return replace(_resnet(config), mean=mean, std=std, load=load, source=weights)


def _efficientnet(weights: str | None) -> Description:
    if weights not in (None, "imagenet"):
        raise InputError(
            f"backbone.weights of {efficientnet.NAME} must be imagenet or null, got {weights!r}; set backbone.weights"
        )
    return Description(
        section={"name": efficientnet.NAME},
        config=None,
        n_features=efficientnet.N_FEATURES,
        mean=efficientnet.MEAN,
        std=efficientnet.STD,
        network=EfficientNetLite0,
        load=imagenet.load if weights else None,
        source=imagenet.FILE,
    )


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
