"""Which films form which batch: shuffled by (seed, epoch), always of one shape, padding told by a mask."""

import numpy as np
from jaxtyping import Bool, Int32, Integer

from qcxr.errors import InputError


def order(seed: int, epoch: int, n: int) -> Int32[np.ndarray, " {n}"]:
    """The films' order in an epoch: a permutation of 0 .. n-1, a function of its arguments alone.

    NumPy's PCG64 on the host: no device, thread count or JAX version takes part.
    """
    if n < 1:
        raise InputError(f"an epoch needs at least one film, got {n}")
    if seed < 0 or epoch < 0:
        raise InputError(f"seed and epoch must be >= 0, got {seed} and {epoch}")
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(n).astype(np.int32)


def plan(
    order: Integer[np.ndarray, " films"], batch_size: int
) -> tuple[Int32[np.ndarray, "steps {batch_size}"], Bool[np.ndarray, "steps {batch_size}"]]:
    """Cut an order of films into ceil(films / batch_size) batches of one shape: rows and mask.

    The last batch is filled up with row 0 under mask False; a padded row must change nothing downstream.
    For evaluation pass `np.arange(n)`.
    """
    order = np.asarray(order)
    if batch_size < 1:
        raise InputError(f"batch_size must be >= 1, got {batch_size}; set train.batch_size in the config")
    if order.ndim != 1 or not len(order) or not np.issubdtype(order.dtype, np.integer):
        raise ValueError(f"order must be a non-empty 1-d array of rows, got {order.dtype} {order.shape}")
    steps = -(-len(order) // batch_size)
    rows = np.zeros(steps * batch_size, np.int32)
    rows[: len(order)] = order
    mask = np.arange(steps * batch_size) < len(order)
    return rows.reshape(steps, batch_size), mask.reshape(steps, batch_size)
