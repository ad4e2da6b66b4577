"""Batches over four devices in a process of its own (the device count is fixed when JAX starts)."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qcxr.data.augment import augment, film_keys
from qcxr.data.batches import order, plan
from qcxr.data.feed import feed
from qcxr.data.split import Split

if __name__ == "__main__":
    assert jax.device_count() == 4
    rng = np.random.default_rng(0)
    n = 21
    split = Split(
        images=rng.integers(0, 256, (n, 30, 30), dtype=np.uint8),
        image_ids=("x",) * n,
        patient_ids=("x",) * n,
        labels=("Mass",),
        targets=np.arange(n, dtype=np.float32)[:, None],
        covered=np.ones((n, 1), bool),
        about={},
    )
    rows, mask = plan(order(0, 0, n), 8)
    one = [
        augment(batch.images, film_keys(1, 2, batch.rows))
        for batch in feed(split, residency="host").batches(rows, mask)
    ]
    sharding = NamedSharding(Mesh(jax.devices(), ("batch",)), PartitionSpec("batch"))
    step = jax.jit(lambda batch: augment(batch.images, film_keys(1, 2, batch.rows)))
    for residency in ("device", "host"):
        batches = list(feed(split, residency=residency, sharding=sharding).batches(rows, mask))
        assert len(batches) == 3
        for batch, expected, step_rows in zip(batches, one, rows, strict=True):
            assert len(batch.images.sharding.device_set) == 4
            assert batch.images.addressable_shards[0].data.shape == (2, 30, 30)
            np.testing.assert_array_equal(batch.targets[:, 0], step_rows)
            np.testing.assert_array_equal(step(batch), expected)
            assert jnp.sum(batch.mask) == jnp.sum(step(batch).any(axis=(1, 2)) & batch.mask)
    print("equal")
