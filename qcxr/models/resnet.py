"""ResNet v1.5 (He et al., arXiv 1512.03385), configured as Hugging Face's ResNetConfig is, channels last."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.errors import InputError
from qcxr.models.layers import ACTIVATIONS, Common, ConvNorm, Numerics, run_blocks, widened
from qcxr.models.pooling import max_pool

REDUCTION = 4  # a bottleneck's inner width is its outer width / 4
LISTS = ("hidden_sizes", "depths")  # what a stage has: tuples here, lists in files


@dataclass(frozen=True)
class ResNetConfig:
    """The shape of a ResNet; field names and defaults are Hugging Face's: a checkpoint's config.json fits as it is."""

    num_channels: int = 3
    embedding_size: int = 64
    hidden_sizes: tuple[int, ...] = (256, 512, 1024, 2048)
    depths: tuple[int, ...] = (3, 4, 6, 3)
    layer_type: str = "bottleneck"
    hidden_act: str = "relu"
    downsample_in_first_stage: bool = False
    downsample_in_bottleneck: bool = False

    def __post_init__(self) -> None:
        where = "set backbone.config in the config"
        for name in LISTS:
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or not values or any(type(v) is not int or v < 1 for v in values):
                raise InputError(f"{name} must be a list of integers >= 1, got {_listed(values)!r}; {where}")
            object.__setattr__(self, name, tuple(values))
        for name in ("num_channels", "embedding_size"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise InputError(f"{name} must be an integer >= 1, got {getattr(self, name)!r}; {where}")
        if len(self.hidden_sizes) != len(self.depths):
            raise InputError(
                f"hidden_sizes and depths must be equally long, got {len(self.hidden_sizes)} and {len(self.depths)}; "
                f"{where}"
            )
        if self.layer_type not in ("basic", "bottleneck"):
            raise InputError(f"layer_type must be 'basic' or 'bottleneck', got {self.layer_type!r}; {where}")
        if self.layer_type == "bottleneck" and any(width % REDUCTION for width in self.hidden_sizes):
            raise InputError(
                f"hidden_sizes of bottlenecks must be multiples of 4, got {list(self.hidden_sizes)}; {where}"
            )
        for name in ("downsample_in_first_stage", "downsample_in_bottleneck"):
            if type(getattr(self, name)) is not bool:
                raise InputError(f"{name} must be true or false, got {getattr(self, name)!r}; {where}")
        if not isinstance(self.hidden_act, str) or self.hidden_act not in ACTIVATIONS:
            allowed = ", ".join(a for a in ACTIVATIONS if a)
            raise InputError(f"hidden_act must be one of {allowed}, got {self.hidden_act!r}; {where}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, strict: bool = True) -> "ResNetConfig":
        """Read a mapping; unknown keys are refused, or ignored with strict=False (a config.json has many)."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if strict and unknown:
            raise InputError(f"backbone.config has no key {unknown[0]!r}; allowed: {', '.join(sorted(known))}")
        given: dict[str, Any] = {key: value for key, value in values.items() if key in known}
        given |= {key: tuple(given[key]) for key in LISTS if isinstance(given.get(key), list)}
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and scalars, for JSON and YAML."""
        return {key: _listed(value) for key, value in asdict(self).items()}


def _listed(value: Any) -> Any:
    """A tuple as the list that a file has in its place; anything else as it is."""
    return list(value) if isinstance(value, tuple) else value


CONFIGS = {
    "resnet18": ResNetConfig(hidden_sizes=(64, 128, 256, 512), depths=(2, 2, 2, 2), layer_type="basic"),
    "resnet34": ResNetConfig(hidden_sizes=(64, 128, 256, 512), depths=(3, 4, 6, 3), layer_type="basic"),
    "resnet50": ResNetConfig(),
    "resnet101": ResNetConfig(depths=(3, 4, 23, 3)),
    "resnet152": ResNetConfig(depths=(3, 8, 36, 3)),
}


class Block(nnx.Module):
    """A residual block, basic (two 3 x 3) or bottleneck (1 x 1, 3 x 3, 1 x 1); the stride sits on the 3 x 3 (v1.5).

    `hidden_act` is the activation after the sum; inside a block it is always ReLU, as in Hugging Face's ResNet.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int, config: ResNetConfig, common: Common) -> None:
        if config.layer_type == "basic":
            convs = [
                ConvNorm(channels_in, channels_out, common, size=3, stride=stride, activation="relu"),
                ConvNorm(channels_out, channels_out, common, size=3),
            ]
        else:
            inner = channels_out // REDUCTION
            first, second = (stride, 1) if config.downsample_in_bottleneck else (1, stride)
            convs = [
                ConvNorm(channels_in, inner, common, size=1, stride=first, activation="relu"),
                ConvNorm(inner, inner, common, size=3, stride=second, activation="relu"),
                ConvNorm(inner, channels_out, common, size=1),
            ]
        self.convs = nnx.List(convs)
        project = channels_in != channels_out or stride != 1
        self.shortcut = ConvNorm(channels_in, channels_out, common, size=1, stride=stride) if project else None
        self.activation = config.hidden_act

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height_out width_out channels_out"]:
        y = x
        for conv in self.convs:
            y = conv(y, train=train, mask=mask)
        if self.shortcut is not None:
            x = self.shortcut(x, train=train, mask=mask)
        return ACTIVATIONS[self.activation](y + x)


class Stage(nnx.Module):
    """A sequence of blocks of one width; the first one may halve the resolution."""

    def __init__(
        self, channels_in: int, channels_out: int, stride: int, depth: int, config: ResNetConfig, common: Common
    ) -> None:
        self.blocks = nnx.List(
            Block(channels_in if i == 0 else channels_out, channels_out, stride if i == 0 else 1, config, common)
            for i in range(depth)
        )
        self.remat = common.numerics.remat

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height_out width_out channels_out"]:
        return run_blocks(self.blocks, x, train=train, mask=mask, remat=self.remat)


class ResNet(nnx.Module):
    """Normalised images -> pooled features in float32 (`qcxr.models.description.Backbone`)."""

    def __init__(self, config: ResNetConfig, *, numerics: Numerics, rng: np.random.Generator | None) -> None:
        common = Common(numerics, rng)
        self.stem = ConvNorm(
            config.num_channels, config.embedding_size, common, size=7, stride=2, activation=config.hidden_act
        )
        widths = (config.embedding_size, *config.hidden_sizes)
        self.stages = nnx.List(
            Stage(
                widths[i], widths[i + 1], 2 if i > 0 or config.downsample_in_first_stage else 1, depth, config, common
            )
            for i, depth in enumerate(config.depths)
        )
        self.n_features = config.hidden_sizes[-1]

    def __call__(
        self,
        images: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        x = max_pool(self.stem(images, train=train, mask=mask))
        for stage in self.stages:
            x = stage(x, train=train, mask=mask)
        return widened(x).mean((1, 2))

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """The stages that `trainable: last:N` counts, first to last."""
        return [("stages", i) for i in range(len(self.stages))]
