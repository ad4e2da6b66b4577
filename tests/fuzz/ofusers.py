"""What people bring: films, label files, tables, configurations, plug-ins."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from qcxr.data import contract, tablefile
from qcxr.data.images import prepare
from qcxr.data.sources import Source
from qcxr.data.table import read as read_rows
from qcxr.study import config, pluginfile, yamlfile
from tests.data import dicoms, films, tables
from tests.fuzz.reader import SMALL, Reader, parquet, written
from tests.study.written import FILE

ROOT = Path(__file__).parents[2]


def _picture(kind: str, modes: Mapping[str, str]) -> Reader:
    gray, files = films.gray(np.random.default_rng(0), 40, 44), {}
    for mode, more in modes.items():
        out = io.BytesIO()
        pixels = Image.fromarray(gray.astype(np.uint16) * 16) if mode == "I;16" else Image.fromarray(gray).convert(mode)
        pixels.save(out, kind, **json.loads(more))
        files[mode] = out.getvalue()
    return Reader(files, lambda _, data: prepare(data, SMALL))


def png(folder: Path) -> Reader:
    """Films in PNG, of every mode that is read."""
    return _picture("PNG", dict.fromkeys(("L", "LA", "RGB", "RGBA", "P", "1", "I;16"), "{}"))


def jpeg(folder: Path) -> Reader:
    """Films in JPEG, gray, coloured and progressive."""
    return _picture("JPEG", {"L": "{}", "RGB": '{"progressive": true}', "CMYK": "{}"})


def dicom(folder: Path) -> Reader:
    """DICOM films, native and compressed."""
    made = {
        "native": dicoms.film(dicoms.STORED),
        "signed": dicoms.film(dicoms.STORED.astype(np.int16), RescaleSlope="1", RescaleIntercept="-5"),
        "window": dicoms.film(dicoms.STORED, WindowCenter="1500", WindowWidth="900", PixelPaddingValue=300),
        "rgb": dicoms.film(np.random.default_rng(0).integers(0, 255, (40, 45, 3), np.uint8), bits=8, photometric="RGB"),
        "lut": dicoms.film(dicoms.STORED, VOILUTSequence=[dicoms.lut(list(range(4096)), first=0, bits=12)]),
        "lossless": dicoms.compressed(
            dicoms.film(dicoms.STORED), dicoms.jpeg_lossless(dicoms.STORED, 12), dicoms.LOSSLESS
        ),
    }
    files = {name: dicoms.data(film) for name, film in made.items()}
    return Reader(files, lambda _, data: prepare(data, SMALL))


def labels(folder: Path) -> Reader:
    """NIH's label files, and MIMIC's with their metadata."""
    nih, mimic = films.nih(folder / "nih"), films.mimic(folder / "mimic")
    given = {"nih": nih, "mimic": mimic}
    listed = [*sorted(nih["labels"].iterdir()), mimic["images"] / "development.csv", mimic["metadata"]]
    whole = {str(path.relative_to(folder)): path.read_bytes() for path in listed}

    def read(name: str, data: bytes) -> object:
        (folder / name).write_bytes(data)
        try:
            kind = name.partition("/")[0]
            return contract.check(Source(kind, given[kind]).read())
        finally:
            (folder / name).write_bytes(whole[name])

    return Reader(whole, read)


def table(folder: Path) -> Reader:
    """A table that the configuration describes: commas, semicolons, tabs, parquet."""
    text = tables.FILMS.replace(";", ",")
    files = {
        "films.csv": text.encode(),
        "semicolon.csv": tables.FILMS.encode(),
        "films.tsv": text.replace(",", "\t").encode(),
        "films.parquet": parquet(pd.read_csv(io.StringIO(text), dtype=str)),
        "numbers.parquet": parquet(pd.read_csv(io.StringIO(text))),
    }

    def read(name: str, data: bytes) -> object:
        (folder / name).write_bytes(data)
        section = tables.table(folder, None, name, age="years", sex="gender")
        tablefile.columns_of(folder / name)
        return contract.check(read_rows(**section.reader_options()))

    return Reader(files, read)


def configuration(folder: Path) -> Reader:
    """A study's configuration, up to its checked form."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    files = {"config.yaml": yaml.safe_dump(shipped, sort_keys=False).encode()}
    return Reader(files, lambda name, data: config.parse(yamlfile.read(written(folder / name, data))))


def plugins(folder: Path) -> Reader:
    """A file of plug-ins, which is read and not run."""

    def read(name: str, data: bytes) -> object:
        pluginfile._read.cache_clear()
        return pluginfile.read(written(folder / name, data))

    return Reader({"mine.py": FILE.encode()}, read)
