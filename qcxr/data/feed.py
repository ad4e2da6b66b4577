"""Batches on the device: gathered there when the split fits, else from the memory map, ahead of the step."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from qcxr.data.split import Split
from qcxr.errors import InputError

RESIDENCIES = ("auto", "device", "host")
_AHEAD = 2  # batches gathered and sent while the device works
_SHARE = 0.5  # of the device's free memory that `auto` lets a split take


class Batch(NamedTuple):
    """images: uint8 (B, H, W), or features float32 (B, V, F). targets: float32 (B, L).

    mask: bool (B,), False for padding. rows: int32 (B,).
    """

    images: jax.Array
    targets: jax.Array
    mask: jax.Array
    rows: jax.Array


class Feed:
    """Serves the batches of a plan from a packed split; `DeviceFeed` and `HostFeed` give the same arrays."""

    residency: str

    def batches(self, rows: np.ndarray, mask: np.ndarray) -> Iterator[Batch]:
        """One `Batch` per row of a plan (`batches.plan`): rows int32 (S, B), mask bool (S, B)."""
        raise NotImplementedError


class DeviceFeed(Feed):
    """The whole split on the device, batches gathered there by one compiled function."""

    residency = "device"

    def __init__(self, split: Split, *, sharding: jax.sharding.Sharding | None = None) -> None:
        whole = _whole(sharding)
        self._images = place(np.ascontiguousarray(split.images), whole)
        self._targets = place(split.targets, whole)
        self._sharding = sharding
        self._gather = jax.jit(
            lambda images, targets, rows: (images[rows], targets[rows]),
            **({} if sharding is None else {"out_shardings": sharding}),
        )

    def batches(self, rows: np.ndarray, mask: np.ndarray) -> Iterator[Batch]:
        _check_plan(rows, mask, n=len(self._images))
        for step_rows, step_mask in zip(rows, mask, strict=True):
            step_rows, step_mask = place((step_rows, step_mask), self._sharding)
            yield Batch(*self._gather(self._images, self._targets, step_rows), step_mask, step_rows)


class HostFeed(Feed):
    """Batches gathered from the memory map by a thread that stays two batches ahead of the step."""

    residency = "host"

    def __init__(self, split: Split, *, sharding: jax.sharding.Sharding | None = None) -> None:
        self._split, self._sharding = split, sharding

    def batches(self, rows: np.ndarray, mask: np.ndarray) -> Iterator[Batch]:
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

    def _gather(self, rows: np.ndarray, mask: np.ndarray) -> Batch:
        batch = Batch(self._split.images[rows], self._split.targets[rows], mask, rows)
        return place(batch, self._sharding)


def feed(
    split: Split,
    *,
    residency: str = "auto",
    sharding: jax.sharding.Sharding | None = None,
) -> Feed:
    """How a run reads its split (config `resources.residency`).

    residency: "device" puts the split there once; "host" gathers from the memory map and sends batches ahead;
        "auto" chooses "device" on an accelerator with room (half of its free memory), else "host": on the CPU the
        memory map *is* device memory, shared by all runs.
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
    return jax.tree.map(
        lambda x: jax.make_array_from_callback(np.shape(x), sharding, lambda index, x=x: np.asarray(x)[index]), tree
    )


def _fits(split: Split, sharding: jax.sharding.Sharding | None) -> bool:
    devices = jax.local_devices()[:1] if sharding is None else sorted(sharding.addressable_devices, key=lambda d: d.id)
    for device in devices:
        stats = device.memory_stats() if device.platform != "cpu" else None
        if not stats or "bytes_limit" not in stats:
            return False
        if split.images.nbytes > _SHARE * (stats["bytes_limit"] - stats.get("bytes_in_use", 0)):
            return False
    return True


def _whole(sharding: jax.sharding.Sharding | None) -> jax.sharding.Sharding | None:
    if isinstance(sharding, jax.sharding.NamedSharding):
        return jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
    return sharding


def _check_plan(rows: np.ndarray, mask: np.ndarray, *, n: int) -> None:
    if rows.ndim != 2 or rows.shape != mask.shape or rows.dtype != np.int32 or mask.dtype != np.bool_:
        raise ValueError(f"a plan is int32 (S, B) and bool (S, B), got {rows.dtype} {rows.shape}, {mask.shape}")
    if rows.size and (rows.min() < 0 or rows.max() >= n):
        raise ValueError(f"a plan's rows must be in [0, {n}), got {rows.min()} .. {rows.max()}")


def _take(steps: Iterator, count: int) -> list:
    return [step for _, step in zip(range(count), steps, strict=False)]
