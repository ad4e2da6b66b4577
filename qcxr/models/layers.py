"""The layers that every network here is made of: convolution with batch normalisation and activation, and affine map.

BatchNorm has two modes. `running` normalises with the stored statistics, in training too, and never changes them:
the right choice for pretrained weights and small batches. It is an affine map per channel, so it is folded into the
convolution's kernel: one pass over the activations less, and nothing of it kept for the backward pass.
`batch` is torch's train mode: the batch's statistics normalise, and the stored ones follow with the momentum.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from qcxr.models.convolution import convolve
from qcxr.models.patches import Padding

ACTIVATIONS: dict[str | None, Callable[[jax.Array], jax.Array]] = {
    None: lambda x: x,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "silu": jax.nn.silu,
}


@dataclass(frozen=True)
class Numerics:
    """How a backbone computes: compute type, BatchNorm mode, and whether blocks are recomputed in the backward pass."""

    dtype: jnp.dtype
    batch_norm: str
    remat: bool = False


@dataclass(frozen=True)
class Common:
    """What all convolutional layers of one network have in common.

    `rng` draws the kernels; without it they are zeros, to be filled. The border of the images (`half` is torch's,
    `same` TensorFlow's) and BatchNorm's constants are those of the library that the network was published with.
    """

    numerics: Numerics
    rng: np.random.Generator | None
    border: str = "half"
    epsilon: float = 1e-5
    momentum: float = 0.1


def widened(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """x in float32 at least: what sums over many positions are taken in."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


class BatchNorm(nnx.Module):
    """Batch normalisation over films and positions, torch's conventions (Ioffe & Szegedy, arXiv 1502.03167)."""

    def __init__(self, channels: int, *, mode: str, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
        self.scale = nnx.Param(jax.device_put(ones))  # jnp.asarray would compile something for each shape
        self.bias = nnx.Param(jax.device_put(zeros))
        self.mean = nnx.BatchStat(jax.device_put(zeros))
        self.var = nnx.BatchStat(jax.device_put(ones))
        self.mode = mode
        self.epsilon = epsilon
        self.momentum = momentum

    def affine(self) -> tuple[Float[Array, " channels"], Float[Array, " channels"]]:
        """(scale, shift): what normalising with the stored statistics does to a channel."""
        scale = self.scale[...] * lax.rsqrt(self.var[...] + self.epsilon)
        return scale, self.bias[...] - self.mean[...] * scale

    def normalise(
        self, x: Float[Array, "batch height width channels"], mask: Bool[Array, " batch"] | None
    ) -> Float[Array, "batch height width channels"]:
        """Normalise with the batch's statistics and update the stored ones; rows with mask False count nowhere."""
        wide = widened(x)
        positions = x.shape[1] * x.shape[2]
        if mask is None:
            count = jnp.float32(x.shape[0] * positions)
            mean = wide.mean((0, 1, 2))
            var = jnp.square(wide - mean).mean((0, 1, 2))
        else:
            weight = mask.astype(jnp.float32)[:, None, None, None]
            count = jnp.maximum(mask.astype(jnp.float32).sum() * positions, 1.0)
            mean = (wide * weight).sum((0, 1, 2)) / count
            var = (jnp.square(wide - mean) * weight).sum((0, 1, 2)) / count
        unbiased = lax.stop_gradient(var) * count / jnp.maximum(count - 1, 1.0)
        self.mean[...] = (1 - self.momentum) * self.mean[...] + self.momentum * lax.stop_gradient(mean)
        self.var[...] = (1 - self.momentum) * self.var[...] + self.momentum * unbiased
        scale = self.scale[...] * lax.rsqrt(var + self.epsilon)
        return (wide * scale + (self.bias[...] - mean * scale)).astype(x.dtype)


def he_normal(
    rng: np.random.Generator | None, shape: tuple[int, int, int, int], groups: int = 1
) -> Float[Array, "rows columns group_channels channels_out"]:
    """A kernel of that shape, normal with variance 2 / fan out (He et al., arXiv 1502.01852).

    The fan out is a group's: each input of a depthwise kernel feeds rows x columns outputs, not channels_out times as
    many. Drawn by numpy: no compilation, and the same on every device. Without a generator it is zeros, to be filled.
    """
    if rng is None:
        return jax.device_put(np.zeros(shape, np.float32))
    fan_out = shape[0] * shape[1] * shape[3] // groups
    return jax.device_put(rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / fan_out)))


def border(images: tuple[int, ...], kernel: tuple[int, ...], stride: int, rule: str) -> Padding:
    """Zeros around images: `half` is torch's kernel // 2 on every side, `same` TensorFlow's (ceil(length / stride))."""
    if rule == "half":
        return ((kernel[0] // 2,) * 2, (kernel[1] // 2,) * 2)
    rows, columns = (max((-(-images[i + 1] // stride) - 1) * stride + kernel[i] - images[i + 1], 0) for i in (0, 1))
    return (rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)


class ConvNorm(nnx.Module):
    """Convolution without bias -> BatchNorm -> activation."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        common: Common,
        *,
        size: int,
        stride: int = 1,
        groups: int = 1,
        activation: str | None = None,
    ) -> None:
        self.kernel = nnx.Param(he_normal(common.rng, (size, size, channels_in // groups, channels_out), groups))
        self.norm = BatchNorm(
            channels_out, mode=common.numerics.batch_norm, epsilon=common.epsilon, momentum=common.momentum
        )
        self.stride = stride
        self.border = common.border
        self.activation = activation
        self.dtype = common.numerics.dtype

    def __call__(
        self,
        x: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch height_out width_out channels_out"]:
        x = x.astype(self.dtype)
        padding = border(x.shape, self.kernel.shape, self.stride, self.border)
        if train and self.norm.mode == "batch":
            y = convolve(x, self.kernel[...].astype(self.dtype), stride=self.stride, padding=padding)
            y = self.norm.normalise(y, mask)
        else:
            scale, shift = self.norm.affine()
            kernel = (self.kernel[...] * scale).astype(self.dtype)
            y = convolve(x, kernel, stride=self.stride, padding=padding) + shift.astype(self.dtype)
        return ACTIVATIONS[self.activation](y)


def run_blocks(
    blocks: Iterable[nnx.Module],
    x: Float[Array, "batch *places channels"],
    *,
    train: bool,
    mask: Bool[Array, " batch"] | None,
    remat: bool,
) -> Float[Array, "batch *places_out channels_out"]:
    """Apply a stage's blocks in turn; with `remat`, training computes each block's activations again in reverse."""

    def call(block: nnx.Module, x: jax.Array, mask: jax.Array | None) -> jax.Array:
        return block(x, train=train, mask=mask)

    if remat and train:
        call = nnx.remat(call)
    for block in blocks:
        x = call(block, x, mask)
    return x


class Linear(nnx.Module):
    """Affine map; LeCun-normal kernel, zero bias (paper, section III-D)."""

    def __init__(self, n_in: int, n_out: int, *, key: PRNGKeyArray) -> None:
        self.kernel = nnx.Param(nnx.initializers.lecun_normal()(key, (n_in, n_out)))
        self.bias = nnx.Param(jnp.zeros(n_out))

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        return x @ self.kernel[...] + self.bias[...]
