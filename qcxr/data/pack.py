"""From cache to packed split: one immutable uint8 array (N, H, W) that every run maps into memory."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import diskcache
import numpy as np
import pandas as pd
from jaxtyping import UInt8

from qcxr.data.columns import ISSUES, labels_of
from qcxr.data.entry import settings_key, unpack_whole
from qcxr.data.films import Films, said_corrupt
from qcxr.data.likeness import Seen
from qcxr.data.missing import refuse_above
from qcxr.data.store import open_store
from qcxr.errors import InputError
from qcxr.study.files import replacing, write_parquet, write_text

FORMAT = 1


@dataclass(frozen=True)
class PackedFiles:
    """The three files of a packed split, which lie beside each other under one stem (`split.load`).

    images: .npy, uint8, one film after the other. index: parquet in row order: image_id, patient_id, label columns
    (Int8). about: JSON: shape, preprocessing, sha256 of both other files, ids of films left out.
    """

    images: str | Path
    index: str | Path
    about: str | Path


def pack(manifest: pd.DataFrame, films: Films, *, split: str, out: PackedFiles, max_missing: float = 0.0) -> dict:
    """Write the films of `split` in manifest order, each file atomically, the JSON last.

    max_missing: as in `cache.build`; films that are not cached are left out.

    Returns the JSON's content. Raises InputError: no film in the split, too many films not in the cache, a corrupt
    entry (the way out is `qcxr cache verify`).
    """
    wanted = manifest[manifest["split"] == split].reset_index(drop=True)
    if wanted.empty:
        known = ", ".join(sorted(manifest["split"].unique()))
        raise InputError(f"manifest has no film in split {split!r}; it has {known}")
    crop = films.preprocessing.crop
    with open_store(films.cache) as store:
        keys = [films.key(store, path) for path in wanted["path"]]
        keys = [key if key is not None and key in store else None for key in keys]
        ready = np.array([key is not None for key in keys])
        absent = wanted.loc[~ready, ["image_id", "path"]].assign(issue="not cached", detail="run the cache step")
        refuse_above(absent[list(ISSUES)], n=len(wanted), limit=max_missing, root=films.images, listed=None)
        kept = wanted[ready].reset_index(drop=True)
        if kept.empty:
            raise InputError(f"no film of split {split!r} is in the cache {films.cache}; run the cache step")
        seen = Seen()
        images = _images(store, [key for key in keys if key is not None], kept["path"], seen, crop=crop)
        digest = _write_npy(out.images, images, (len(kept), crop, crop))
    index = kept[["image_id", "patient_id", *labels_of(kept)]]
    write_parquet(index, out.index)
    about = {
        "format": FORMAT,
        "split": split,
        "shape": [len(kept), crop, crop],
        "dtype": "uint8",
        "preprocessing": {
            "resize": films.preprocessing.resize,
            "crop": crop,
            "filter": films.preprocessing.resample,
            "key": settings_key(films.preprocessing),
        },
        "labels": list(labels_of(kept)),
        **({"partial": list(manifest.attrs["partial"])} if manifest.attrs.get("partial") else {}),
        "films": seen.told(),
        "left_out": absent["image_id"].tolist(),
        "sha256": {"images": digest, "index": hashlib.sha256(Path(out.index).read_bytes()).hexdigest()},
    }
    write_text(json.dumps(about, indent=1) + "\n", out.about)
    return about


def _images(
    store: diskcache.Cache, keys: Sequence[str], paths: pd.Series, seen: Seen, *, crop: int
) -> Iterator[UInt8[np.ndarray, "crop crop"]]:
    for key, path in zip(keys, paths, strict=True):
        with said_corrupt(path):
            image, facts = unpack_whole(store[key], crop=crop)
            seen.add(image, facts)
        yield image


def _write_npy(path: str | Path, images: Iterator[UInt8[np.ndarray, "crop crop"]], shape: tuple[int, int, int]) -> str:
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
