"""From cache to packed split: one immutable uint8 array (N, H, W) that every run maps into memory."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.data.cache import content_of
from qcxr.data.columns import ISSUES, labels_of
from qcxr.data.entry import CorruptEntry, entry_key, settings_key, unpack_entry
from qcxr.data.images import check_sizes
from qcxr.data.manifest import refuse_above
from qcxr.data.store import open_store
from qcxr.errors import InputError
from qcxr.study.files import replacing, write_parquet, write_text

FORMAT = 1


def pack(
    manifest: pd.DataFrame,
    images_root: str | Path,
    cache_dir: str | Path,
    *,
    split: str,
    out_npy: str | Path,
    out_index: str | Path,
    out_json: str | Path,
    resize: int = 256,
    crop: int = 224,
    max_missing: float = 0.0,
) -> dict:
    """Write the films of `split` in manifest order, each file atomically, the JSON last.

    out_npy: uint8 (N, crop, crop). out_index: parquet in row order: image_id, patient_id, label columns (Int8).
    out_json: shape, preprocessing, sha256 of both files, ids of films left out (`max_missing` as in `cache.build`).

    Returns the JSON's content. Raises InputError: no film in the split, too many films not in the cache, a corrupt
    entry (the way out is `qcxr cache verify`).
    """
    check_sizes(resize=resize, crop=crop)
    films = manifest[manifest["split"] == split].reset_index(drop=True)
    if films.empty:
        known = ", ".join(sorted(manifest["split"].unique()))
        raise InputError(f"manifest has no film in split {split!r}; it has {known}")
    settings = settings_key(resize=resize, crop=crop)
    with open_store(cache_dir) as store:
        contents = [content_of(store, images_root, path) for path in films["path"]]
        keys = [content and entry_key(content, settings=settings) for content in contents]
        ready = np.array([key is not None and key in store for key in keys])
        absent = films.loc[~ready, ["image_id", "path"]].assign(issue="not cached", detail="run the cache step")
        refuse_above(absent[list(ISSUES)], n=len(films), limit=max_missing, root=images_root, listed=None)
        kept = films[ready].reset_index(drop=True)
        if kept.empty:
            raise InputError(f"no film of split {split!r} is in the cache {cache_dir}; run the cache step")
        shape = (len(kept), crop, crop)
        images = _images(store, [key for key, there in zip(keys, ready, strict=True) if there], kept["path"], crop=crop)
        digest = _write_npy(out_npy, images, shape)
    index = kept[["image_id", "patient_id", *labels_of(kept)]]
    write_parquet(index, out_index)
    about = {
        "format": FORMAT,
        "split": split,
        "shape": list(shape),
        "dtype": "uint8",
        "preprocessing": {"resize": resize, "crop": crop, "filter": "bicubic", "key": settings},
        "labels": list(labels_of(kept)),
        "left_out": absent["image_id"].tolist(),
        "sha256": {"images": digest, "index": hashlib.sha256(Path(out_index).read_bytes()).hexdigest()},
    }
    write_text(json.dumps(about, indent=1) + "\n", out_json)
    return about


def _images(store, keys: list[str], paths: pd.Series, *, crop: int) -> Iterator[np.ndarray]:
    for key, path in zip(keys, paths, strict=True):
        try:
            yield unpack_entry(store[key], crop=crop)
        except CorruptEntry as error:
            raise InputError(
                f"cache entry of {path} is corrupt ({error}); `qcxr cache verify` rebuilds it from the film"
            ) from None


def _write_npy(path: str | Path, images: Iterator[np.ndarray], shape: tuple[int, int, int]) -> str:
    """Streams the rows (never the array) to a .npy file; sha256 of the file, hex."""
    digest = hashlib.sha256()
    with replacing(path) as temporary, open(temporary, "wb") as out:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(out, header)
        out.flush()
        digest.update(temporary.read_bytes())
        for image in images:
            row = image.tobytes()
            out.write(row)
            digest.update(row)
    return digest.hexdigest()
