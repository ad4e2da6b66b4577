"""What runs leave: weights, checkpoints, predictions, records; and torch's files, which some begin with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qcxr.analysis import choice, inputs, metrics, predictions
from qcxr.models import arrays, classifier
from qcxr.study import runs
from qcxr.training import status
from tests.fuzz.reader import Reader, parquet, written


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
        lambda name, data: classifier.restore(written(folder / name, data)),
    )


def safetensors(folder: Path) -> Reader:
    """A file of arrays."""
    made = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b.c": np.ones(4, np.int64)}
    arrays.write(folder / "a.safetensors", made, {"qcxr": "{}"})
    return Reader(
        {"a.safetensors": (folder / "a.safetensors").read_bytes()},
        lambda name, data: arrays.read(written(folder / name, data)),
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
    files = {"p.parquet": parquet(frame), "p.csv": frame.to_csv(index=False).encode()}
    return Reader(files, lambda name, data: predictions.read(written(folder / name, data)))


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


def torchfile(folder: Path) -> Reader:
    """A torch file: a state dict, new and old layout, and a whole module."""
    import torch  # here: optional

    from qcxr.models import torchfile as reader

    state = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.int64)}
    torch.save(state, folder / "new.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(2, 2), folder / "module.pt")
    whole = {path.name: path.read_bytes() for path in sorted(folder.glob("*.pt"))}
    return Reader(whole, lambda name, data: reader.read(written(folder / name, data)))
