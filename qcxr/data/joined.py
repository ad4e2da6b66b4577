"""Packed arrays of several sources, read as one: rows are gathered from the sources' own memory maps, not copied.

A concatenated file would be the same 50 KB a film once more on the disk, for every combination of sources that some
study trains on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from qcxr.errors import InputError

Part = UInt8[np.ndarray, "films height width"] | Float32[np.ndarray, "films views features"]


class Joined:
    """Arrays of equal type and film shape, one after the other; rows are taken as of one array.

    Raises InputError for parts that are not alike: another preprocessing, films beside features.
    """

    def __init__(self, parts: Sequence[Part]):
        first = parts[0]
        for part in parts:
            if (part.dtype, part.shape[1:]) != (first.dtype, first.shape[1:]):
                raise InputError(
                    f"packed splits that are joined must hold films of one shape, got {first.dtype} {first.shape[1:]} "
                    f"and {part.dtype} {part.shape[1:]}; pack them again"
                )
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *map(len, parts)])
        self.dtype = first.dtype
        self.shape = (int(self._starts[-1]), *first.shape[1:])
        self.ndim = len(self.shape)
        self.nbytes = sum(part.nbytes for part in parts)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Rows by number, a copy; `rows`: a number, a slice, or whole numbers or a mask over all rows."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if rows.ndim == 0:
            return self[rows[None]][0]
        if rows.size and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows must be in [0, {len(self)}), got {rows.min()} .. {rows.max()}")
        rows = np.where(rows < 0, rows + len(self), rows)
        found = np.empty((*rows.shape, *self.shape[1:]), self.dtype)
        for part, start, end in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True):
            here = (rows >= start) & (rows < end)
            found[here] = part[rows[here] - start]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        whole = np.concatenate(self._parts)
        return whole if dtype is None else whole.astype(dtype, copy=False)
