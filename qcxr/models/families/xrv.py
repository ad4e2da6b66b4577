"""torchxrayvision's networks for chest films (Cohen et al., arXiv 2111.00595), from a file that the user has.

Their DenseNet-121 (`densenet121-res224-*`) and ResNet-50 (`resnet50-res512-all`) read one channel with gray levels in
[-1024, 1024]. A file is read once and kept as safetensors in the user's cache, under its content's and the code's hash.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qcxr.errors import InputError
from qcxr.models import arrays, torchfile
from qcxr.models.arrays import channels_last
from qcxr.models.densenet import DenseNetConfig
from qcxr.models.description import Description
from qcxr.models.families import densenet, resnet
from qcxr.models.layers import Numerics
from qcxr.models.resnet import ResNetConfig
from qcxr.study.files import make_parent, said_plainly
from qcxr.study.folders import user_cache
from qcxr.study.provenance import code_hash, digest_file

MEAN, STD = (0.5,), (1 / 2048,)  # (x / 255 - mean) / std: 0 becomes -1024, and 255 becomes 1024
LIBRARY = "torchxrayvision keeps its files in ~/.torchxrayvision/models_data"


def rename_resnet(name: str) -> str | None:
    """Our name for a tensor of torchvision's ResNet; None for what is not of the backbone.

    `layer2.0.downsample.1.running_var` -> `stages.1.blocks.0.shortcut.norm.var`; another name is returned as it is.
    """
    *place, part = name.removeprefix("model.").split(".")
    if part == "num_batches_tracked" or place[:1] == ["fc"] or not place:
        return None
    norm, kernel = f"norm.{densenet.NORM.get(part, part)}", "kernel" if part == "weight" else part
    match place:
        case ["conv1"]:
            return f"stem.{kernel}"
        case ["bn1"]:
            return f"stem.{norm}"
        case [layer, block, "downsample", index] if (stage := densenet.number(layer, "layer")) is not None:
            return f"stages.{stage - 1}.blocks.{block}.shortcut.{kernel if index == '0' else norm}"
        case [layer, block, sub] if (stage := densenet.number(layer, "layer")) is not None:
            for stem, leaf in (("conv", kernel), ("bn", norm)):
                if (conv := densenet.number(sub, stem)) is not None:
                    return f"stages.{stage - 1}.blocks.{block}.convs.{conv - 1}.{leaf}"
    return name


class Network(NamedTuple):
    """A network of torchxrayvision's: its description from scratch, and our names for its tensors."""

    description: Description
    rename: Callable[[str], str | None]


NETWORKS = {
    "xrv-densenet121": Network(densenet.from_scratch(DenseNetConfig(num_channels=1)), densenet.rename),
    "xrv-resnet50": Network(resnet.from_scratch(ResNetConfig(num_channels=1)), rename_resnet),
}
NAMES = tuple(NETWORKS)


def describe(section: Mapping[str, Any]) -> Description:
    """What a section with one of these names and a file's path as weights means."""
    name, weights = str(section.get("name")), section.get("weights")
    if weights is None:
        raise InputError(f"backbone.weights of {name} must be the path of a file, got null; {LIBRARY}")
    path = Path(weights).expanduser()
    if not path.is_file():
        raise InputError(f"backbone.weights of {name}: no file {path}; set it to one that you have; {LIBRARY}")
    load_it = partial(load, name, path)
    return replace(NETWORKS[name].description, mean=MEAN, std=STD, load=load_it, source=str(path))


def load(name: str, path: Path) -> dict[str, np.ndarray]:
    """All backbone arrays of torchxrayvision's file by our names, kernels in our order; the classifier is left out."""
    # with a hash of the code that converted it, so that arrays by names of before are not met again
    kept = user_cache() / f"{name}-{digest_file(path)[:16]}-{code_hash('qcxr.models.families.xrv')}.safetensors"
    if not kept.is_file():
        made, tensors = NETWORKS[name], torchfile.read(path)
        found = {ours: channels_last(tensors[theirs]) for theirs in tensors if (ours := made.rename(theirs))}
        plain = Numerics(dtype=np.dtype("float32"), batch_norm="running")
        arrays.fill(made.description.network(numerics=plain, rng=None), found, source=str(path))  # or it is not kept
        make_parent(kept)
        with said_plainly(kept):
            arrays.write(kept, found)
    return arrays.read(kept)[0]
