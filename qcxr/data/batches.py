"""Which films form which batch: shuffled by (seed, epoch), always of one shape, padding told by a mask."""

import numpy as np

from qcxr.errors import InputError


def order(seed: int, epoch: int, n: int) -> np.ndarray:
    """The films' order in an epoch: a permutation of 0 .. n-1, int32 (n,), a function of its arguments alone.

    NumPy's PCG64 on the host: no device, thread count or JAX version takes part.
    """
    if n < 1:
        raise InputError(f"an epoch needs at least one film, got {n}")
    if seed < 0 or epoch < 0:
        raise InputError(f"seed and epoch must be >= 0, got {seed} and {epoch}")
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(n).astype(np.int32)


def plan(order: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut an order of films into batches of one shape: rows int32 (S, B) and mask bool (S, B), S = ceil(n / B).

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
