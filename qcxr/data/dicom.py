"""A DICOM radiograph's pixels as 8-bit gray (PS3.3, C.7.6.3, C.11.1, C.11.2), read by pydicom: the extra `dicom`.

In order: stored value -> modality LUT or rescale -> VOI LUT or first window (`image.levels`, see `levels.py`) -> 0 to
255 -> inverted if MONOCHROME1. All of it is done once for each of the at most 65,536 stored values, so a film costs one
look-up a pixel. Pixel padding is black. Spacing, aspect of pixels, overlays and presentation states are ignored.
"""

import importlib.util
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Integer
from PIL import Image

from qcxr.data import codestream
from qcxr.data.film import FilmError, MissingCodec, refuse_size
from qcxr.data.levels import looked_up, present, to_bytes
from qcxr.data.voi import presented
from qcxr.errors import one_line

if TYPE_CHECKING:
    from pydicom import Dataset

# Radiographs (CR, DX, RG), and what other machines, or those who remove names, write there. CT, MR, US ... are refused.
MODALITIES = {"", "CR", "DX", "DR", "RG", "RF", "XR", "OT", "SC"}
COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
# Native, RLE, JPEG, JPEG-LS, JPEG 2000 (HT too). Deflated files may be bombs; video and references have no film.
SYNTAXES = {
    *(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".5")),
    *(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
}
_INSTALL = "pip install -e '.[dicom]'"


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are of a DICOM file: by its preamble, or, without one, by a first element that one may have."""
    if data[128:132] == b"DICM":
        return True
    # little-endian (0002,xxxx) or (0008,xxxx), explicit VR or an implicit length that is small
    return data[:2] in (b"\x02\x00", b"\x08\x00") and (
        (data[4:6].isalpha() and data[4:6].isupper()) or data[6:8] == b"\0\0"
    )


def read(data: bytes, levels: str) -> tuple[Image.Image, str]:
    """(film, photometric interpretation): gray in 8 bits, or RGB in 8 bits where the file has colours.

    Raises FilmError: no radiograph, several frames, a palette, depths and syntaxes that are not read, too large,
    damaged. MissingCodec: pydicom, or what it needs for this compression, is not installed.
    """
    if not _installed():
        raise MissingCodec(f"a DICOM needs pydicom, which is not installed; {_INSTALL}")
    with warnings.catch_warnings():  # pydicom warns of each value that is not as the standard has it
        warnings.simplefilter("ignore")
        try:
            return _read(data, levels)
        except MissingCodec:
            raise
        except FilmError as error:  # names of the file's own are in it, with line ends or anything else, of any length
            raise FilmError(one_line(error, 300)) from None
        except Exception as error:  # pydicom and the decoders raise what they meet
            raise FilmError(f"damaged or truncated DICOM ({one_line(error, 120)})") from None


def _installed() -> bool:
    return importlib.util.find_spec("pydicom") is not None


def _read(data: bytes, levels: str) -> tuple[Image.Image, str]:
    from pydicom import dcmread  # here: optional, and most films are not DICOM

    _refuse_syntax(_syntax(data))
    film = dcmread(io.BytesIO(data), force=True)
    photometric = _refuse_by_header(film)
    pixels = _pixels(film)
    if photometric in COLOURS:
        return Image.fromarray(pixels), photometric
    stored = int(film.BitsStored)
    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    index = native.view(f"u{native.itemsize}").astype(np.uint16, copy=False) & np.uint16((1 << stored) - 1)
    codes = np.arange(1 << stored, dtype=np.int64)
    if film.PixelRepresentation == 1:
        codes = np.where(codes >= 1 << (stored - 1), codes - (1 << stored), codes)
    table = _table(film, codes, index, levels)
    return Image.fromarray(looked_up(table, index)), photometric


def _table(
    film: "Dataset", codes: Integer[np.ndarray, " codes"], index: Integer[np.ndarray, "height width"], levels: str
) -> np.ndarray:
    """The gray level of each stored value, uint8."""
    padding = _padding(film, codes)

    def used() -> Bool[np.ndarray, " codes"]:
        found = present(index, len(codes)) & ~padding
        return found if found.any() else ~padding

    table = to_bytes(presented(film, codes, used, levels))
    if film.PhotometricInterpretation == "MONOCHROME1":
        table = 255 - table
    return np.where(padding, 0, table).astype(np.uint8)


def _syntax(data: bytes) -> str:
    """The transfer syntax that the file's head names, or "": read alone, since the rest may be deflated."""
    from pydicom.filereader import read_dataset  # here: optional

    file = io.BytesIO(data)
    file.seek(132 if data[128:132] == b"DICM" else 0)
    head = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag.group != 2)
    return str(head.get("TransferSyntaxUID", ""))


def _refuse_syntax(syntax: str) -> None:
    from pydicom.uid import UID  # here: optional

    if syntax and syntax not in SYNTAXES:
        raise FilmError(f"DICOM in transfer syntax {UID(syntax).name}, which is not read; convert it first")


def _refuse_by_header(film: "Dataset") -> str:
    """The photometric interpretation of a film that can be read. Raises FilmError."""
    if "Rows" not in film or "Columns" not in film or "PixelData" not in film:
        raise FilmError("a DICOM without pixels (a report, a directory, or a damaged file)")
    if (modality := str(film.get("Modality") or "").strip().upper()) not in MODALITIES:
        raise FilmError(f"a DICOM of modality {modality[:16]}, not a radiograph (CR, DX, RG)")
    if (frames := int(film.get("NumberOfFrames") or 1)) != 1:
        raise FilmError(f"a DICOM of {frames:,} frames; a film has one")
    refuse_size(int(film.Columns), int(film.Rows))
    photometric = str(film.PhotometricInterpretation).strip().upper()
    gray = photometric in ("MONOCHROME1", "MONOCHROME2")
    if not gray and photometric not in COLOURS:
        raise FilmError(f"a DICOM of photometric interpretation {photometric[:16]}; films are MONOCHROME1, 2 or RGB")
    if int(film.SamplesPerPixel) != (1 if gray else 3):
        raise FilmError(f"a DICOM of {film.SamplesPerPixel} samples a pixel in {photometric}")
    allocated, stored = int(film.BitsAllocated), int(film.BitsStored)
    if (allocated, stored) != (8, 8) and not (gray and allocated == 16 and 8 <= stored <= 16):
        raise FilmError(f"a DICOM of {stored} bits in {allocated}; films have 8 to 16 in 8 or 16, in colour 8")
    if int(film.get("HighBit", stored - 1)) != stored - 1:
        raise FilmError(
            f"a DICOM whose highest bit is {film.HighBit}, not {stored - 1}: its pixels hold other bits too"
        )
    return photometric


def _pixels(film: "Dataset") -> np.ndarray:
    """The stored values, or RGB; one frame."""
    from pydicom.encaps import generate_frames  # here: optional
    from pydicom.pixels import get_decoder

    syntax = film.file_meta.get("TransferSyntaxUID") if hasattr(film, "file_meta") else None
    if syntax is None:  # no head: pydicom has found out how the elements are written
        from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian  # here: optional

        syntax = ImplicitVRLittleEndian if film.original_encoding[0] else ExplicitVRLittleEndian
        film.file_meta.TransferSyntaxUID = syntax
    decoder = get_decoder(syntax)
    if not decoder.is_available:
        raise MissingCodec(f"a DICOM in {syntax.name} needs pylibjpeg's plugins, which are not installed; {_INSTALL}")
    if decoder.is_encapsulated:
        frame = next(generate_frames(film.PixelData, number_of_frames=1))
        said, expected = codestream.size(frame), (int(film.Columns), int(film.Rows))
        if syntax.name != "RLE Lossless" and said != expected:
            found = "not a frame of its syntax" if said is None else f"a frame of {said[0]} x {said[1]}"
            raise FilmError(f"damaged DICOM: {found} where its header says {expected[0]} x {expected[1]}")
    return decoder.as_array(film, index=0, raw=False)[0]


def _padding(film: "Dataset", codes: Integer[np.ndarray, " codes"]) -> Bool[np.ndarray, " codes"]:
    """Which stored values are padding: what fills the square about a round or turned film (PS3.3, C.7.5.1.1.2)."""
    first = film.get("PixelPaddingValue")
    if first is None:
        return np.zeros(len(codes), bool)
    last = film.get("PixelPaddingRangeLimit")
    ends = sorted((int(first), int(first if last is None else last)))
    return (codes >= ends[0]) & (codes <= ends[1])
