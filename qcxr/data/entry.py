"""One cache entry: a preprocessed film as zstd(safetensors), neither of which can execute anything (paper, Fig. 3)."""

import json
from dataclasses import asdict

import numpy as np
import zstandard
from jaxtyping import UInt8
from safetensors import SafetensorError
from safetensors.numpy import load, save

from qcxr.data.film import Facts
from qcxr.data.images import Preprocessing
from qcxr.data.levels import LEVELS

# Raise it when `images.prepare` changes its pixels: entries of the old version are then rebuilt.
PREPROCESSING_VERSION = 1
_LEVEL = 3


class CorruptEntry(ValueError):
    """A cache entry that is not what was written."""


def settings_key(preprocessing: Preprocessing) -> str:
    """The preprocessing's name in entry keys, for example `bicubic-256-224-v1` or `bilinear-squash-224-224-v1`.

    A rule of levels that is not the default has its name in it, also for films of 8 bits: a key is made unopened.
    """
    fit = "" if preprocessing.fit == "crop" else f"{preprocessing.fit}-"
    levels = "" if preprocessing.levels == LEVELS[0] else f"-{preprocessing.levels}"
    sizes = f"{preprocessing.resize}-{preprocessing.crop}"
    return f"{preprocessing.resample}-{fit}{sizes}{levels}-v{PREPROCESSING_VERSION}"


def entry_key(content: str, preprocessing: Preprocessing) -> str:
    """The key of a film's entry: sha256 of the file's bytes (hex), and the preprocessing."""
    return f"entry:{content}:{settings_key(preprocessing)}"


def pack_entry(image: UInt8[np.ndarray, "crop crop"], facts: Facts) -> bytes:
    """A preprocessed film and the facts of its file -> bytes, with a checksum inside (zstd's xxh64)."""
    plain = save({"image": np.ascontiguousarray(image)}, metadata={"facts": json.dumps(asdict(facts))})
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(plain)


def unpack_entry(blob: object, *, crop: int) -> UInt8[np.ndarray, "{crop} {crop}"]:
    """The preprocessed film of a cache's value. Raises CorruptEntry."""
    return _image(_plain(blob, crop=crop), crop=crop)


def unpack_whole(blob: object, *, crop: int) -> tuple[UInt8[np.ndarray, "{crop} {crop}"], Facts]:
    """The film and the facts of its file. Raises CorruptEntry."""
    plain = _plain(blob, crop=crop)
    return _image(plain, crop=crop), _facts(plain)


def _plain(blob: object, *, crop: int) -> bytes:
    if not isinstance(blob, bytes):
        raise CorruptEntry(f"not bytes but {type(blob).__name__}")
    try:
        # an honest entry is its pixels and a small header; the bound keeps a forged size from filling the memory
        params = zstandard.get_frame_parameters(blob)
        if not params.has_checksum or not crop * crop <= params.content_size <= crop * crop + 4096:
            raise CorruptEntry(f"frame of {params.content_size} bytes for {crop} x {crop} pixels")
        return zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError as error:
        raise CorruptEntry(str(error)) from None


def _facts(plain: bytes) -> Facts:
    try:
        length = int.from_bytes(plain[:8], "little")  # safetensors: u64 header length, JSON header, tensors
        return Facts(**json.loads(json.loads(plain[8 : 8 + length])["__metadata__"]["facts"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptEntry(f"no facts ({error})") from None


def _image(plain: bytes, *, crop: int) -> np.ndarray:
    try:
        image = load(plain)["image"]
    except (SafetensorError, KeyError, ValueError) as error:
        raise CorruptEntry(str(error)) from None
    if image.dtype != np.uint8 or image.shape != (crop, crop):
        raise CorruptEntry(f"{image.dtype} {image.shape}, not uint8 ({crop}, {crop})")
    return image
