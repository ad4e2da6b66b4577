"""Feeds: device and host residency give the same arrays, each plan row once, on any number of devices."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from qcxr.data.batches import order, plan
from qcxr.data.feed import feed
from qcxr.data.joined import Joined
from qcxr.data.split import Split
from qcxr.errors import InputError


@pytest.fixture
def split():
    rng = np.random.default_rng(0)
    n, labels = 23, 3
    return Split(
        images=rng.integers(0, 256, (n, 6, 5), dtype=np.uint8),
        image_ids=tuple(f"f{i}" for i in range(n)),
        patient_ids=tuple(f"p{i}" for i in range(n)),
        labels=("Mass", "Edema", "Hernia"),
        targets=rng.integers(0, 2, (n, labels)).astype(np.float32),
        covered=np.ones((n, labels), bool),
        about={"split": "train"},
    )


@pytest.mark.parametrize("residency", ["auto", "device", "host"])
def test_batches_are_the_plans_films(split, residency):
    rows, mask = plan(order(0, 0, len(split)), 8)
    batches = list(feed(split, residency=residency).batches(rows, mask))
    assert len(batches) == 3
    for batch, step_rows, step_mask in zip(batches, rows, mask, strict=True):
        np.testing.assert_array_equal(batch.images, split.images[step_rows])
        np.testing.assert_array_equal(batch.targets, split.targets[step_rows])
        np.testing.assert_array_equal(batch.mask, step_mask)
        np.testing.assert_array_equal(batch.rows, step_rows)
        assert batch.images.dtype == np.uint8
        assert all(isinstance(leaf, jax.Array) for leaf in batch)


def test_auto_on_the_cpu_copies_a_small_split_and_reads_the_memory_map_of_a_large_one(split, monkeypatch):
    assert feed(split, residency="auto").residency == "device"
    monkeypatch.setattr("qcxr.data.feed._SMALL", split.images.nbytes - 1)
    assert feed(split, residency="auto").residency == "host"


def test_sharded_over_a_mesh(split):
    mesh = jax.sharding.Mesh(jax.devices()[:1], ("batch",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    rows, mask = plan(np.arange(len(split)), 8)
    for residency in ("device", "host"):
        for batch, step in zip(
            feed(split, residency=residency, sharding=sharding).batches(rows, mask), rows, strict=True
        ):
            np.testing.assert_array_equal(batch.images, split.images[step])
            assert batch.images.sharding.is_equivalent_to(sharding, 3)


def test_four_devices_get_the_films_and_the_augmentation_that_one_gets():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(Path(__file__).with_name("sharded.py"))]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert child.stdout == "equal\n", child.stderr


def test_stopping_early_leaves_no_thread(split):
    rows, mask = plan(np.arange(len(split)), 2)
    batches = feed(split, residency="host").batches(rows, mask)
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("qcxr-feed")]


def test_bad_arguments(split, unchecked):
    with pytest.raises(InputError, match=r"must be one of auto, device, host, got 'gpu'; set resources.residency"):
        feed(split, residency="gpu")
    for residency in ("device", "host"):
        rows, mask = plan(np.arange(len(split) + 1), 8)
        with pytest.raises(ValueError, match=r"rows must be in \[0, 23\), got 0 .. 23"):
            next(feed(split, residency=residency).batches(rows, mask))
        with pytest.raises(ValueError, match=r"a plan is int32"):
            next(feed(split, residency=residency).batches(rows.astype(np.int64), mask))


@pytest.mark.parametrize("residency", ["device", "host"])
def test_films_of_several_sources_and_labels_that_some_do_not_cover(split, residency):
    covered = np.arange(len(split) * 3).reshape(-1, 3) % 4 != 0
    parts = replace(split, images=Joined([split.images[:9], split.images[9:]]), covered=covered)
    rows, mask = plan(order(0, 0, len(split)), 8)
    for batch, step in zip(feed(parts, residency=residency).batches(rows, mask), rows, strict=True):
        np.testing.assert_array_equal(batch.images, split.images[step])
        np.testing.assert_array_equal(batch.targets, np.where(covered, split.targets, np.nan)[step])
