"""ResNet v1.5 (He et al., arXiv 1512.03385), configured as Hugging Face's ResNetConfig is, channels last."""

from dataclasses import dataclass

import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.errors import InputError
from qcxr.models.layers import ACTIVATIONS, Common, ConvNorm, Numerics, run_blocks
from qcxr.models.shape import WHERE, Shape
from qcxr.models.staged import Staged

REDUCTION = 4  # a bottleneck's inner width is its outer width / 4
LISTS = ("hidden_sizes", "depths")  # what a stage has: tuples here, lists in files


@dataclass(frozen=True)
class ResNetConfig(Shape):
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
        self.check_lists(*LISTS)
        for name in LISTS:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self.check_counts("num_channels", "embedding_size")
        if len(self.hidden_sizes) != len(self.depths):
            raise InputError(
                f"hidden_sizes and depths must be equally long, got {len(self.hidden_sizes)} and {len(self.depths)}; "
                f"{WHERE}"
            )
        if self.layer_type not in ("basic", "bottleneck"):
            raise InputError(f"layer_type must be 'basic' or 'bottleneck', got {self.layer_type!r}; {WHERE}")
        if self.layer_type == "bottleneck" and any(width % REDUCTION for width in self.hidden_sizes):
            raise InputError(
                f"hidden_sizes of bottlenecks must be multiples of 4, got {list(self.hidden_sizes)}; {WHERE}"
            )
        self.check_flags("downsample_in_first_stage", "downsample_in_bottleneck")
        self.check_one_of("hidden_act", filter(None, ACTIVATIONS))


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


class ResNet(Staged):
    """A ResNet, of the blocks above."""

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
