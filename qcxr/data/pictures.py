"""Films of two sources that look alike whatever their names, compressed or scaled anew or not: by their thumbnails.

Public sets overlap under other names: RSNA's pneumonia films are NIH's, with ids of their own, as lossy JPEGs.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int, UInt8

_SIDE = 16  # squares of a thumbnail, in both directions
# Correlation of two films' thumbnails. Of 500,000 pairs of real films it was at most 0.974, of 260,000 pairs of drawn
# ones 0.985, and of a real film with itself as a JPEG of another size at least 0.9998.
ALIKE = 0.998
NAMED = 0.995  # enough where the image ids are equal too
# Among billions of pairs some odd films look alike by chance: with fewer of them two sets are taken for different ones.
SHARE = 0.01
_AT_ONCE = 1 << 25  # correlations in memory


def thumbnail(pixels: UInt8[np.ndarray, "height width"]) -> bytes:
    """A film's means over equal squares, one byte each."""
    rows, columns = (min(_SIDE, length) for length in pixels.shape)
    high, wide = pixels.shape[0] // rows, pixels.shape[1] // columns
    squares = pixels[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return squares.mean((1, 3)).round().astype(np.uint8).tobytes()


def units(thumbnails: pd.Series) -> Float32[np.ndarray, "films squares"]:
    """Thumbnails of equal size as vectors whose products are correlations; zeros for one of one gray level."""
    found = np.stack([np.frombuffer(one, np.uint8) for one in thumbnails]).astype(np.float32)
    found -= found.mean(1, keepdims=True)
    length = np.sqrt((found**2).sum(1, keepdims=True))
    return np.divide(found, length, out=np.zeros_like(found), where=length > 0)


def alike(films: pd.DataFrame) -> list[tuple[Int[np.ndarray, " films"], Int[np.ndarray, " films"]]]:
    """Rows of films, and of a film that each looks like, which is of another source and an earlier split.

    films: columns source, order (of the split) and thumbnail, numbered from 0. Pairs of sources and splits of which
    less than `SHARE` of the later films look like one of the earlier are left out.
    """
    known = films[films["thumbnail"].notna()]
    parts = {key: part.index.to_numpy() for key, part in known.groupby(["source", "order"])}
    vectors = {key: units(films.loc[rows, "thumbnail"]) for key, rows in parts.items()}
    found = []
    for later in parts:
        for earlier in parts:
            if later[0] == earlier[0] or later[1] <= earlier[1]:
                continue
            best = np.concatenate(list(_best(vectors[later], vectors[earlier])))
            same = best >= 0
            if same.mean() >= SHARE:
                found.append((parts[later][same], parts[earlier][best[same]]))
    return found


def _best(
    later: Float32[np.ndarray, "later squares"], earlier: Float32[np.ndarray, "earlier squares"]
) -> Iterator[Int[np.ndarray, " some"]]:
    """The place of the film that each is most like, -1 where none is `ALIKE`; so many at once as memory allows."""
    step = max(1, _AT_ONCE // len(earlier))
    for start in range(0, len(later), step):
        correlation = later[start : start + step] @ earlier.T
        best = correlation.argmax(1)
        yield np.where(correlation[np.arange(len(best)), best] >= ALIKE, best, -1)
