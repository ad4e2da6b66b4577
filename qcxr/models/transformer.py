"""The parts of a Vision Transformer's block: affine maps, LayerNorm, attention, MLP (Dosovitskiy et al., 2010.11929).

Parameters are float32; products are computed in the network's type, LayerNorm and softmax in float32.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax
from jaxtyping import Array, Float

from qcxr.models.layers import ACTIVATIONS, Numerics, widened

SPREAD = 0.02  # standard deviation of what is drawn, as in Hugging Face's ViT


@dataclass(frozen=True)
class Drawing:
    """How the layers of one network are made: its numerics, and what draws its arrays (without it, they are zeros)."""

    numerics: Numerics
    rng: np.random.Generator | None

    def normal(self, *shape: int) -> nnx.Param:
        """An array of that shape, normal with Hugging Face's spread."""
        drawn = np.zeros(shape, np.float32) if self.rng is None else self.rng.standard_normal(shape, np.float32)
        return nnx.Param(jax.device_put(drawn * np.float32(SPREAD)))

    @staticmethod
    def constant(size: int, value: float) -> nnx.Param:
        """A vector of one value."""
        return nnx.Param(jax.device_put(np.full(size, value, np.float32)))


class Affine(nnx.Module):
    """x @ kernel + bias, in the type of x; `columns` are those of the outputs that are wanted."""

    def __init__(self, n_in: int, n_out: int, drawing: Drawing, *, bias: bool = True) -> None:
        self.kernel = drawing.normal(n_in, n_out)
        self.bias = drawing.constant(n_out, 0.0) if bias else None

    def __call__(
        self, x: Float[Array, "*batch inputs"], columns: slice = slice(None)
    ) -> Float[Array, "*batch outputs"]:
        # Two axes, so that the kernel's gradient is a plain matrix product too.
        kernel = self.kernel[...][:, columns].astype(x.dtype)
        y = (x.reshape(-1, x.shape[-1]) @ kernel).reshape(*x.shape[:-1], -1)
        return y if self.bias is None else y + self.bias[...][columns].astype(x.dtype)


class LayerNorm(nnx.Module):
    """Layer normalisation over channels (Ba et al., arXiv 1607.06450), in float32."""

    def __init__(self, channels: int, *, epsilon: float) -> None:
        self.scale = Drawing.constant(channels, 1.0)
        self.bias = Drawing.constant(channels, 0.0)
        self.epsilon = epsilon

    def __call__(self, x: Float[Array, "*batch channels"]) -> Float[Array, "*batch channels"]:
        wide = widened(x)
        centred = wide - wide.mean(-1, keepdims=True)
        inverse = lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + self.epsilon)
        return (centred * inverse * self.scale[...] + self.bias[...]).astype(x.dtype)


class Attention(nnx.Module):
    """Self-attention of several heads; queries, keys and values come from one product."""

    def __init__(self, width: int, heads: int, drawing: Drawing, *, bias: bool) -> None:
        self.qkv = Affine(width, 3 * width, drawing, bias=bias)
        self.out = Affine(width, width, drawing)
        self.heads = heads

    def __call__(
        self, x: Float[Array, "batch tokens channels"], first: int | None = None
    ) -> Float[Array, "batch read channels"]:
        """What each token reads of all, or with `first` what each of so many first ones does."""
        width = x.shape[-1]
        if first is None:
            q, k, v = self._heads(self.qkv(x))
        else:
            (q,) = self._heads(self.qkv(x[:, :first], slice(width)))
            k, v = self._heads(self.qkv(x, slice(width, None)))
        scores = widened(lax.dot_general(q * (width // self.heads) ** -0.5, k, (((3,), (3,)), ((0, 1), (0, 1)))))
        weights = jnp.exp(scores - lax.stop_gradient(scores.max(-1, keepdims=True)))
        # divided last: by then there are fewer numbers than weights
        read = widened(lax.dot_general(weights.astype(x.dtype), v, (((3,), (2,)), ((0, 1), (0, 1)))))
        read = (read / weights.sum(-1, keepdims=True)).astype(x.dtype)
        return self.out(read.swapaxes(1, 2).reshape(*q.shape[:1], -1, width))

    def _heads(self, x: Float[Array, "batch tokens parts"]) -> Float[Array, "kinds batch heads tokens width"]:
        width = self.out.kernel.shape[0]
        return x.reshape(*x.shape[:2], -1, self.heads, width // self.heads).transpose(2, 0, 3, 1, 4)


class Perceptron(nnx.Module):
    """The MLP of a block; gated, its inner product has two halves, and silu of the first weighs the second."""

    def __init__(self, width: int, inner: int, drawing: Drawing, *, activation: str, gated: bool) -> None:
        self.inner = Affine(width, 2 * inner if gated else inner, drawing)
        self.outer = Affine(inner, width, drawing)
        self.activation = activation
        self.gated = gated

    def __call__(self, x: Float[Array, "batch tokens channels"]) -> Float[Array, "batch tokens channels"]:
        y = self.inner(x)
        if self.gated:
            gate, value = jnp.split(y, 2, axis=-1)
            return self.outer(jax.nn.silu(gate) * value)
        return self.outer(ACTIVATIONS[self.activation](y))
