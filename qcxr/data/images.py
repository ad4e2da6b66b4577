"""One film: from a file's bytes to the uint8 gray array that is cached (paper, section III-F).

Shortest side to `resize` (bicubic, PIL), centre crop `crop`: pixel for pixel what the Hugging Face image processor of
`microsoft/resnet-50` does with size 224 and crop_pct 0.875. A film has R = G = B, so one channel is kept; float
normalisation is `augment.normalise`, on the device.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile

from qcxr.errors import InputError

# The largest films of either source are CR plates of about 4,300 x 3,500; beyond this a file is broken or hostile.
MAX_PIXELS = 64_000_000
# Resizing the shortest side blows a stripe up: at 1:20 and resize 256 it would be 5,120 pixels long, with 224 kept.
MAX_ASPECT = 20.0
FITS = ("crop", "squash")
FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """From a film to the square that is cached: its shortest side to `resize` pixels, then the centre `crop`.

    fit: `squash` brings both sides to `resize`, whatever the film's proportions. resample: the filter, by PIL's name.

    Raises InputError unless both lengths are whole numbers with 1 <= crop <= resize.
    """

    resize: int = 256
    crop: int = 224
    fit: str = "crop"
    resample: str = "bicubic"

    def __post_init__(self) -> None:
        for name, value in (("resize", self.resize), ("crop", self.crop)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} must be a whole number of pixels >= 1, got {value!r}; set image.{name}")
        if self.crop > self.resize:
            raise InputError(
                f"crop must be <= resize ({self.resize}), got {self.crop}; set image.crop or image.resize in the config"
            )
        for name, word, known in (("fit", self.fit, FITS), ("resample", self.resample, tuple(FILTERS))):
            if word not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}, got {word!r}; set image.{name}")

    @classmethod
    def of(cls, image: Mapping[str, Any]) -> Preprocessing:
        """Of the `image:` keys that a run's files have; older files say nothing of fit and filter."""
        return cls(**{key: image[key] for key in ("resize", "crop", "fit", "resample") if image.get(key) is not None})


PAPERS = Preprocessing()  # the paper's, and the configuration's default


class FilmError(ValueError):
    """A film that cannot be used; the text is the reason, without the path."""


@dataclass(frozen=True)
class Facts:
    """What is worth knowing about a film file, for the audit. `mode` is PIL's; `colour`: R, G and B differ."""

    width: int
    height: int
    mode: str
    colour: bool

    @property
    def aspect(self) -> float:
        """Longest side over shortest side, >= 1."""
        return max(self.width, self.height) / min(self.width, self.height)


def decode(data: bytes) -> tuple[UInt8[np.ndarray, "height width"], Facts]:
    """A PNG's or JPEG's pixels as gray levels, and its facts.

    RGB(A) and palette films give their gray channel (a coloured one ITU-R 601 luma, `facts.colour` is set); alpha is
    dropped, as by PIL's `convert("RGB")`. 16-bit and float films are refused: which window of their range to show is
    a decision about the data, not about the file.

    Raises FilmError: empty, not a PNG or JPEG, truncated, damaged, too deep, too large, or a stripe.
    """
    film, facts = _open(data)
    return np.asarray(film), facts


def prepare(data: bytes, to: Preprocessing = PAPERS) -> tuple[UInt8[np.ndarray, "{to.crop} {to.crop}"], Facts]:
    """`decode`, then `preprocess`: a film file's bytes to the square that is cached. Raises FilmError."""
    film, facts = _open(data)
    return _resized(film, to), facts


def _open(data: bytes) -> tuple[Image.Image, Facts]:
    if not data:
        raise FilmError("empty file (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                _refuse_by_header(image)
                image.load()
                return _gray(image)
    except FilmError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise FilmError(f"more than {MAX_PIXELS:,} pixels (a decompression bomb?)") from None
    except Image.UnidentifiedImageError:
        raise FilmError("not a PNG or JPEG") from None
    except Exception as error:  # PIL's plugins raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise FilmError(f"damaged or truncated ({' '.join(str(error).split())[:120]})") from None


def preprocess(
    gray: UInt8[np.ndarray, "height width"], to: Preprocessing = PAPERS
) -> UInt8[np.ndarray, "{to.crop} {to.crop}"]:
    """The shortest side to `resize` by PIL's filter, or both sides (fit `squash`), then the centre.

    The longest side is rounded down and the crop starts at `(side - crop) // 2`, as in the Hugging Face processor.
    """
    if gray.dtype != np.uint8 or gray.ndim != 2 or 0 in gray.shape:
        raise ValueError(f"gray must be a non-empty uint8 array (height, width), got {gray.dtype} {gray.shape}")
    return _resized(Image.fromarray(gray), to)


def _resized(film: Image.Image, to: Preprocessing) -> np.ndarray:
    (width, height), resize, crop, resample = film.size, to.resize, to.crop, FILTERS[to.resample]
    if width == height and _part_is_exact(width, to):
        # resize only what the crop keeps: a quarter less work for the same pixels
        first, last = (end * width / resize for end in ((resize - crop) // 2, (resize - crop) // 2 + crop))
        return np.asarray(film.resize((crop, crop), resample=resample, box=(first, first, last, last)))
    # PIL's order: width, height
    new = (resize, int(resize * height / width)) if width <= height else (int(resize * width / height), resize)
    if to.fit == "squash":
        new = (resize, resize)
    left, top = (new[0] - crop) // 2, (new[1] - crop) // 2
    resized = film.resize(new, resample=resample)
    return np.asarray(resized.crop((left, top, left + crop, top + crop)))


def _part_is_exact(side: int, to: Preprocessing) -> bool:
    """Whether resizing the crop's part of a square film is bit for bit the crop of the resized film.

    PIL places its filter at in0 + (i + 0.5) * (in1 - in0) / out, in double precision, in0 and in1 in single. When the
    scale is a dyadic number and both ends fit a single, no term is rounded, so both ways give the same coefficients.
    Films that are not square are left out: PIL runs the cheaper of its two passes first, and rounds in between, so a
    part of them may be resized in the other order than the whole.
    """
    first = (to.resize - to.crop) // 2
    ends = [end * side / to.resize for end in (first, first + to.crop)]
    return to.resize & (to.resize - 1) == 0 and all(float(np.float32(end)) == end for end in ends)


def _refuse_by_header(image: ImageFile.ImageFile) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise FilmError(f"{width} x {height} is more than {MAX_PIXELS:,} pixels (a decompression bomb?)")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise FilmError(f"{width} x {height} is a stripe (sides beyond 1:{MAX_ASPECT:g})")
    raw = "".join(str(part) for tile in image.tile for part in tile[3:])  # PIL reads 16-bit RGB as 8-bit, silently
    if image.mode in ("I", "F") or image.mode.startswith("I;") or ";16" in raw:
        raise FilmError(f"16-bit or float pixels (PIL mode {image.mode}); films must have 8 bits, convert it first")


def _gray(image: Image.Image) -> tuple[Image.Image, Facts]:
    mode, (width, height) = image.mode, image.size
    if mode == "L":
        return image, Facts(width, height, mode, False)
    if mode in ("LA", "La"):
        return image.getchannel(0), Facts(width, height, mode, False)
    if mode == "1":
        return image.convert("L"), Facts(width, height, mode, False)
    rgb = image if mode == "RGB" else image.convert("RGB")
    channels = rgb.split()
    red, green, blue = (np.asarray(channel) for channel in channels)
    colour = not (np.array_equal(red, green) and np.array_equal(green, blue))
    return rgb.convert("L") if colour else channels[0], Facts(width, height, mode, colour)
