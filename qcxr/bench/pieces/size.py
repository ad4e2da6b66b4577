"""How much is measured: full, for a card; small, the rehearsal of the same on a CPU."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from qcxr.bench.race import Turns


class Size(NamedTuple):
    """section: of the backbone that trains, and `pixels` the side of its films. without: peers left out.

    widths: of circuits, in qubits. deep: (qubits, layers). repeats: of each measurement within a process; seconds: at
    most, of one of its peers. films: of an epoch. epochs: of the runs that are compared bit by bit. extractors: frozen
    backbones by name. parts: side, channels, batch of the suspects.
    """

    section: Mapping[str, Any]
    pixels: int
    labels: int
    batches: Sequence[int]
    without: Sequence[str]
    turns: Turns
    widths: Sequence[int]
    circuit_batches: Sequence[int]
    deep: Sequence[tuple[int, int]]
    repeats: int
    seconds: float
    films: int
    epochs: int
    extractors: Mapping[str, Mapping[str, Any]]
    parts: tuple[int, int, int]


TINY = {"embedding_size": 4, "hidden_sizes": [8], "depths": [1], "layer_type": "basic"}
TINY_VIT = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "image_size": 16,
}
FULL = Size(
    section={"name": "resnet50"},
    pixels=224,
    labels=19,
    batches=(32, 128, 256),
    without=(),
    turns=Turns(timed=30, burst=6, seconds=8, limit=150),
    widths=(8, 14, 19, 45, 100),
    circuit_batches=(32, 256),
    deep=((8, 5), (8, 10), (8, 15), (14, 5), (14, 10), (14, 15), (19, 5)),
    repeats=30,
    seconds=3.0,
    films=1024,
    epochs=2,
    extractors={
        "ResNet-50": {"name": "resnet50"},
        "ViT-S/16": {
            "name": "vit",
            "config": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
        },
    },
    parts=(56, 256, 32),
)
SMALL = Size(
    section={"name": "resnet", "config": TINY},
    pixels=16,
    labels=3,
    batches=(4, 2),
    without=("torch.compile", "torch.compile TF32", "torch.compile bfloat16"),  # minutes of a C++ compiler
    turns=Turns(timed=2, burst=2, seconds=5, limit=120),
    widths=(3,),
    circuit_batches=(2,),
    deep=((3, 5),),
    repeats=2,
    seconds=1.0,
    films=64,
    epochs=2,
    extractors={
        "ResNet": {"name": "resnet", "config": TINY},
        "ViT": {"name": "vit", "config": TINY_VIT | {"patch_size": 8}},
    },
    parts=(8, 16, 2),
)
