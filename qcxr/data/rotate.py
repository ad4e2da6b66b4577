"""Bilinear rotation of one gray film, equal to `dm_pix.rotate` and some thirty times faster on a CPU.

dm_pix interpolates over all three axes of an (H, W, 1) image: eight gathers per pixel, with their index arrays. In the
plane four are enough. The test compares the two over angles, sizes and fills; what differs is float rounding of the
coordinates (dm_pix rotates about the corner and shifts, this rotates about the centre).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32


def rotate(
    image: Float32[Array, "height width"], angle: Float32[Array, ""], *, fill: float | str = 0.0
) -> Float32[Array, "height width"]:
    """`image` rotated counter-clockwise about its centre by `angle` radians, bilinear.

    fill: the gray level of what comes from outside the film, or "edge" for the nearest pixel of its border
        (dm_pix's modes "constant" and "nearest"). The picture never wraps around.
    """
    if image.ndim != 2:
        raise ValueError(f"image must be (height, width), got shape {image.shape}; use jax.vmap over a batch")
    height, width = image.shape
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    down = jnp.arange(height, dtype=jnp.float32)[:, None] - middle_y
    right = jnp.arange(width, dtype=jnp.float32)[None, :] - middle_x
    # where each pixel of the result comes from
    y = cos * down + sin * right + middle_y
    x = -sin * down + cos * right + middle_x
    # rounding moves a border pixel's own coordinate by up to some 1e-5 past the border: it is still inside
    slack = 1e-4
    inside = (y >= -slack) & (y <= height - 1 + slack) & (x >= -slack) & (x <= width - 1 + slack)
    y, x = jnp.clip(y, 0, height - 1), jnp.clip(x, 0, width - 1)
    top = jnp.minimum(y.astype(jnp.int32), max(height - 2, 0))
    left = jnp.minimum(x.astype(jnp.int32), max(width - 2, 0))
    part_y, part_x = y - top.astype(y.dtype), x - left.astype(x.dtype)
    flat, corner = image.reshape(-1), top * width + left
    # a film one pixel high or wide has no second row or column: its weight is 0, its index stays inside
    below, beside = width if height > 1 else 0, 1 if width > 1 else 0

    def at(index: jax.Array) -> jax.Array:
        return flat.at[index].get(mode="promise_in_bounds")

    upper = (1 - part_x) * at(corner) + part_x * at(corner + beside)
    lower = (1 - part_x) * at(corner + below) + part_x * at(corner + below + beside)
    turned = (1 - part_y) * upper + part_y * lower
    return turned if fill == "edge" else jnp.where(inside, turned, jnp.float32(fill))
