"""DenseNet (Huang et al., arXiv 1608.06993), configured as torchvision's is, channels last.

Normalisation comes before activation and convolution here, so it cannot be folded into the convolution behind it; the
one between a layer's two convolutions is folded into the first. A transition's average comes before its 1 x 1
convolution: both are linear, and a quarter of the products are left.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.models.convolution import convolve
from qcxr.models.layers import BatchNorm, Common, ConvNorm, Numerics, he_normal, run_blocks
from qcxr.models.shape import Shape
from qcxr.models.staged import Staged


@dataclass(frozen=True)
class DenseNetConfig(Shape):
    """The shape of a DenseNet; field names and defaults are torchvision's (a DenseNet-121)."""

    num_channels: int = 3
    growth_rate: int = 32
    block_config: tuple[int, ...] = (6, 12, 24, 16)
    num_init_features: int = 64
    bn_size: int = 4

    def __post_init__(self) -> None:
        self.check_lists("block_config")
        object.__setattr__(self, "block_config", tuple(self.block_config))
        self.check_counts("num_channels", "growth_rate", "num_init_features", "bn_size")


class Activation(nnx.Module):
    """BatchNorm and ReLU, in front of a convolution or at the end."""

    def __init__(self, channels: int, common: Common) -> None:
        self.norm = BatchNorm(channels, mode=common.numerics.batch_norm)

    def __call__(
        self, x: Float[Array, "batch height width channels"], *, train: bool, mask: Bool[Array, " batch"] | None
    ) -> Float[Array, "batch height width channels"]:
        if train and self.norm.mode == "batch":
            return jax.nn.relu(self.norm.normalise(x, mask))
        scale, shift = self.norm.affine()
        return jax.nn.relu(x * scale.astype(x.dtype) + shift.astype(x.dtype))


class Layer(nnx.Module):
    """A dense layer: what it makes of all channels before it, 1 x 1 then 3 x 3, is added to them as new ones."""

    def __init__(self, channels: int, config: DenseNetConfig, common: Common) -> None:
        inner = config.bn_size * config.growth_rate
        self.before = Activation(channels, common)
        self.reduce = ConvNorm(channels, inner, common, size=1, activation="relu")
        self.kernel = nnx.Param(he_normal(common.rng, (3, 3, inner, config.growth_rate)))

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height width channels_out"]:
        y = self.reduce(self.before(x, train=train, mask=mask), train=train, mask=mask)
        # with so few channels out, the library's convolution is the fastest form (docs/models.md)
        new = convolve(y, self.kernel[...].astype(y.dtype), padding=((1, 1), (1, 1)), form="direct")
        return jnp.concatenate([x, new], axis=-1)


class Transition(nnx.Module):
    """Half the channels and half the resolution: an average of 2 x 2 of a 1 x 1 convolution."""

    def __init__(self, channels: int, common: Common) -> None:
        self.before = Activation(channels, common)
        self.kernel = nnx.Param(he_normal(common.rng, (1, 1, channels, channels // 2)))

    def __call__(
        self, x: Float[Array, "batch height width channels"], *, train: bool, mask: Bool[Array, " batch"] | None
    ) -> Float[Array, "batch height_out width_out channels_out"]:
        y = self.before(x, train=train, mask=mask)
        batch, rows, columns, channels = y.shape
        y = y[:, : rows // 2 * 2, : columns // 2 * 2].reshape(batch, rows // 2, 2, columns // 2, 2, channels)
        return convolve(y.mean((2, 4)), self.kernel[...].astype(y.dtype))


class Stage(nnx.Module):
    """A dense block, with the transition in front of it, or with the activation behind the last one."""

    def __init__(self, channels: int, index: int, config: DenseNetConfig, common: Common) -> None:
        self.transition = Transition(channels, common) if index else None
        first = channels // 2 if index else channels
        depth, growth = config.block_config[index], config.growth_rate
        self.layers = nnx.List(Layer(first + i * growth, config, common) for i in range(depth))
        self.channels = first + depth * growth
        self.after = Activation(self.channels, common) if index == len(config.block_config) - 1 else None
        self.remat = common.numerics.remat

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height_out width_out channels_out"]:
        if self.transition is not None:
            x = self.transition(x, train=train, mask=mask)
        x = run_blocks(self.layers, x, train=train, mask=mask, remat=self.remat)
        return x if self.after is None else self.after(x, train=train, mask=mask)


class DenseNet(Staged):
    """A DenseNet; a stage is a dense block with the transition in front of it."""

    def __init__(self, config: DenseNetConfig, *, numerics: Numerics, rng: np.random.Generator | None) -> None:
        common = Common(numerics, rng)
        self.stem = ConvNorm(config.num_channels, config.num_init_features, common, size=7, stride=2, activation="relu")
        stages, channels = [], config.num_init_features
        for index in range(len(config.block_config)):
            stages.append(Stage(channels, index, config, common))
            channels = stages[-1].channels
        self.stages = nnx.List(stages)
        self.n_features = channels
