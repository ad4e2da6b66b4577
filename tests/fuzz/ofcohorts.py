"""What a study keeps of films: manifest, cache, packed arrays."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from qcxr.data import entry, manifest, split
from qcxr.data.cache import build
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.pack import PackedFiles, pack
from tests.data import films
from tests.fuzz.reader import SMALL, Reader, written


def manifests(folder: Path) -> Reader:
    """A manifest."""
    films.manifest_of("nih", films.nih(folder / "nih"), folder / "m.parquet")
    return Reader(
        {"m.parquet": (folder / "m.parquet").read_bytes()},
        lambda name, data: manifest.read_manifest(written(folder / name, data)),
    )


def packed(folder: Path) -> Reader:
    """A packed split: array, index and JSON."""
    source = films.nih(folder / "nih")
    frame = films.manifest_of("nih", source, folder / "m.parquet")
    where = Films(source["images"], folder / "cache", SMALL)
    build(frame, where, progress=False)
    stem = folder / "packed/nih-train"
    out = PackedFiles(*(stem.with_suffix(f".{suffix}") for suffix in ("npy", "parquet", "json")))
    pack(frame, where, split="train", out=out)
    whole = {path.name: path.read_bytes() for path in sorted(stem.parent.iterdir())}

    def read(name: str, data: bytes) -> object:
        for other, content in whole.items():
            (stem.parent / other).write_bytes(data if other == name else content)
        found = split.load(stem.with_suffix(".npy"), ["Mass", "Nodule"])
        return found.images[:].sum(), found.truth

    return Reader(whole, read)


def entries(folder: Path) -> Reader:
    """An entry of the cache of films."""
    image = films.gray(np.random.default_rng(1), 32, 32)
    whole = {"entry": entry.pack_entry(image, Facts(32, 32, "L", False))}

    def read(_: str, data: bytes) -> object:
        try:
            return entry.unpack_whole(data, crop=32)
        except entry.CorruptEntry:  # which those who read entries turn into a rebuilt film, or a line
            return None

    return Reader(whole, read)


def cache(folder: Path) -> Reader:
    """The cache's database."""
    source = films.nih(folder / "nih", n=12)
    frame = films.manifest_of("nih", source, folder / "m.parquet")
    where = Films(source["images"], folder / "cache", SMALL)
    build(frame, where, progress=False)
    whole = (folder / "cache/cache.db").read_bytes()

    def read(_: str, data: bytes) -> object:
        shutil.rmtree(folder / "cache")
        (folder / "cache").mkdir()
        (folder / "cache/cache.db").write_bytes(data)
        return build(frame, where, progress=False)

    return Reader({"cache.db": whole}, read)
