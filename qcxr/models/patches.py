"""Convolution as one matrix product over the patches of the image (im2col), which are never kept for later."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

Padding = tuple[tuple[int, int], tuple[int, int]]


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def patch_product(
    images: Float[Array, "batch height width channels"],
    kernel: Float[Array, "rows columns channels channels_out"],
    stride: int,
    padding: Padding,
) -> Float[Array, "batch height_out width_out channels_out"]:
    """Cross-correlate images with the kernel."""
    patches = extract(images, kernel.shape[0], kernel.shape[1], stride, padding)
    return patches @ kernel.reshape(-1, kernel.shape[-1])


def _forward(
    images: jax.Array, kernel: jax.Array, stride: int, padding: Padding
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return patch_product(images, kernel, stride, padding), (images, kernel)


def _backward(
    stride: int, padding: Padding, saved: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = saved
    height, width, _, channels_out = kernel.shape
    patches, pull = jax.vjp(lambda x: extract(x, height, width, stride, padding), images)
    flat = cotangent.reshape(-1, channels_out)
    gradient = (patches.reshape(len(flat), -1).T @ flat).reshape(kernel.shape)
    if stride > 1:
        return pull(cotangent @ kernel.reshape(-1, channels_out).T)[0], gradient
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    (top, bottom), (left, right) = padding
    full = ((height - 1 - top, height - 1 - bottom), (width - 1 - left, width - 1 - right))
    return patch_product(cotangent, turned, 1, full), gradient


patch_product.defvjp(_forward, _backward)


def extract(
    images: Float[Array, "batch rows columns channels"], height: int, width: int, stride: int, padding: Padding
) -> Float[Array, "batch rows_out columns_out {height}*{width}*channels"]:
    """Patches of height x width at every stride, each in the kernel's order."""
    padded = lax.pad(images, jnp.zeros((), images.dtype), ((0, 0, 0), *((*p, 0) for p in padding), (0, 0, 0)))
    rows = (padded.shape[1] - height) // stride + 1
    columns = (padded.shape[2] - width) // stride + 1
    return jnp.concatenate(
        [
            padded[:, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]
            for i in range(height)
            for j in range(width)
        ],
        axis=-1,
    )
