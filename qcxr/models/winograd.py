"""3 x 3 convolution at stride 1 by Winograd's F(2 x 2, 3 x 3): 16 matrix products in place of 36 (arXiv 1509.09308).

Each 4 x 4 tile of the padded image gives a 2 x 2 tile of the output. Both gradients have the same form, and the
backward pass computes the image's transform again, so that only image and kernel are kept. Float32: the transforms
cost about one more decimal of rounding than a direct sum.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Grid = list[list[jax.Array]]  # transformed tiles, by their place (row, column) in the tile


@jax.custom_vjp
def winograd(
    images: Float[Array, "batch height width channels"], kernel: Float[Array, "3 3 channels channels_out"]
) -> Float[Array, "batch height width channels_out"]:
    """Cross-correlate images, with a border of one zero, with the kernel."""
    batch, height, width, _ = images.shape
    transformed = _image_transform(images)
    weights = _twice(_kernel_1d, [[kernel[i, j] for j in range(3)] for i in range(3)])
    products = [[v @ u for v, u in zip(*row, strict=True)] for row in zip(transformed, weights, strict=True)]
    tiles = _twice(_output_1d, products)
    rows, columns = _tiles(height), _tiles(width)
    stacked = jnp.stack([jnp.stack(row, 1) for row in tiles], 1).reshape(batch, rows, columns, 2, 2, -1)
    whole = stacked.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * rows, 2 * columns, kernel.shape[-1])
    return whole[:, :height, :width]


def _forward(images: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return winograd(images, kernel), (images, kernel)


def _backward(saved: tuple[jax.Array, jax.Array], cotangent: jax.Array) -> tuple[jax.Array, jax.Array]:
    images, kernel = saved
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    transformed = _image_transform(images)
    pulled = _twice(_output_adjoint_1d, _cut(cotangent, offset=0, size=2))
    products = [[v.T @ m for v, m in zip(*row, strict=True)] for row in zip(transformed, pulled, strict=True)]
    gradient = _twice(_kernel_adjoint_1d, products)
    return winograd(cotangent, turned), jnp.stack([jnp.stack(row) for row in gradient])


winograd.defvjp(_forward, _backward)


def _tiles(length: int) -> int:
    return -(-length // 2)


def _cut(images: jax.Array, *, offset: int, size: int) -> Grid:
    """Every `size` x `size` tile at steps of 2, from `offset` before the image: (tiles, C) for each place in it."""
    _, height, width, channels = images.shape
    rows, columns = _tiles(height), _tiles(width)
    after = size - 2 - offset
    padding = ((offset, 2 * rows - height + after), (offset, 2 * columns - width + after))
    padded = jnp.pad(images, ((0, 0), *padding, (0, 0)))
    return [
        [padded[:, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2].reshape(-1, channels) for j in range(size)]
        for i in range(size)
    ]


def _image_transform(images: jax.Array) -> Grid:
    return _twice(_image_1d, _cut(images, offset=1, size=4))


def _twice(transform: Callable[[Sequence[jax.Array]], list[jax.Array]], grid: Grid) -> Grid:
    """Apply a 1-D transform along the columns of a grid, then along its rows."""
    columns = [transform(column) for column in zip(*grid, strict=True)]
    return [transform(row) for row in zip(*columns, strict=True)]


def _image_1d(d: Sequence[jax.Array]) -> list[jax.Array]:
    return [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]


def _kernel_1d(k: Sequence[jax.Array]) -> list[jax.Array]:
    outer = (k[0] + k[2]) / 2
    return [k[0], outer + k[1] / 2, outer - k[1] / 2, k[2]]


def _kernel_adjoint_1d(u: Sequence[jax.Array]) -> list[jax.Array]:
    inner = (u[1] + u[2]) / 2
    return [u[0] + inner, (u[1] - u[2]) / 2, u[3] + inner]


def _output_1d(m: Sequence[jax.Array]) -> list[jax.Array]:
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]


def _output_adjoint_1d(y: Sequence[jax.Array]) -> list[jax.Array]:
    return [y[0], y[0] + y[1], y[0] - y[1], -y[1]]
