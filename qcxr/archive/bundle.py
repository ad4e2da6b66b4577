"""A folder as a zip with the same bytes each time, and back."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tqdm import tqdm

from qcxr.errors import InputError
from qcxr.study.files import replacing

FORMAT = 1  # of archive.json: a version reads its own
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip knows


def pack(folder: Path, out: Path) -> None:
    """Write the files of `folder`, sorted by name, without their times and owners."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in tqdm(files, unit="file", desc="zip", disable=None, leave=False):
            about = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            about.external_attr, about.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            with open(path, "rb") as source, packed.open(about, "w", force_zip64=True) as target:
                while block := source.read(1 << 20):
                    target.write(block)


@contextmanager
def opened(archive: Path) -> Iterator[Path]:
    """The archive's folder: itself, or while the block lasts what its zip holds. Raises `InputError` for no zip."""
    if archive.is_dir():
        yield archive
        return
    with TemporaryDirectory(prefix="qcxr-archive-") as folder:
        try:
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)  # it keeps every name within the folder
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{archive} is no whole zip ({error}); take the archive from its source again") from None
        yield Path(folder)
