"""Vision Transformer (Dosovitskiy et al., arXiv 2010.11929), configured as Hugging Face's ViTConfig is.

With a layer scale, and a gated MLP, it is DINOv2's network too (Oquab et al., arXiv 2304.07193). Dropout and
stochastic depth are left out.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.errors import InputError
from qcxr.models.layers import ACTIVATIONS, Numerics, run_blocks, widened
from qcxr.models.positions import resized
from qcxr.models.shape import WHERE, Shape
from qcxr.models.transformer import Attention, Drawing, LayerNorm, Perceptron

COUNTS = (
    *("num_channels", "image_size", "patch_size", "hidden_size"),
    *("num_hidden_layers", "num_attention_heads", "intermediate_size"),
)


@dataclass(frozen=True)
class ViTConfig(Shape):
    """The shape of a Vision Transformer; field names and defaults are Hugging Face's (a ViT-B/16).

    `layerscale_value` and `use_swiglu_ffn` are those of its Dinov2Config.
    """

    num_channels: int = 3
    image_size: int = 224
    patch_size: int = 16
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    qkv_bias: bool = True
    layerscale_value: float | None = None
    use_swiglu_ffn: bool = False

    def __post_init__(self) -> None:
        self.check_counts(*COUNTS)
        for name, divisor in (("hidden_size", "num_attention_heads"), ("image_size", "patch_size")):
            value, by = getattr(self, name), getattr(self, divisor)
            if value % by:
                raise InputError(f"{name} must be a multiple of {divisor}, got {value} and {by}; {WHERE}")
        self.check_one_of("hidden_act", filter(None, ACTIVATIONS))
        for name in ("layer_norm_eps", "layerscale_value"):
            value = getattr(self, name)
            optional = name == "layerscale_value" and value is None
            if not optional and (type(value) not in (int, float) or not value > 0):
                raise InputError(f"{name} must be a number > 0, got {value!r}; {WHERE}")
        self.check_flags("qkv_bias", "use_swiglu_ffn")


class Block(nnx.Module):
    """Attention, then an MLP, each of what LayerNorm makes of the tokens, and added to them."""

    def __init__(self, config: ViTConfig, drawing: Drawing) -> None:
        width, scale = config.hidden_size, config.layerscale_value
        self.norm1 = LayerNorm(width, epsilon=config.layer_norm_eps)
        self.attention = Attention(width, config.num_attention_heads, drawing, bias=config.qkv_bias)
        self.scale1 = None if scale is None else drawing.constant(width, scale)
        self.norm2 = LayerNorm(width, epsilon=config.layer_norm_eps)
        self.mlp = Perceptron(
            width,
            config.intermediate_size,
            drawing,
            activation=config.hidden_act,
            gated=config.use_swiglu_ffn,
        )
        self.scale2 = None if scale is None else drawing.constant(width, scale)

    def __call__(
        self,
        x: Float[Array, "batch tokens channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
        first: int | None = None,
    ) -> Float[Array, "batch tokens_out channels"]:
        """The tokens after it, or only so many `first` ones, which read all."""
        del train, mask  # no film sees another
        x = x[:, :first] + _scaled(self.attention(self.norm1(x), first), self.scale1)
        return x + _scaled(self.mlp(self.norm2(x)), self.scale2)


def _scaled(x: Float[Array, "batch tokens channels"], scale: nnx.Param | None) -> Float[Array, "batch tokens channels"]:
    return x if scale is None else x * scale[...].astype(x.dtype)


class Patches(nnx.Module):
    """Patches of the images, each an affine map of its pixels."""

    def __init__(self, config: ViTConfig, drawing: Drawing) -> None:
        side = config.patch_size
        self.kernel = drawing.normal(side, side, config.num_channels, config.hidden_size)
        self.bias = drawing.constant(config.hidden_size, 0.0)
        self.dtype = drawing.numerics.dtype

    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch rows columns features"]:
        side, _, channels, _ = self.kernel.shape
        batch, height, width, given = images.shape
        if height % side or width % side or given != channels:
            raise InputError(
                f"films must have sides that are multiples of {side} pixels and {channels} channels, got "
                f"{height} x {width} with {given}; set image.crop in the config"
            )
        rows, columns = height // side, width // side
        x = images.astype(self.dtype).reshape(batch, rows, side, columns, side, channels).swapaxes(2, 3)
        x = x.reshape(batch * rows * columns, -1) @ self.kernel[...].astype(self.dtype).reshape(-1, self.bias.size)
        return (x + self.bias[...].astype(self.dtype)).reshape(batch, rows, columns, -1)


class ViT(nnx.Module):
    """Normalised images -> pooled features in float32 (`qcxr.models.description.Backbone`).

    pooling: `cls`, the class token after the last LayerNorm, or `mean`, the mean of the patches' there.
    """

    def __init__(self, config: ViTConfig, pooling: str, *, numerics: Numerics, rng: np.random.Generator | None) -> None:
        drawing = Drawing(numerics, rng)
        self.patches = Patches(config, drawing)
        self.cls = drawing.normal(config.hidden_size)
        self.positions = drawing.normal(1 + (config.image_size // config.patch_size) ** 2, config.hidden_size)
        self.blocks = nnx.List(Block(config, drawing) for _ in range(config.num_hidden_layers))
        self.norm = LayerNorm(config.hidden_size, epsilon=config.layer_norm_eps)
        self.n_features = config.hidden_size
        self.pooling = pooling
        self.remat = numerics.remat

    def __call__(
        self,
        images: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        x = self.embed(images)
        *blocks, last = self.blocks
        x = run_blocks(blocks, x, train=train, mask=mask, remat=self.remat)
        if self.pooling == "cls":  # of the last block nothing but the class token is ever read
            return self.norm(widened(last(x, first=1)[:, 0]))
        x = run_blocks([last], x, train=train, mask=mask, remat=self.remat)
        return self.norm(widened(x[:, 1:])).mean(1)

    def embed(self, images: Float[Array, "batch height width channels"]) -> Float[Array, "batch tokens features"]:
        """The class token and the patches, with their position embeddings, which other sizes read interpolated."""
        patches = self.patches(images)
        batch, rows, columns, width = patches.shape
        positions = self.positions[...]
        side = round((len(positions) - 1) ** 0.5)
        if (rows, columns) != (side, side):
            grid = resized(positions[1:].reshape(side, side, width), rows, columns)
            positions = jnp.concatenate([positions[:1], grid.reshape(-1, width)])
        first = jnp.broadcast_to(self.cls[...] + positions[0], (batch, 1, width)).astype(patches.dtype)
        rest = patches.reshape(batch, -1, width) + positions[1:].astype(patches.dtype)
        return jnp.concatenate([first, rest], axis=1)

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """The blocks, first to last; the last LayerNorm is in none, since an affine head makes up for it."""
        return [("blocks", i) for i in range(len(self.blocks))]
