"""Small backbones that the tests of this room share, as checkpoints too: our own files, and torch's by transformers."""

from pathlib import Path

import numpy as np
import pytest

from qcxr.models import classifier
from qcxr.models.classifier import Architecture, Classifier
from tests.models.checkpoints import write_checkpoint

CONFIGS = {
    "basic": {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [2, 1], "layer_type": "basic"},
    "bottleneck": {"embedding_size": 8, "hidden_sizes": [16, 32], "depths": [1, 2], "layer_type": "bottleneck"},
    "early": {
        "embedding_size": 4,
        "hidden_sizes": [8, 16, 24],
        "depths": [1, 1, 1],
        "layer_type": "bottleneck",
        "downsample_in_first_stage": True,
        "downsample_in_bottleneck": True,
        "hidden_act": "gelu",
    },
}
OWN = {"circuit": {"function": f"{Path(__file__).parents[2]}/docs/own_circuits.py:bricks", "arguments": {"layers": 1}}}
SMALL = {"name": "resnet", "config": CONFIGS["basic"]}


def build(*, seed: int = 0, **changes) -> Classifier:
    """A small classifier, unless the changes to its architecture make it another; `OWN` has what kinds must be told."""
    told = {"head_options": OWN.get(changes.get("head", "cdl"), {})}
    whole = {"backbone": SMALL, "head": "cdl", "n_labels": 4, **told, **changes}
    return classifier.build(Architecture(**whole), seed=seed)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A checkpoint of the basic network, to be read or damaged."""
    write_checkpoint(tmp_path / "checkpoint", CONFIGS["basic"])
    return tmp_path / "checkpoint"


@pytest.fixture(scope="session")
def torch_checkpoint(tmp_path_factory):
    """A function: config -> (folder written by save_pretrained, torch model), all arrays random, statistics too."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def make(config: dict):
        torch.manual_seed(0)
        model = transformers.ResNetModel(transformers.ResNetConfig(**config)).eval()
        with torch.no_grad():
            for name, value in [*model.named_parameters(), *model.named_buffers()]:
                if "normalization" in name and value.ndim == 1:
                    value.copy_(torch.rand_like(value) + (0.0 if "mean" in name or "bias" in name else 0.5))
        folder = tmp_path_factory.mktemp("checkpoint")
        model.save_pretrained(folder)
        return folder, model

    return make


@pytest.fixture
def images():
    """A function: (batch, height, width) -> normalised images (batch, height, width, 3) float32."""

    def make(batch: int, height: int, width: int) -> np.ndarray:
        return np.random.default_rng(7).standard_normal((batch, height, width, 3), np.float32)

    return make
