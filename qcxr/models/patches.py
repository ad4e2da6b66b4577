"""Convolution as one matrix product over the patches of the image (im2col), which are never kept for later."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

Padding = tuple[tuple[int, int], tuple[int, int]]


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def patch_product(images: jax.Array, kernel: jax.Array, stride: int, padding: Padding) -> jax.Array:
    """Images (B, H, W, C) and kernel (kh, kw, C, D) -> (B, H', W', D)."""
    patches = extract(images, kernel.shape[0], kernel.shape[1], stride, padding)
    return patches @ kernel.reshape(-1, kernel.shape[-1])


def _forward(images, kernel, stride, padding):
    return patch_product(images, kernel, stride, padding), (images, kernel)


def _backward(stride, padding, saved, cotangent):
    images, kernel = saved
    height, width, _, channels_out = kernel.shape
    patches, pull = jax.vjp(lambda x: extract(x, height, width, stride, padding), images)
    flat = cotangent.reshape(-1, channels_out)
    gradient = (patches.reshape(len(flat), -1).T @ flat).reshape(kernel.shape)
    if stride > 1:
        return pull(cotangent @ kernel.reshape(-1, channels_out).T)[0], gradient
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    full = tuple((size - 1 - low, size - 1 - high) for size, (low, high) in zip((height, width), padding, strict=True))
    return patch_product(cotangent, turned, 1, full), gradient


patch_product.defvjp(_forward, _backward)


def extract(images: jax.Array, height: int, width: int, stride: int, padding: Padding) -> jax.Array:
    """Patches (B, H', W', kh * kw * C), in the kernel's order."""
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
