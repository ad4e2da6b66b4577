"""Batch plans: every film once, one shape, shuffled by (seed, epoch) and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcxr.data.batches import order, plan
from qcxr.errors import InputError


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 300), batch_size=st.integers(1, 70), seed=st.integers(0, 10), epoch=st.integers(0, 10))
def test_every_film_exactly_once(n, batch_size, seed, epoch):
    rows, mask = plan(order(seed, epoch, n), batch_size)
    assert rows.shape == mask.shape == (-(-n // batch_size), batch_size)
    assert rows.dtype == np.int32
    assert mask.dtype == np.bool_
    assert sorted(rows[mask]) == list(range(n))
    assert (rows[~mask] == 0).all()
    assert mask.ravel()[:n].all()


def test_order_depends_on_seed_and_epoch_only():
    np.testing.assert_array_equal(order(3, 5, 1000), order(3, 5, 1000))
    others = [order(3, 6, 1000), order(4, 5, 1000), order(5, 3, 1000)]
    assert all((order(3, 5, 1000) != other).mean() > 0.9 for other in others)


def test_evaluation_plan_keeps_the_order():
    rows, mask = plan(np.arange(5), 4)
    np.testing.assert_array_equal(rows, [[0, 1, 2, 3], [4, 0, 0, 0]])
    np.testing.assert_array_equal(mask, [[True] * 4, [True, False, False, False]])


def test_bad_arguments(unchecked):
    with pytest.raises(InputError, match=r"batch_size must be >= 1, got 0; set train.batch_size"):
        plan(np.arange(5), 0)
    with pytest.raises(InputError, match=r"at least one film"):
        order(0, 0, 0)
    with pytest.raises(InputError, match=r"seed and epoch must be >= 0, got -1 and 0"):
        order(-1, 0, 5)
    with pytest.raises(ValueError, match=r"1-d array"):
        plan(np.zeros((2, 2), np.int32), 2)
