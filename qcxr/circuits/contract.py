"""A product of arrays in full precision on every device."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Inexact

_HIGHEST = jax.lax.Precision.HIGHEST


def contract(subscripts: str, *arrays: Inexact[Array, "..."] | Inexact[np.ndarray, "..."]) -> Any:
    """`einsum`; of NumPy arrays alone it is a NumPy array, so that constants stay constants.

    Recent GPUs multiply float32 matrices in TF32 unless told otherwise: ten bits, an error of 1e-3 in a circuit's
    gradient, as large as some gradients are. A test looks for dots without this precision in every engine.
    """
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np.einsum(subscripts, *arrays)
    return jnp.einsum(subscripts, *arrays, precision=_HIGHEST)
