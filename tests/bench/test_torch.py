"""torch's training step is ours: the same loss, logits and gradients from the same arrays, and the same names of these.

EfficientNet-Lite0 itself is compared by every race that it is in, and too slow to compile for here.
"""

import pytest

from qcxr.bench.agreement import differences
from qcxr.bench.models import drawn
from qcxr.errors import InputError
from qcxr.models import imagenet
from qcxr.models.families import densenet, resnet

RESNET = {"name": "resnet", "config": {"embedding_size": 8, "hidden_sizes": [8], "depths": [1]}}
VIT = {
    "name": "vit",
    "config": {
        **{"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32},
        **{"image_size": 32, "patch_size": 8},
    },
}
DENSENET = {
    "name": "densenet",
    "config": {"growth_rate": 6, "block_config": [1, 2], "num_init_features": 8, "bn_size": 2},
}


@pytest.fixture
def torch():
    pytest.importorskip("transformers")
    return pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("section", "head", "batch_norm"),
    [
        (RESNET, "dqc", "batch"),
        pytest.param(VIT, "cdl", "running", marks=pytest.mark.slow),
        pytest.param(DENSENET, "cdl", "batch", marks=pytest.mark.slow),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else value,
)
def test_its_step_is_ours(torch, section, head, batch_norm):
    from qcxr.bench.peers import jaxmodel, torchstep

    case = drawn(section=section, head=head, n_labels=3, batch=4, size=32, batch_norm=batch_norm)
    peer = torchstep.step(case)
    first = peer.once()
    assert all(peer.once() < first for _ in range(3))
    found = peer.results()  # of the case's arrays, not of those that the steps reached
    off = differences(found, jaxmodel.ours(case).results(), relative=True)
    assert {name.removeprefix("by ") for name in found} == {"loss", "logits", *case.watched}
    assert max(off.values()) < 1e-4


@pytest.mark.parametrize("options", [{"circuit": "lightning.qubit"}, {"precision": "bfloat16"}], ids=str)
def test_other_ways_are_the_same_step(torch, options):
    """PennyLane's other device exactly, bfloat16 nearly: it has 8 bits."""
    from qcxr.bench.peers import torchstep

    case = drawn(section=RESNET, head="dqc", n_labels=2, batch=2, size=32)
    off = differences(torchstep.step(case, **options).results(), torchstep.step(case).results(), relative=True)
    assert (off["values_differ_by"] < 1e-5) != ("precision" in options) and off["values_differ_by"] < 0.1


def test_tf32_without_a_card_is_one_line(torch):
    if torch.cuda.is_available():
        pytest.skip("there is a card")
    from qcxr.bench.peers import torchstep

    with pytest.raises(InputError, match="TF32 is of NVIDIA's cards, and there is none"):
        torchstep.step(drawn(section=RESNET, head="cdl", n_labels=2, batch=2, size=32), precision="tf32")


@pytest.mark.parametrize(
    ("family", "rename"),
    [("resnet", resnet.rename), ("densenet", densenet.rename), ("efficientnet-lite0", imagenet.rename)],
)
def test_names_are_those_of_the_checkpoints(torch, family, rename):
    """Written twice, since a peer's process has no JAX, which the others import."""
    from qcxr.bench.peers import torchnames, torchnets
    from qcxr.models import backbones

    name = {"resnet": "resnet50", "densenet": "densenet121"}.get(family, family)
    if family == "efficientnet-lite0":
        pytest.importorskip("efficientnet_lite_pytorch")
    with torch.device("meta"):
        body, _, _ = torchnets.make(backbones.describe({"name": name}).section)
    names = [name for name in body.state_dict() if not name.endswith(torchnames.COUNTERS)]
    places = [torchnames.place(family, f"backbone.{name}") for name in names]
    assert [place.name for place in places] == [f"backbone.{rename(name)}" for name in names] and len(names) > 200
