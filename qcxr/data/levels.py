"""From a film's 9 to 16 bits to the 8 that are cached: which of its values are black and which are white.

Three rules (`image.levels`), each linear in between, a half rounded up:

- `auto`: a DICOM's own VOI LUT or first window, as a viewer shows it; a film without one (a 16-bit PNG never has one)
  as `used`.
- `used`: the film's smallest value is black and its largest white, whatever its window says; padding does not count.
- `full`: all that its bits can hold, whatever its window says: 0 to 65535 for a 16-bit PNG, for a DICOM the range of
  its BitsStored. Films of one detector keep their relation to each other; a film of 12 bits in 16 comes out dark.
"""

import numpy as np
from jaxtyping import Bool, Float64, UInt8, UInt16

LEVELS = ("auto", "used", "full")
_ROWS = 32


def scaled(values: Float64[np.ndarray, " values"], black: float, white: float) -> Float64[np.ndarray, " values"]:
    """The values on [0, 1]: 0 at and below `black`, 1 at and above `white`; all 0 where these are equal."""
    if white <= black:
        return np.zeros_like(values)
    return np.clip((values - black) / (white - black), 0.0, 1.0)


def to_bytes(shown: Float64[np.ndarray, " values"]) -> UInt8[np.ndarray, " values"]:
    """Gray levels of values on [0, 1], a half rounded up."""
    return np.floor(255.0 * shown + 0.5).astype(np.uint8)


def sixteen(gray: UInt16[np.ndarray, "height width"], levels: str) -> UInt8[np.ndarray, "height width"]:
    """A 16-bit gray film without a window of its own, in 8 bits."""
    black, white = (0, 65535) if levels == "full" else (int(gray.min()), int(gray.max()))
    return looked_up(to_bytes(scaled(np.arange(65536.0), float(black), float(white))), gray)


def looked_up(
    table: UInt8[np.ndarray, " values"], film: UInt16[np.ndarray, "height width"]
) -> UInt8[np.ndarray, "height width"]:
    """`table[film]`, some rows at a time: numpy makes 64-bit indices of them, and these should stay in the cache."""
    shown = np.empty(film.shape, np.uint8)
    for first in range(0, len(film), _ROWS):
        np.take(table, film[first : first + _ROWS], out=shown[first : first + _ROWS], mode="clip")
    return shown


def present(film: UInt16[np.ndarray, "height width"], count: int) -> Bool[np.ndarray, " count"]:
    """Which of the values below `count` a film has."""
    found = np.zeros(count, bool)
    for first in range(0, len(film), _ROWS):
        found[film[first : first + _ROWS]] = True
    return found
