"""Depthwise convolution as a sum of shifted products: elementwise work that the compiler fuses."""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from qcxr.models.patches import Padding


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def depthwise(
    images: Float[Array, "batch height width channels"],
    kernel: Float[Array, "rows columns 1 channels"],
    stride: int,
    padding: Padding,
) -> Float[Array, "batch height_out width_out channels"]:
    """Cross-correlate each channel of images with its own kernel."""
    taps = _taps(images, kernel.shape[:2], stride, padding)
    return sum(tap * weight for tap, weight in zip(taps, kernel.reshape(-1, kernel.shape[-1]), strict=True))


def _taps(images: jax.Array, size: tuple[int, ...], stride: int, padding: Padding) -> list[jax.Array]:
    padded = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    rows, columns = ((padded.shape[axis + 1] - size[axis]) // stride for axis in (0, 1))
    return [
        padded[:, i : i + rows * stride + 1 : stride, j : j + columns * stride + 1 : stride]
        for i in range(size[0])
        for j in range(size[1])
    ]


def _forward(
    images: jax.Array, kernel: jax.Array, stride: int, padding: Padding
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return depthwise(images, kernel, stride, padding), (images, kernel)


def _backward(
    stride: int, padding: Padding, saved: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = saved
    taps = _taps(images, kernel.shape[:2], stride, padding)
    gradient = jnp.stack([(tap * cotangent).sum((0, 1, 2)) for tap in taps]).reshape(kernel.shape)
    # The image's gradient is the same convolution of the cotangent, spread out by the stride, with the turned kernel.
    height, width = kernel.shape[:2]
    spread = _spread(cotangent, images.shape, kernel.shape, stride, padding)
    return depthwise(spread, kernel[::-1, ::-1], 1, ((height - 1,) * 2, (width - 1,) * 2))[
        :, padding[0][0] : padding[0][0] + images.shape[1], padding[1][0] : padding[1][0] + images.shape[2]
    ], gradient


def _spread(
    cotangent: jax.Array, image_shape: tuple[int, ...], kernel_shape: tuple[int, ...], stride: int, padding: Padding
) -> jax.Array:
    """The cotangent on the padded image's grid: zeros between the strides and after the last one."""
    config = [(0, 0, 0)]
    for axis in (0, 1):
        padded = image_shape[axis + 1] + sum(padding[axis])
        used = (cotangent.shape[axis + 1] - 1) * stride + 1
        config.append((0, padded - kernel_shape[axis] + 1 - used, stride - 1))
    return jax.lax.pad(cotangent, jnp.zeros((), cotangent.dtype), (*config, (0, 0, 0)))


depthwise.defvjp(_forward, _backward)
