"""Batches on the device: gathered there when the split fits, else from the memory map, ahead of the step."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float32, Int32, UInt8

from qcxr.data.split import Split
from qcxr.errors import InputError

RESIDENCIES = ("auto", "device", "host")
_AHEAD = 2  # batches gathered and sent while the device works
_SHARE = 0.5  # of the device's free memory that `auto` lets a split take
_SMALL = 128 << 20  # bytes of a split that `auto` copies on a CPU: gathering there costs a third of doing it in numpy


class Batch(NamedTuple):
    """images: films, or a frozen backbone's features of them. targets: NaN where the film's source does not cover the
    label. mask: False for padding. rows: of the split."""

    images: UInt8[Array, "batch height width"] | Float32[Array, "batch views features"]
    targets: Float32[Array, "batch labels"]
    mask: Bool[Array, " batch"]
    rows: Int32[Array, " batch"]


Rows = Int32[np.ndarray, "steps batch"]
Mask = Bool[np.ndarray, "steps batch"]


class Feed:
    """Serves the batches of a plan from a packed split; `DeviceFeed` and `HostFeed` give the same arrays."""

    residency: str

    def batches(self, rows: Rows, mask: Mask) -> Iterator[Batch]:
        """One `Batch` per step of a plan (`batches.plan`)."""
        raise NotImplementedError


class DeviceFeed(Feed):
    """The whole split on the device, batches gathered there by one compiled function."""

    residency = "device"

    def __init__(self, split: Split, *, sharding: jax.sharding.Sharding | None = None) -> None:
        whole = _whole(sharding)
        self._images = place(np.ascontiguousarray(split.images), whole)
        self._targets = place(split.truth, whole)
        self._sharding = sharding
        self._gather = jax.jit(lambda images, targets, rows: (images[rows], targets[rows]), out_shardings=sharding)

    def batches(self, rows: Rows, mask: Mask) -> Iterator[Batch]:
        _check_plan(rows, mask, n=len(self._images))
        for step_rows, step_mask in zip(rows, mask, strict=True):
            step_rows, step_mask = place((step_rows, step_mask), self._sharding)
            images, targets = self._gather(self._images, self._targets, step_rows)
            yield Batch(images, targets, step_mask, step_rows)


class HostFeed(Feed):
    """Batches gathered from the memory map by a thread that stays two batches ahead of the step."""

    residency = "host"

    def __init__(self, split: Split, *, sharding: jax.sharding.Sharding | None = None) -> None:
        self._split, self._truth, self._sharding = split, split.truth, sharding

    def batches(self, rows: Rows, mask: Mask) -> Iterator[Batch]:
        _check_plan(rows, mask, n=len(self._split))
        steps = zip(rows, mask, strict=True)
        with ThreadPoolExecutor(1, thread_name_prefix="qcxr-feed") as thread:
            waiting = [thread.submit(self._gather, *step) for step in _take(steps, _AHEAD)]
            try:
                while waiting:
                    batch = waiting.pop(0).result()
                    waiting += [thread.submit(self._gather, *step) for step in _take(steps, 1)]
                    yield batch
            finally:  # also when the consumer stops early: nothing keeps running
                for future in waiting:
                    future.cancel()

    def _gather(self, rows: Int32[np.ndarray, " batch"], mask: Bool[np.ndarray, " batch"]) -> Batch:
        return Batch(*place((self._split.images[rows], self._truth[rows], mask, rows), self._sharding))


def feed(
    split: Split,
    *,
    residency: str = "auto",
    sharding: jax.sharding.Sharding | None = None,
) -> Feed:
    """How a run reads its split (config `resources.residency`).

    residency: "device" puts the split there once; "host" gathers from the memory map and sends batches ahead;
        "auto" chooses "device" on an accelerator with room (half of its free memory) and, on a CPU, for a small split
        (128 MiB: a frozen backbone's features of some thousand films), else "host": there the memory map *is* device
        memory, shared by all runs.
    sharding: of a batch's first axis over a mesh's devices; None for one device.
    """
    if residency not in RESIDENCIES:
        known = ", ".join(RESIDENCIES)
        raise InputError(f"residency must be one of {known}, got {residency!r}; set resources.residency in the config")
    if residency == "auto":
        residency = "device" if _fits(split, sharding) else "host"
    return (DeviceFeed if residency == "device" else HostFeed)(split, sharding=sharding)


def place(tree: Any, sharding: jax.sharding.Sharding | None) -> Any:
    """Host arrays on the devices of `sharding`; over several hosts each gives its own devices their part."""
    if sharding is None or sharding.is_fully_addressable:
        return jax.device_put(tree, sharding)
    # device_put would make all hosts compare the whole array first
    return jax.tree.map(partial(_parts, sharding), tree)


def _parts(sharding: jax.sharding.Sharding, x: Any) -> jax.Array:
    return jax.make_array_from_callback(np.shape(x), sharding, lambda index: np.asarray(x)[index])


def _fits(split: Split, sharding: jax.sharding.Sharding | None) -> bool:
    own = jax.local_devices()[:1] if sharding is None else sharding.addressable_devices
    devices = sorted(own, key=attrgetter("id"))
    for device in devices:
        if device.platform == "cpu":
            return split.images.nbytes <= _SMALL
        stats = device.memory_stats()
        if not stats or "bytes_limit" not in stats:
            return False
        if split.images.nbytes > _SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)):
            return False
    return True


def _whole(sharding: jax.sharding.Sharding | None) -> jax.sharding.Sharding | None:
    if isinstance(sharding, jax.sharding.NamedSharding):
        return jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
    return sharding


def _check_plan(rows: Rows, mask: Mask, *, n: int) -> None:
    if rows.ndim != 2 or rows.shape != mask.shape or rows.dtype != np.int32 or mask.dtype != np.bool_:
        raise ValueError(f"a plan is int32 (S, B) and bool (S, B), got {rows.dtype} {rows.shape}, {mask.shape}")
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        raise ValueError(f"a plan's rows must be in [0, {n}), got {rows.min()} .. {rows.max()}")


def _take(steps: Iterator, count: int) -> list:
    return [step for _, step in zip(range(count), steps, strict=False)]
