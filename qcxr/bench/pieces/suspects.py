"""Two ways of doing the same, each in jit on the device, in turns: what reading the code suspects of costing time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from qcxr.bench.pieces import hosted
from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Once, Row, reason, rotate, rows
from qcxr.data.augment import IMAGENET_MEAN, IMAGENET_STD, normalise
from qcxr.models.convolution import convolve
from qcxr.models.layers import BatchNorm

Makers = Mapping[str, Callable[[], Once]]


def suspects(size: Size) -> Iterator[Row]:
    """Value and gradient of each way, then what waits for the host."""
    for title, makers in {**_on_device(size), **hosted.pairs(size)}.items():
        try:
            found = rotate(makers(), repeats=size.repeats, seconds=size.seconds, compared=True)
        except Exception as error:  # that suspect's row alone
            yield reason(title, error)
            continue
        yield from rows(found, title)


def _on_device(size: Size) -> dict[str, Callable[[], Makers]]:
    side, channels, batch = size.parts
    return {
        f"depthwise 3 x 3, {side} x {side} x {channels}": partial(_depthwise, side, channels, batch, 3),
        f"depthwise 5 x 5, {side // 2} x {side // 2} x {channels}": partial(_depthwise, side // 2, channels, batch, 5),
        f"BatchNorm in training, {side} x {side} x {channels}": partial(_batch_norm, side, channels, batch),
        f"stem 7 x 7 on gray films of {size.pixels}": partial(_stem, size.pixels, batch),
        f"1 x 1 of stride 2, {side} x {side} x {channels}": partial(_strided, side, channels, batch),
    }


def _drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _sloped(of: Callable[..., jax.Array], *arrays: Any) -> Callable[[], Once]:
    """A maker of value and gradient of the mean square of `of`, with respect to all arrays of floats."""

    def made() -> Once:
        resident = jax.device_put(arrays)
        by = tuple(k for k, array in enumerate(resident) if jnp.issubdtype(array.dtype, jnp.floating))
        step = jax.jit(jax.value_and_grad(lambda *xs: jnp.square(of(*xs)).mean(), by))
        return lambda: step(*resident)

    return made


def _depthwise(side: int, channels: int, batch: int, kernel: int) -> Makers:
    arrays = _drawn(batch, side, side, channels), _drawn(kernel, kernel, 1, channels)
    padding = ((kernel // 2,) * 2,) * 2
    forms = {"grouped convolution": "direct", "shifted products": "depthwise"}
    return {name: _sloped(partial(convolve, padding=padding, form=form), *arrays) for name, form in forms.items()}


def _strided(side: int, channels: int, batch: int) -> Makers:
    arrays = _drawn(batch, side, side, channels), _drawn(1, 1, channels, 2 * channels)
    forms = {"slice and product": "product", "convolution": "direct"}
    return {name: _sloped(partial(convolve, stride=2, form=form), *arrays) for name, form in forms.items()}


def _batch_norm(side: int, channels: int, batch: int) -> Makers:
    x, scale, bias = _drawn(batch, side, side, channels), np.ones(channels, np.float32), np.zeros(channels, np.float32)
    weight = jnp.asarray(
        _drawn(1, side, side, channels)
    )  # a plain mean of squares has no gradient through a normalisation

    def two(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
        norm = BatchNorm(channels, mode="batch")
        norm.scale[...], norm.bias[...] = scale, bias
        return weight * norm.normalise(x, None)

    def one(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
        mean, square = x.mean((0, 1, 2)), jnp.square(x).mean((0, 1, 2))
        scaled = scale * lax.rsqrt(square - jnp.square(mean) + 1e-5)
        return weight * (x * scaled + (bias - mean * scaled))

    return {"mean, then variance": _sloped(two, x, scale, bias), "both in one pass": _sloped(one, x, scale, bias)}


def _stem(side: int, batch: int) -> Makers:
    gray = np.random.default_rng(0).integers(0, 256, (batch, side, side), np.uint8)
    kernel = _drawn(7, 7, 3, 64) / 12
    mean, std = np.asarray(IMAGENET_MEAN, np.float32), np.asarray(IMAGENET_STD, np.float32)
    conv = partial(convolve, stride=2, padding=((3, 3), (3, 3)), form="direct")

    def three(gray: jax.Array, kernel: jax.Array) -> jax.Array:
        return conv(normalise(gray, mean=IMAGENET_MEAN, std=IMAGENET_STD), kernel)

    def folded(gray: jax.Array, kernel: jax.Array) -> jax.Array:
        per_channel = kernel / std[:, None]
        narrow = per_channel.sum(2, keepdims=True) / 255
        # the zeros around a film are zeros after normalisation: what the mean takes away depends on the place
        shift = conv(jnp.ones((1, side, side, 1)), (per_channel * mean[:, None]).sum(2, keepdims=True))
        return conv(gray[..., None].astype(jnp.float32), narrow) - shift

    return {"three copies": _sloped(three, gray, kernel), "folded, one channel": _sloped(folded, gray, kernel)}
