"""Position embeddings of one grid of patches read on another: bicubic, as torch's `interpolate` does.

The map is linear in the embeddings and separable, so it is two small matrices, known before anything is compiled.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

SHARPNESS = -0.75  # of the cubic, as torch has it (Keys 1981 has -0.5)


def resized(
    grid: Float[Array, "rows columns channels"], rows: int, columns: int
) -> Float[Array, "new_rows new_columns channels"]:
    """The grid's values on another one of the same extent: corners not aligned, no antialiasing, the border repeated.

    Equal to `torch.nn.functional.interpolate(mode="bicubic", align_corners=False)` up to rounding.
    """
    down, across = (cubic(old, new) for old, new in zip(grid.shape[:2], (rows, columns), strict=True))
    wide = jnp.einsum("nc,rcf->rnf", across, grid, precision="highest")
    return jnp.einsum("mr,rnf->mnf", down, wide, precision="highest")


def cubic(old: int, new: int) -> Float[np.ndarray, "new old"]:
    """The matrix that reads `old` samples at `new` places: cubic convolution of the four nearest (Keys 1981)."""
    places = (np.arange(new) + 0.5) * old / new - 0.5
    nearest = np.floor(places).astype(int)
    weights = np.zeros((new, old))
    for step in (-1, 0, 1, 2):
        at = np.clip(nearest + step, 0, old - 1)
        np.add.at(weights, (np.arange(new), at), _kernel(np.abs(places - (nearest + step))))
    return weights.astype(np.float32)


def _kernel(distance: Float[np.ndarray, " places"]) -> Float[np.ndarray, " places"]:
    a, d = SHARPNESS, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
