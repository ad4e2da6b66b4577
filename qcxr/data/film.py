"""What every reader of films shares: the facts of a film's file, what is too large, and the error that says why not."""

from dataclasses import dataclass

from qcxr.errors import InputError

# The largest films of either source are CR plates of about 4,300 x 3,500; beyond this a file is broken or hostile.
MAX_PIXELS = 64_000_000
# Resizing the shortest side blows a stripe up: at 1:20 and resize 256 it would be 5,120 pixels long, with 224 kept.
MAX_ASPECT = 20.0
GRAY_MODES = ("L", "I;16", "MONOCHROME1", "MONOCHROME2")  # of `Facts.mode`: one gray channel, as a film should have


class FilmError(ValueError):
    """A film that cannot be used; the text is the reason, without the path."""


class MissingCodec(InputError):
    """A film that this installation cannot read, and another could: no fault of the film's."""


@dataclass(frozen=True)
class Facts:
    """What is worth knowing about a film file, for the audit and for prediction.

    mode: PIL's, or a DICOM's photometric interpretation. colour: R, G and B differ.
    """

    width: int
    height: int
    mode: str
    colour: bool

    @property
    def aspect(self) -> float:
        """Longest side over shortest side, >= 1."""
        return max(self.width, self.height) / min(self.width, self.height)


def refuse_size(width: int, height: int) -> None:
    """Before anything is decoded. Raises FilmError: no pixels, too many, or a stripe."""
    if width < 1 or height < 1:
        raise FilmError(f"{width} x {height} has no pixels")
    if width * height > MAX_PIXELS:
        raise FilmError(f"{width} x {height} is more than {MAX_PIXELS:,} pixels (a decompression bomb?)")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise FilmError(f"{width} x {height} is a stripe (sides beyond 1:{MAX_ASPECT:g})")
