"""2-D convolution of channels-last images, in the form that is fastest for its shape and device.

On a GPU every form is the library's own convolution. On the CPU XLA's convolution is good forward and poor backward
(its weight gradients above all), so there, in float32, other forms win; measured times are in docs/models.md.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from qcxr.models.depthwise import depthwise
from qcxr.models.patches import Padding, patch_product
from qcxr.models.winograd import winograd

NARROW = 16  # with fewer input channels, a matrix product per tap is too thin to pay
SMALL = 2**27  # with fewer multiply-adds, the other forms save less than their compilation (seconds each) costs


def convolve(
    images: Float[Array, "batch height width channels"],
    kernel: Float[Array, "rows columns group_channels channels_out"],
    *,
    stride: int = 1,
    padding: Padding = ((0, 0), (0, 0)),
    form: str | None = None,
) -> Float[Array, "batch height_out width_out channels_out"]:
    """Cross-correlate images with the kernel, in as many groups of channels as their shapes tell.

    `form` overrides the choice of `fastest_form`.
    """
    if form is not None:
        return _convolved(form, stride, padding, images, kernel)
    form = fastest_form(images.shape, kernel.shape, stride, padding, images.dtype)
    if form in ("product", "direct"):
        return _convolved(form, stride, padding, images, kernel)
    on_cpu = partial(_convolved, form, stride, padding)
    found: jax.Array = lax.platform_dependent(images, kernel, cpu=on_cpu, default=partial(_direct, stride, padding))
    return found


def _convolved(form: str, stride: int, padding: Padding, images: jax.Array, kernel: jax.Array) -> jax.Array:
    match form:
        case "product":
            seen = images[:, ::stride, ::stride]
            # Two axes, not four: so the kernel's gradient is a plain matrix product too.
            return (seen.reshape(-1, seen.shape[-1]) @ kernel[0, 0]).reshape(*seen.shape[:-1], -1)
        case "winograd":
            return winograd(images, kernel)
        case "patches":
            return patch_product(images, kernel, stride, padding)
        case "depthwise":
            return depthwise(images, kernel, stride, padding)
        case "taps":
            return _direct_taps(images, kernel, stride, padding)
    return _direct(stride, padding, images, kernel)


def fastest_form(
    images: tuple[int, ...], kernel: tuple[int, ...], stride: int, padding: Padding, dtype: DTypeLike
) -> str:
    """`product`, `winograd`, `patches`, `taps`, `depthwise` or `direct` for these shapes on a CPU.

    Elsewhere it is `product` where it is here, and else `direct`.
    """
    batch, height, width, channels = images
    size, _, per_group, channels_out = kernel
    if size == 1 and per_group == channels and not any(map(any, padding)):
        return "product"
    if dtype != jnp.float32:
        return "direct"
    if per_group == 1 and channels == channels_out > 1:
        return "depthwise"
    work = batch * -(-height // stride) * -(-width // stride) * size * size * channels * channels_out
    if per_group != channels or channels < NARROW or work < SMALL:
        return "direct"
    if size == 3 and stride == 1 and padding == ((1, 1), (1, 1)):
        # The kernel's transform costs as much as the products of so many tiles: too few tiles do not repay it.
        tiles = batch * -(-height // 2) * -(-width // 2)
        return "winograd" if tiles >= max(channels, channels_out) else "patches"
    return "taps"


def _direct(stride: int, padding: Padding, images: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=(stride, stride),
        padding=padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=images.shape[-1] // kernel.shape[2],
    )


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _direct_taps(images: jax.Array, kernel: jax.Array, stride: int, padding: Padding) -> jax.Array:
    """The library's convolution, with the kernel's gradient as one matrix product per tap."""
    return _direct(stride, padding, images, kernel)


def _forward(
    images: jax.Array, kernel: jax.Array, stride: int, padding: Padding
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _direct(stride, padding, images, kernel), (images, kernel)


def _backward(
    stride: int, padding: Padding, saved: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = saved
    height, width, channels, channels_out = kernel.shape
    rows, columns = cotangent.shape[1:3]
    padded = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    flat = cotangent.reshape(-1, channels_out)

    def tap(i: int, j: int) -> jax.Array:
        seen = padded[:, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]
        return seen.reshape(-1, channels).T @ flat

    gradient = jnp.stack([tap(i, j) for i in range(height) for j in range(width)]).reshape(kernel.shape)
    (pulled,) = jax.vjp(lambda x: _direct(stride, padding, x, kernel), images)[1](cotangent)
    return pulled, gradient


_direct_taps.defvjp(_forward, _backward)
