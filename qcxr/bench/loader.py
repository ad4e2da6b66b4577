"""A loader that does what the paper's did (its Fig. 3), to compare with."""

from pathlib import Path

import diskcache
import joblib
import numpy as np
import zstandard
from jaxtyping import Float, Integer, UInt8
from safetensors.numpy import load, save

from qcxr.data.augment import IMAGENET_MEAN, IMAGENET_STD


class PaperLoader:
    """The paper's loader (Fig. 3): films as float32 RGB, zstd(safetensors), in diskcache, read by joblib threads."""

    def __init__(self, folder: Path, films: UInt8[np.ndarray, "films height width"]) -> None:
        self._cache = diskcache.Cache(str(folder), size_limit=1 << 40)
        mean, std = np.asarray(IMAGENET_MEAN, np.float32), np.asarray(IMAGENET_STD, np.float32)
        for i, film in enumerate(films):
            rgb = (np.repeat(film[..., None], 3, axis=2).astype(np.float32) / 255 - mean) / std
            pixels = np.ascontiguousarray(rgb.transpose(2, 0, 1))
            self._cache[i] = zstandard.ZstdCompressor().compress(save({"pixel_values": pixels}))

    def _film(self, row: int | np.integer) -> Float[np.ndarray, "3 height width"]:
        return load(zstandard.ZstdDecompressor().decompress(self._cache[int(row)]))["pixel_values"]

    def batch(
        self, rows: Integer[np.ndarray, " batch"], *, threads: int = 2
    ) -> Float[np.ndarray, "batch 3 height width"]:
        """The films of those rows, in float32."""
        if threads == 1:
            return np.stack([self._film(row) for row in rows])
        pool = joblib.Parallel(n_jobs=threads, backend="threading")
        return np.stack(pool(joblib.delayed(self._film)(row) for row in rows))

    def close(self) -> None:
        """Close the cache."""
        self._cache.close()
