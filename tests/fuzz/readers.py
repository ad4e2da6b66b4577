"""What is fuzzed: for each reader some valid files by name, and how one of them is read."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from qcxr.analysis import choice, inputs, metrics, predictions
from qcxr.data import contract, entry, manifest, split, tablefile
from qcxr.data.cache import build
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing, prepare
from qcxr.data.pack import PackedFiles, pack
from qcxr.data.sources import Source
from qcxr.data.table import read as read_rows
from qcxr.models import arrays, classifier
from qcxr.study import config, pluginfile, runs, yamlfile
from qcxr.training import status
from tests.data import dicoms, films, tables

SMALL = Preprocessing(resize=36, crop=32)
ROOT = Path(__file__).parents[2]


class Reader(NamedTuple):
    """Valid files by name, and what reads a damaged one of them."""

    files: Mapping[str, bytes]
    read: Callable[[str, bytes], object]


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
        "films.parquet": _parquet(pd.read_csv(io.StringIO(text), dtype=str)),
        "numbers.parquet": _parquet(pd.read_csv(io.StringIO(text))),
    }

    def read(name: str, data: bytes) -> object:
        (folder / name).write_bytes(data)
        section = tables.table(folder, None, name, age="years", sex="gender")
        tablefile.columns_of(folder / name)
        return contract.check(read_rows(**section.reader_options()))

    return Reader(files, read)


def manifests(folder: Path) -> Reader:
    """A manifest."""
    films.manifest_of("nih", films.nih(folder / "nih"), folder / "m.parquet")
    return Reader(
        {"m.parquet": (folder / "m.parquet").read_bytes()},
        lambda name, data: manifest.read_manifest(_written(folder / name, data)),
    )


def packed(folder: Path) -> Reader:
    """A packed split: array, index and JSON."""
    source = films.nih(folder / "nih")
    frame = films.manifest_of("nih", source, folder / "m.parquet")
    where = Films(source["images"], folder / "cache", SMALL)
    build(frame, where, progress=False)
    stem = folder / "packed/nih-train"
    out = PackedFiles(*(stem.with_suffix(f".{suffix}") for suffix in ("npy", "parquet", "json")))
    pack(frame, where, split="train", out=out)
    whole = {path.name: path.read_bytes() for path in sorted(stem.parent.iterdir())}

    def read(name: str, data: bytes) -> object:
        for other, content in whole.items():
            (stem.parent / other).write_bytes(data if other == name else content)
        found = split.load(stem.with_suffix(".npy"), ["Mass", "Nodule"])
        return found.images[:].sum(), found.truth

    return Reader(whole, read)


def entries(folder: Path) -> Reader:
    """An entry of the cache of films."""
    image = films.gray(np.random.default_rng(1), 32, 32)
    whole = {"entry": entry.pack_entry(image, Facts(32, 32, "L", False))}

    def read(_: str, data: bytes) -> object:
        try:
            return entry.unpack_whole(data, crop=32)
        except entry.CorruptEntry:  # which those who read entries turn into a rebuilt film, or a line
            return None

    return Reader(whole, read)


def cache(folder: Path) -> Reader:
    """The cache's database."""
    source = films.nih(folder / "nih", n=12)
    frame = films.manifest_of("nih", source, folder / "m.parquet")
    where = Films(source["images"], folder / "cache", SMALL)
    build(frame, where, progress=False)
    whole = (folder / "cache/cache.db").read_bytes()

    def read(_: str, data: bytes) -> object:
        shutil.rmtree(folder / "cache")
        (folder / "cache").mkdir()
        (folder / "cache/cache.db").write_bytes(data)
        return build(frame, where, progress=False)

    return Reader({"cache.db": whole}, read)


def weights(folder: Path) -> Reader:
    """A weights file, up to the network that it describes."""
    network = {
        "name": "resnet",
        "config": {"embedding_size": 4, "hidden_sizes": [4], "depths": [1], "layer_type": "basic"},
    }
    model = classifier.build(classifier.Architecture(network, "cdl", 2), seed=0)
    classifier.save(folder / "w.safetensors", model, metadata={"labels": ["Mass", "Nodule"], "image": {"mean": [0.5]}})
    return Reader(
        {"w.safetensors": (folder / "w.safetensors").read_bytes()},
        lambda name, data: classifier.restore(_written(folder / name, data)),
    )


def safetensors(folder: Path) -> Reader:
    """A file of arrays."""
    made = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b.c": np.ones(4, np.int64)}
    arrays.write(folder / "a.safetensors", made, {"qcxr": "{}"})
    return Reader(
        {"a.safetensors": (folder / "a.safetensors").read_bytes()},
        lambda name, data: arrays.read(_written(folder / name, data)),
    )


def checkpoints(folder: Path) -> Reader:
    """The newest of two checkpoints: the one before is what is resumed from, or none at all."""
    from qcxr.training.checkpoint import Checkpoints, work_folder  # here: Orbax takes seconds

    marks = {"seed": 0, "config": "c"}
    work = work_folder(folder / "work", marks)
    made, state = Checkpoints(work), {"00000": np.arange(4, dtype=np.float32)}
    for step in (1, 2):
        made.save(step, state, {"epoch": step})
    made.close()
    whole = {str(path.relative_to(work)): path.read_bytes() for path in sorted(work.rglob("*")) if path.is_file()}
    shutil.copytree(work, folder / "whole")

    def read(name: str, data: bytes) -> object:
        shutil.rmtree(work)
        shutil.copytree(folder / "whole", work)
        (work / name).write_bytes(data)
        found = Checkpoints(work_folder(folder / "work", marks))
        try:
            restored = found.restore()
        finally:
            found.close()
        for arrays_, position in [restored] if restored else []:
            assert position["epoch"] in (1, 2) and (arrays_["00000"] == state["00000"]).all(), "a damaged one is taken"
        return restored

    return Reader(whole, read)


def prediction(folder: Path) -> Reader:
    """A prediction table, parquet or CSV."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"image_id": [f"f{i}" for i in range(30)], "patient_id": [f"p{i // 2}" for i in range(30)]})
    for label in ("Mass", "Nodule"):
        frame[f"p_{label}"] = rng.random(30).astype(np.float32)
        frame[f"y_{label}"] = pd.array(rng.integers(0, 2, 30), "Int8")
    frame.loc[3, "y_Mass"] = pd.NA
    files = {"p.parquet": _parquet(frame), "p.csv": frame.to_csv(index=False).encode()}
    return Reader(files, lambda name, data: predictions.read(_written(folder / name, data)))


def records(folder: Path) -> Reader:
    """What a run and a search leave: JSON, histories and metrics."""
    run = {"task": "t", "head": "cdl", "seed": 0, "variant": "", "config": '{"train": {"epochs": 2}}', "labels": ["a"]}
    run |= {"wall_seconds": 1.5, "parameters": {"head": 3}, "versions": {"jax": "1"}, "epochs": 2, "device": "cpu"}
    rows = [{"epoch": i, "train_loss": 0.5, "val_loss": 0.4, "seconds": 1, "films_per_second": 9.0} for i in (1, 2)]
    history = pd.DataFrame(rows).assign(best=True)
    keys = {"task": "t", "head": "cdl", "seed": 0}
    scores = pd.DataFrame([{**keys, "dataset": "nih", "label": "a", "metric": "auroc", "value": 0.5}])
    scores = scores.assign(**dict.fromkeys(metrics.COLUMNS[3:], 1)).assign(reason="")
    chosen = {**keys, "metric": "auroc", "lower_is_better": False, "trial": 0, "values": {"train.epochs": 3}}
    chosen["trials"] = [{"trial": 0, "value": 0.5, "values": {"train.epochs": 3}}]
    events = [{"state": "started", "time": 1.0, "pid": 1}]
    events += [{"state": "epoch", "epochs": 2, "time": 2.0, "pid": 1, **row} for row in rows]
    whole = {
        "run.json": json.dumps(run).encode(),
        "history.csv": history.to_csv(index=False).encode(),
        "metrics.csv": scores.to_csv(index=False).encode(),
        "choice.json": json.dumps(chosen).encode(),
        "progress.jsonl": "\n".join(map(json.dumps, events)).encode(),
    }
    readers: dict[str, Callable[[Path], Any]] = {
        "run.json": lambda path: (inputs.read_run(path), inputs.read_history(path.parent)),
        "history.csv": lambda path: inputs.read_history(path.parent),
        "metrics.csv": metrics.read_metrics,
        "choice.json": lambda path: (runs.chosen(path), choice.collect([path], path.with_name("search.csv"))),
        "progress.jsonl": lambda path: status.run_row(path, finished=False),
    }

    def read(name: str, data: bytes) -> object:
        for other, content in whole.items():
            (folder / other).write_bytes(data if other == name else content)
        return readers[name](folder / name)

    return Reader(whole, read)


def configuration(folder: Path) -> Reader:
    """A study's configuration, up to its checked form."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    files = {"config.yaml": yaml.safe_dump(shipped, sort_keys=False).encode()}
    return Reader(files, lambda name, data: config.parse(yamlfile.read(_written(folder / name, data))))


def plugins(folder: Path) -> Reader:
    """A file of plug-ins, which is read and not run."""
    from tests.study.written import FILE  # here: its folder is on the path of its tests only when they run

    def read(name: str, data: bytes) -> object:
        pluginfile._read.cache_clear()
        return pluginfile.read(_written(folder / name, data))

    return Reader({"mine.py": FILE.encode()}, read)


def torchfile(folder: Path) -> Reader:
    """A torch file: a state dict, new and old layout, and a whole module."""
    import torch  # here: optional

    from qcxr.models import torchfile as reader

    state = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.int64)}
    torch.save(state, folder / "new.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 2), folder / "module.pt")
    whole = {path.name: path.read_bytes() for path in sorted(folder.glob("*.pt"))}
    return Reader(whole, lambda name, data: reader.read(_written(folder / name, data)))


READERS: dict[str, Callable[[Path], Reader]] = {
    **{"png": png, "jpeg": jpeg, "dicom": dicom},
    **{"labels": labels, "table": table, "manifest": manifests, "configuration": configuration, "plugins": plugins},
    **{"entry": entries, "cache": cache, "packed": packed},
    **{"safetensors": safetensors, "weights": weights, "checkpoint": checkpoints, "torch": torchfile},
    **{"predictions": prediction, "records": records},
}


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()
