"""Films/s and peak memory of reading films of each format, from a file's bytes to the cached square, one process each.

The films are one detector's: 2,500 x 2,048 generated pixels of 12 bits (8 in the 8-bit PNG and JPEG).
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt16
from PIL import Image

from qcxr.data.images import prepare
from qcxr.study.memory import peak_memory_mb

HEIGHT, WIDTH = 2500, 2048
Row = tuple[str, float, str, str]
Stored = UInt16[np.ndarray, "height width"]


def draw(seed: int, height: int = HEIGHT, width: int = WIDTH) -> Stored:
    """A gradient with noise of 4 of 4,096 levels, which a film has."""
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.linspace(300, 2000, height), np.linspace(0, 1300, width))
    return np.clip(ramp + rng.normal(0, 4.0, (height, width)), 0, 4095).astype(np.uint16)


def _png8(stored: Stored) -> bytes:
    return _saved(Image.fromarray((stored >> 4).astype(np.uint8)), "PNG")


def _png16(stored: Stored) -> bytes:
    return _saved(Image.fromarray(stored), "PNG")


def _jpeg(stored: Stored) -> bytes:
    return _saved(Image.fromarray((stored >> 4).astype(np.uint8)), "JPEG", quality=95)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _dicom(syntax: str = "") -> Callable[[Stored], bytes]:
    def write(stored: Stored) -> bytes:
        from pydicom import Dataset, uid  # here: optional
        from pydicom.dataset import FileMetaDataset

        film = Dataset()
        film.file_meta = FileMetaDataset()
        film.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
        film.SOPClassUID, film.SOPInstanceUID = uid.DigitalXRayImageStorageForPresentation, uid.generate_uid()
        film.file_meta.MediaStorageSOPClassUID = film.SOPClassUID
        film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
        film.Modality, film.PhotometricInterpretation = "DX", "MONOCHROME1"
        (film.Rows, film.Columns), film.SamplesPerPixel, film.PixelRepresentation = stored.shape, 1, 0
        film.BitsAllocated, film.BitsStored, film.HighBit = 16, 12, 11
        film.WindowCenter, film.WindowWidth = 2000, 3500
        film.PixelData = stored.tobytes()
        if syntax:
            film.compress(getattr(uid, syntax))
        out = io.BytesIO()
        film.save_as(out, enforce_file_format=True)
        return out.getvalue()

    return write


KINDS: dict[str, Callable[[Stored], bytes]] = {
    "8-bit PNG": _png8,
    "8-bit JPEG": _jpeg,
    "16-bit PNG": _png16,
    "DICOM, native": _dicom(),
    "DICOM, JPEG 2000 lossless": _dicom("JPEG2000Lossless"),
    "DICOM, RLE": _dicom("RLELossless"),
}


def format_rows(*, n_films: int = 6, height: int = HEIGHT, width: int = WIDTH, repeats: int = 3) -> list[Row]:
    """Films/s and peak memory of each of `KINDS`, each in a process of its own. Needs the extra `dicom`."""
    rows = []
    for kind, write in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(n_films):
                Path(folder, str(seed)).write_bytes(write(draw(seed, height, width)))
            command = [sys.executable, "-m", "qcxr.bench.formats", folder, str(repeats)]
            said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        what = f"{kind}, {width} x {height}"
        rows.append((f"reading {what}", said["films_per_second"], "films/s", ""))
        rows.append((f"peak memory of reading {what}", said["peak_mb"], "MB", ""))
    return rows


def main(argv: list[str] | None = None) -> None:
    """The child: read all films of a folder `repeats` times and say how fast, in CPU time, and with how much memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("repeats", type=int)
    given = parser.parse_args(argv)
    paths = sorted(given.folder.iterdir())
    prepare(paths[0].read_bytes())  # imports
    best = float("inf")
    for _ in range(given.repeats):
        started = time.process_time()
        for path in paths:
            prepare(path.read_bytes())
        best = min(best, time.process_time() - started)
    print(json.dumps({"films_per_second": len(paths) / best, "peak_mb": peak_memory_mb()}))


if __name__ == "__main__":
    main()
