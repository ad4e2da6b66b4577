"""Hugging Face's checkpoint of a ResNet, written without torch."""

import json
from pathlib import Path

import jax
import numpy as np
from safetensors.numpy import save_file

from qcxr.models import arrays, backbones

THEIRS = {
    "kernel": "convolution.weight",
    "norm.scale": "normalization.weight",
    "norm.bias": "normalization.bias",
    "norm.mean": "normalization.running_mean",
    "norm.var": "normalization.running_var",
}


def theirs(name: str) -> str:
    """Hugging Face's name for an array of ours: what qcxr.models.huggingface reads, said the other way round."""
    (part,) = (part for part in THEIRS if name.endswith(f".{part}"))
    place = name.removesuffix(f".{part}")
    if place == "stem":
        return f"embedder.embedder.{THEIRS[part]}"
    return f"encoder.{place.replace('blocks', 'layers').replace('convs', 'layer')}.{THEIRS[part]}"


def write_checkpoint(folder: Path, config: dict, *, fresh: bool = False) -> dict[str, np.ndarray]:
    """A checkpoint as transformers' save_pretrained lays it out; its arrays by our names.

    They are random, statistics too, or with `fresh` those of a network that was never trained.
    """
    rng = np.random.default_rng(11)
    section = {"name": "resnet", "config": config}
    network = backbones.create(section, key=jax.random.key(0), batch_norm="running", precision="float32")
    ours = arrays.collect(network)
    if not fresh:
        ours = {name: rng.random(value.shape, np.float32) for name, value in ours.items()}
    tensors = {theirs(name): value.transpose(3, 2, 0, 1) if value.ndim == 4 else value for name, value in ours.items()}
    steps = {f"{name.removesuffix('.running_mean')}.num_batches_tracked" for name in tensors if "running_mean" in name}
    tensors |= {name: np.array(5) for name in steps}
    folder.mkdir(parents=True)
    save_file({name: np.array(value, order="C") for name, value in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "resnet", "torch_dtype": "float32", **config}))
    return ours
