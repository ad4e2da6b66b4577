"""A backbone that torch computes: films/s and memory of the features step, beside the bare model in torch.

The models have real sizes and random arrays. Every case runs in a process of its own, in turns.
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from qcxr.arguments import positive
from qcxr.study import memory

PEERS = ("features", "torch")
MODELS: dict[str, tuple[str, dict[str, Any], int]] = {  # transformers' name, its configuration, side of a film
    "vit-s": ("ViT", {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}, 224),
    "vit-b": ("ViT", {}, 224),
    "rad-dino": ("Dinov2", {"image_size": 518, "patch_size": 14}, 518),
}


def main(words: Sequence[str] | None = None) -> None:
    """Print a table: model, peer, films/s (median over turns), peak memory."""
    parser = argparse.ArgumentParser(prog="qcxr bench hub", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", default="vit-s", help=f"comma-separated, of {', '.join(MODELS)}")
    parser.add_argument("--films", type=positive, default=64)
    parser.add_argument("--threads", type=positive, default=2)
    parser.add_argument("--turns", type=positive, default=3)
    given = parser.parse_args(words)
    if unknown := sorted(set(given.models.split(",")) - set(MODELS)):
        parser.error(f"--models must be of {', '.join(MODELS)}, got {unknown[0]!r}")
    print(f"{'model':10}{'peer':10}{'films/s':>9}{'slowest':>9}{'fastest':>9}{'peak MB':>9}")
    for name in given.models.split(","):
        with tempfile.TemporaryDirectory() as folder:
            _once(write, name, folder)
            rows = [(peer, *_once(measure, peer, folder, given)) for _ in range(given.turns) for peer in PEERS]
        for peer in PEERS:
            rates = [rate for found, rate, _ in rows if found == peer]
            peak = max(peak for found, _, peak in rows if found == peer)
            print(f"{name:10}{peer:10}{statistics.median(rates):9.2f}{min(rates):9.2f}{max(rates):9.2f}{peak:9.0f}")


def _once(function: Any, *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def write(name: str, folder: str) -> None:
    """A checkpoint of that model with random arrays."""
    import transformers  # here: not in the process that only starts the others

    family, config, side = MODELS[name]
    made = getattr(transformers, f"{family}Config")(**config)
    getattr(transformers, f"{family}Model")(made).save_pretrained(folder)
    processor = {"image_processor_type": "ViTImageProcessor", "size": side}
    Path(folder, "preprocessor_config.json").write_text(json.dumps(processor), encoding="utf-8")
    Path(folder, "side").write_text(str(side), encoding="utf-8")


def measure(peer: str, folder: str, given: argparse.Namespace) -> tuple[float, float]:
    """(films/s, peak MB) of one peer in this process; a first batch is not counted."""
    side = int(Path(folder, "side").read_text(encoding="utf-8"))
    films = np.random.default_rng(0).integers(0, 255, (given.films, side, side), np.uint8)
    run = _features if peer == "features" else _torch
    return given.films / run(folder, films, given.threads), memory.peak_memory_mb()


def _features(folder: str, films: np.ndarray, threads: int) -> float:
    from qcxr.data.augment import normalise  # here: JAX and torch, each only in the processes that need them
    from qcxr.models import features
    from qcxr.study.backbone import Backbone
    from qcxr.training.backbone import extractor

    frozen = extractor(Backbone(weights=folder, trainable="head", library="torch"), "float32", threads=threads)
    views = features.Views(lambda gray: normalise(gray))
    seconds = 0.0
    for part in (films[:1], films):
        started = time.perf_counter()
        features.compute(frozen, part, folder=tempfile.mkdtemp(dir=folder), about={}, views=views)
        seconds = time.perf_counter() - started
    return seconds


def _torch(folder: str, films: np.ndarray, threads: int) -> float:
    import torch  # here: as above
    import transformers

    from qcxr.models.hubmodel import PIXELS  # here: as above

    torch.set_num_threads(threads)
    model, seconds = transformers.AutoModel.from_pretrained(folder).eval(), 0.0
    at_once = max(1, PIXELS // films[0].size)
    for part in (films[:1], films):
        started = time.perf_counter()
        with torch.inference_mode():
            for first in range(0, len(part), at_once):
                gray = torch.from_numpy(part[first : first + at_once]).float()[:, None].expand(-1, 3, -1, -1)
                model(pixel_values=(gray / 255 - 0.5) / 0.5)
        seconds = time.perf_counter() - started
    return seconds


if __name__ == "__main__":
    main()
