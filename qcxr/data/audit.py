"""The second part of a data set's audit: what only a look at every film's pixels can tell."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from qcxr.data.columns import ISSUES
from qcxr.data.entry import unpack_whole
from qcxr.data.film import GRAY_MODES, FilmError
from qcxr.data.films import Films, said_corrupt
from qcxr.data.images import decode
from qcxr.data.store import open_store

# Beyond it, the square that the centre crop keeps is less than half of the film.
EXTREME_ASPECT = 2.0
FACTS = ("image_id", "path", "width", "height", "mode", "colour", "aspect", "digest", "enlarged", "plain")


def film_facts(manifest: pd.DataFrame, films: Films) -> pd.DataFrame:
    """What the cache knows of every cached film of `manifest`: columns `FACTS`, in manifest order.

    width, height, mode (PIL's) and colour (R, G and B differ) are the file's; digest is of the preprocessed pixels;
    enlarged: the shorter side had fewer pixels than it was resized to; plain: all preprocessed pixels are of one gray
    level. Raises InputError for a corrupt entry.
    """
    crop, resize = films.preprocessing.crop, films.preprocessing.resize
    rows = []
    with open_store(films.cache) as store:
        for image_id, path in zip(manifest["image_id"], manifest["path"], strict=True):
            key = films.key(store, path)
            blob = None if key is None else store.get(key)
            if blob is None:
                continue
            with said_corrupt(path):
                pixels, facts = unpack_whole(blob, crop=crop)
            digest = hashlib.blake2b(pixels.tobytes(), digest_size=16).hexdigest()
            of_file = (facts.width, facts.height, facts.mode, facts.colour, facts.aspect)
            of_pixels = (digest, min(facts.width, facts.height) < resize, bool(pixels.min() == pixels.max()))
            rows.append((image_id, path, *of_file, *of_pixels))
    return pd.DataFrame(rows, columns=list(FACTS))


def film_issues(facts: pd.DataFrame, films: Films) -> pd.DataFrame:
    """Films worth a look, one row per film and issue (`columns.ISSUES`), from `film_facts`.

    channels: not stored as one gray channel (RGBA, palette, ...). colour: R, G and B differ, so the gray channel is
    their luma. aspect: longest over shortest side above `EXTREME_ASPECT`. enlarged: fewer pixels than the network sees.
    plain: one gray level, nothing to see. duplicate: all pixels equal another film's, which `detail` names.
    """
    rows = []
    for film in facts.itertuples():
        if film.mode not in GRAY_MODES:
            rows.append((film.image_id, film.path, "channels", film.mode))
        if film.colour:
            rows.append((film.image_id, film.path, "colour", "R, G and B differ"))
        if film.aspect > EXTREME_ASPECT:
            rows.append((film.image_id, film.path, "aspect", f"{film.width} x {film.height}"))
        if film.enlarged:
            rows.append((film.image_id, film.path, "enlarged", f"{film.width} x {film.height}"))
        if film.plain:
            rows.append((film.image_id, film.path, "plain", "one gray level"))
    rows += _duplicates(facts, films)
    return pd.DataFrame(rows, columns=list(ISSUES)).sort_values(["issue", "image_id"], ignore_index=True)


def _duplicates(facts: pd.DataFrame, films: Films) -> Iterator[tuple[str, str, str, str]]:
    # equal films have equal thumbnails, the reverse must be looked at: few groups are left to decode
    for _, group in facts[facts["digest"].duplicated(keep=False)].groupby("digest"):
        first_with: dict[tuple, str] = {}
        for film in group.sort_values("image_id").itertuples():
            pixels = _pixels(Path(films.images) / film.path, films.preprocessing.levels)
            if pixels is None:
                continue
            key = (pixels.shape, hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest())
            if key in first_with:
                yield film.image_id, film.path, "duplicate", f"same pixels as {first_with[key]}"
            else:
                first_with[key] = film.image_id


def _pixels(path: Path, levels: str) -> UInt8[np.ndarray, "height width"] | None:
    try:
        return decode(path.read_bytes(), levels)[0]
    except (OSError, FilmError):
        return None
