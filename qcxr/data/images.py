"""One film: from a file's bytes to the uint8 gray array that is cached (paper, section III-F).

Shortest side to `resize` (bicubic, PIL), centre crop `crop`: pixel for pixel what the Hugging Face image processor of
`microsoft/resnet-50` does with size 224 and crop_pct 0.875. A film has R = G = B, so one channel is kept; float
normalisation is `augment.normalise`, on the device.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile

from qcxr.data import dicom
from qcxr.data.film import MAX_PIXELS, Facts, FilmError, refuse_size
from qcxr.data.levels import LEVELS, sixteen
from qcxr.errors import InputError, one_line

FITS = ("crop", "squash")
FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Preprocessing:
    """From a film to the square that is cached: its shortest side to `resize` pixels, then the centre `crop`.

    levels: how more than 8 bits become 8, one of `levels.LEVELS`; films of 8 bits are as they are.
    fit: `squash` brings both sides to `resize`, whatever the film's proportions. resample: the filter, by PIL's name.

    Raises InputError unless both lengths are whole numbers with 1 <= crop <= resize, and the words are known.
    """

    resize: int = 256
    crop: int = 224
    levels: str = "auto"
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
        words = (("levels", self.levels, LEVELS), ("fit", self.fit, FITS), ("resample", self.resample, tuple(FILTERS)))
        for name, word, known in words:
            if word not in known:
                raise InputError(f"{name} must be one of {', '.join(known)}, got {word!r}; set image.{name}")

    @classmethod
    def of(cls, image: Mapping[str, Any]) -> Preprocessing:
        """Of the `image:` keys that a run's files have; older files say nothing of levels, fit and filter."""
        keys = ("resize", "crop", "levels", "fit", "resample")
        return cls(**{key: image[key] for key in keys if image.get(key) is not None})


PAPERS = Preprocessing()  # the paper's, and the configuration's default


def decode(data: bytes, levels: str = "auto") -> tuple[UInt8[np.ndarray, "height width"], Facts]:
    """The pixels of a PNG, JPEG or DICOM (told by its content) as gray levels, and its facts.

    RGB(A) and palette films give their gray channel (a coloured one ITU-R 601 luma, `facts.colour` is set); alpha is
    dropped, as by PIL's `convert("RGB")`. A DICOM and a 16-bit gray PNG become 8 bits by the rule `levels`; 16-bit
    colour and float films are refused.

    Raises FilmError: empty, none of these formats, truncated, damaged, too deep, too large, a stripe, or what
    `dicom.read` refuses. MissingCodec, an InputError: a DICOM that only the extra `dicom` reads.
    """
    film, facts = _open(data, levels)
    return np.asarray(film), facts


def prepare(data: bytes, to: Preprocessing = PAPERS) -> tuple[UInt8[np.ndarray, "{to.crop} {to.crop}"], Facts]:
    """`decode`, then `preprocess`: a film file's bytes to the square that is cached. Raises FilmError."""
    film, facts = _open(data, to.levels)
    return _resized(film, to), facts


def _open(data: bytes, levels: str) -> tuple[Image.Image, Facts]:
    if not data:
        raise FilmError("empty file (0 bytes)")
    if dicom.is_dicom(data):
        film, photometric = dicom.read(data, levels)
        gray, facts = _gray(film, levels)
        return gray, replace(facts, mode=photometric)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
                _refuse_by_header(image)
                image.load()
                return _gray(image, levels)
    except FilmError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise FilmError(f"more than {MAX_PIXELS:,} pixels (a decompression bomb?)") from None
    except Image.UnidentifiedImageError:
        raise FilmError("not a PNG, JPEG or DICOM") from None
    except Exception as error:  # PIL's plugins raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        raise FilmError(f"damaged or truncated ({one_line(error, 120)})") from None


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
    refuse_size(*image.size)
    raw = "".join(str(part) for tile in image.tile for part in tile[3:])  # PIL reads 16-bit RGB as 8-bit, silently
    if image.mode in ("I", "F") or (";16" in raw and image.mode != "I;16"):
        raise FilmError(f"16-bit colour or float pixels (PIL mode {image.mode}); convert it to gray first")


def _gray(image: Image.Image, levels: str) -> tuple[Image.Image, Facts]:
    mode, (width, height) = image.mode, image.size
    if mode == "I;16":
        return Image.fromarray(sixteen(np.asarray(image), levels)), Facts(width, height, mode, False)
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
