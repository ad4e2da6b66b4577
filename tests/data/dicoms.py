"""DICOM radiographs made from arrays, and a JPEG lossless encoder, for the tests."""

import io
import struct
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from qcxr.data.images import decode

LOSSLESS = UID("1.2.840.10008.1.2.4.70")
STORED = np.random.default_rng(8).integers(300, 3000, (40, 45)).astype(np.uint16)
STORED[0, :2] = 300, 3000  # what used pixels are scaled by


def film(stored: np.ndarray, *, bits: int = 12, photometric: str = "MONOCHROME2", **more: Any) -> Dataset:
    """A DX film of these stored values (signed if they are), native; `more` are its other elements."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.SOPClassUID, made.SOPInstanceUID = DigitalXRayImageStorageForPresentation, generate_uid()
    made.Modality, made.PatientID = "DX", "7"
    made.Rows, made.Columns = stored.shape[:2]
    made.SamplesPerPixel = 3 if stored.ndim == 3 else 1
    if stored.ndim == 3:
        made.PlanarConfiguration = 0
    made.PhotometricInterpretation = photometric
    made.PixelRepresentation = int(stored.dtype.kind == "i")
    made.BitsAllocated, made.BitsStored, made.HighBit = 8 * stored.dtype.itemsize, bits, bits - 1
    made.PixelData = stored.tobytes()
    for name, value in more.items():
        setattr(made, name, value)
    return made


def lut(entries: list[int], *, first: int, bits: int) -> Dataset:
    """An item of a modality or VOI LUT sequence."""
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(entries), first, bits], np.array(entries, "<u2").tobytes()
    return item


def data(made: Dataset, **how: Any) -> bytes:
    """The file's bytes."""
    out = io.BytesIO()
    made.save_as(out, **{"enforce_file_format": True, **how})
    return out.getvalue()


def compressed(made: Dataset, frame: bytes, syntax: UID) -> Dataset:
    """The film with its pixels replaced by one encoded frame."""
    made.PixelData = encapsulate([frame])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    made.file_meta.TransferSyntaxUID = syntax
    return made


def jpeg_lossless(stored: np.ndarray, bits: int) -> bytes:
    """ITU-T T.81, annex H, selection value 1: differences to the left, each category a code of 5 bits."""
    height, width = stored.shape
    left = np.empty(stored.shape, np.int64)
    left[:, 1:], left[1:, 0], left[0, 0] = stored[:, :-1], stored[:-1, 0], 1 << (bits - 1)
    stream = "".join(map(_code, (stored.astype(np.int64) - left).ravel()))
    stream += "1" * (-len(stream) % 8)
    body = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    table = bytes([0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)])  # class and id 0, counts by length, symbols
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc3" + struct.pack(">HBHHBBBB", 11, bits, height, width, 1, 1, 0x11, 0),
            b"\xff\xc4" + struct.pack(">H", 2 + len(table)) + table,
            b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0),
            body + b"\xff\xd9",
        )
    )


def _code(difference: int) -> str:
    category = int(abs(difference)).bit_length()
    if category == 0:
        return f"{0:05b}"
    rest = difference if difference > 0 else difference + (1 << category) - 1
    return f"{category:05b}{rest:0{category}b}"


def rounded(shown: np.ndarray) -> np.ndarray:
    """Gray levels of what is shown on [0, 1]."""
    return np.floor(255 * shown + 0.5).astype(np.uint8)


def pixels(made: Dataset, rule: str = "auto", **how: Any) -> np.ndarray:
    """The gray levels of a film that is written and read again."""
    decoded, facts = decode(data(made, **how), rule)
    assert (facts.height, facts.width) == decoded.shape and not facts.colour
    return decoded
