"""Depthwise convolution as a sum of shifted products: elementwise work that the compiler fuses."""

from functools import partial

import jax
import jax.numpy as jnp

from qcxr.models.patches import Padding


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def depthwise(images: jax.Array, kernel: jax.Array, stride: int, padding: Padding) -> jax.Array:
    """Images (B, H, W, C) and kernel (kh, kw, 1, C) -> (B, H', W', C)."""
    taps = _taps(images, kernel.shape[:2], stride, padding)
    return sum(tap * weight for tap, weight in zip(taps, kernel.reshape(-1, kernel.shape[-1]), strict=True))


def _taps(images, size, stride, padding) -> list[jax.Array]:
    padded = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    rows, columns = ((padded.shape[axis + 1] - size[axis]) // stride for axis in (0, 1))
    return [
        padded[:, i : i + rows * stride + 1 : stride, j : j + columns * stride + 1 : stride]
        for i in range(size[0])
        for j in range(size[1])
    ]


def _forward(images, kernel, stride, padding):
    return depthwise(images, kernel, stride, padding), (images, kernel)


def _backward(stride, padding, saved, cotangent):
    images, kernel = saved
    taps = _taps(images, kernel.shape[:2], stride, padding)
    gradient = jnp.stack([(tap * cotangent).sum((0, 1, 2)) for tap in taps]).reshape(kernel.shape)
    # The image's gradient is the same convolution of the cotangent, spread out by the stride, with the turned kernel.
    height, width = kernel.shape[:2]
    spread = _spread(cotangent, images.shape, kernel.shape, stride, padding)
    return depthwise(spread, kernel[::-1, ::-1], 1, ((height - 1,) * 2, (width - 1,) * 2))[
        :, padding[0][0] : padding[0][0] + images.shape[1], padding[1][0] : padding[1][0] + images.shape[2]
    ], gradient


def _spread(cotangent, image_shape, kernel_shape, stride, padding) -> jax.Array:
    """The cotangent on the padded image's grid: zeros between the strides and after the last one."""
    config = [(0, 0, 0)]
    for axis in (0, 1):
        padded = image_shape[axis + 1] + sum(padding[axis])
        used = (cotangent.shape[axis + 1] - 1) * stride + 1
        config.append((0, padded - kernel_shape[axis] + 1 - used, stride - 1))
    return jax.lax.pad(cotangent, jnp.zeros((), cotangent.dtype), (*config, (0, 0, 0)))


depthwise.defvjp(_forward, _backward)
