"""Augmentation and normalisation of a batch, inside the compiled step (paper, section III-F).

A film's augmentation is a function of (seed, epoch, film row) alone: neither the batch it falls into, nor the head,
the threads or the number of devices change it, so runs of one seed are paired.
"""

import math
from collections.abc import Sequence
from functools import partial

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Integer, Key, UInt8

from qcxr.data.rotate import rotate
from qcxr.errors import InputError

# ImageNet statistics, as in the image processor of microsoft/resnet-50
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Whole = int | np.integer | Integer[Array, ""]
GrayFilms = UInt8[Array | np.ndarray, "films height width"] | Float[Array | np.ndarray, "films height width"]

UNITS = {"degrees": math.pi / 180, "radians": 1.0}


def film_keys(seed: Whole, epoch: Whole, rows: Integer[Array | np.ndarray, " films"]) -> Key[Array, " films"]:
    """One key per film: fold_in(fold_in(key(seed), epoch), row). `rows` are rows of the packed split."""
    return _film_keys(seed, epoch, jnp.asarray(rows))


def augment(
    images: GrayFilms,
    keys: Key[Array, " films"],
    *,
    flip: float = 0.5,
    rotation: float = 15.0,
    unit: str = "degrees",
    fill: float | str = 0.0,
) -> Float32[Array, "films height width"]:
    """Random horizontal flip, then random rotation about the centre, of gray films.

    images: gray levels in [0, 255]. keys: from `film_keys`.
    flip: the probability. rotation: the angle is uniform in [-rotation, rotation] `unit`s; bilinear.
    unit: "degrees", or "radians", which repeats the authors' published code (`dm_pix.rotate` takes radians and was
        given +-15, so films were turned by any angle).
    fill: gray level outside the film (0, black, is what a collimated film shows there and what torchvision fills
        with), or "edge" (dm_pix's default): the border's pixels drawn out.
    """
    check_augmentation(flip=flip, rotation=rotation, unit=unit, fill=fill)
    if images.ndim != 3 or keys.shape != images.shape[:1]:
        raise ValueError(f"images must be (B, H, W) and keys (B,), got {images.shape} and {keys.shape}")
    largest = float(rotation) * UNITS[unit]
    return _augment(jnp.asarray(images), keys, flip=float(flip), largest=largest, fill=fill)


def normalise(
    images: GrayFilms, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD
) -> Float32[Array, "films height width channels"]:
    """Gray levels in [0, 255] as the backbone reads them: once for each mean, 3 times or once; (x / 255 - mean) / std.

    Equal to the Hugging Face processor's output up to float32 rounding.
    """
    means, stds = jnp.asarray(mean, jnp.float32), jnp.asarray(std, jnp.float32)
    if images.ndim != 3 or means.shape not in ((1,), (3,)) or stds.shape != means.shape:
        shapes = f"{images.shape}, {means.shape}, {stds.shape}"
        raise ValueError(f"images must be (B, H, W), mean and std (3,) or (1,), got {shapes}")
    return _normalise(jnp.asarray(images), means, stds)


def check_augmentation(*, flip: float, rotation: float, unit: str, fill: float | str) -> None:
    """Raises InputError for a probability outside [0, 1], a negative angle, an unknown unit or fill."""
    if not 0 <= flip <= 1:
        raise InputError(f"flip must be a probability in [0, 1], got {flip!r}; set augment.flip in the config")
    if not rotation >= 0:
        raise InputError(f"rotation must be >= 0, got {rotation!r}; set augment.rotation in the config")
    if unit not in UNITS:
        raise InputError(f"unit must be one of {', '.join(UNITS)}, got {unit!r}; set augment.unit in the config")
    if fill != "edge" and (isinstance(fill, str) or not 0 <= fill <= 255):
        raise InputError(f"fill must be a gray level in [0, 255] or 'edge', got {fill!r}; set augment.fill")


# Compiled, so that a call outside of a compiled step costs one dispatch; inside of one they are inlined.


@jax.jit
def _film_keys(seed: jax.Array, epoch: jax.Array, rows: jax.Array) -> jax.Array:
    epoch_key = jax.random.fold_in(jax.random.key(seed), epoch)
    return jax.vmap(lambda row: jax.random.fold_in(epoch_key, row))(rows)


@partial(jax.jit, static_argnames=("flip", "largest", "fill"))
def _augment(images: jax.Array, keys: jax.Array, *, flip: float, largest: float, fill: float | str) -> jax.Array:
    def one(image: jax.Array, key: jax.Array) -> jax.Array:
        flip_key, angle_key = jax.random.split(key)
        mirrored = dm_pix.flip_left_right(image[..., None])[..., 0]
        image = jnp.where(jax.random.bernoulli(flip_key, flip), mirrored, image)
        if largest == 0:
            return image
        return rotate(image, jax.random.uniform(angle_key, minval=-largest, maxval=largest), fill=fill)

    return jax.vmap(one)(images.astype(jnp.float32), keys)


@jax.jit
def _normalise(images: jax.Array, mean: jax.Array, std: jax.Array) -> jax.Array:
    mean, std = mean.reshape(1, 1, 1, -1), std.reshape(1, 1, 1, -1)
    return (images.astype(jnp.float32)[..., None] / 255 - mean) / std
