"""The whole classifier: pairing across heads, determinism, parameter table, lean imports."""

import subprocess
import sys

import jax
import numpy as np
import pytest
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import arrays, classifier, heads, parameters

from .conftest import SMALL


def build(**changes):
    return classifier.build(**{"backbone": SMALL, "head": "cdl", "n_labels": 4, "seed": 0, **changes})


def test_one_seed_gives_every_head_the_same_backbone_and_another_seed_another():
    def backbone(**changes):
        return arrays.collect(build(**changes).backbone)

    reference = backbone()
    for name in heads.HEADS:
        other = backbone(head=name, n_labels=7)
        assert all(np.array_equal(other[key], reference[key]) for key in reference)
    assert not np.array_equal(backbone(seed=1)["stem.kernel"], reference["stem.kernel"])


def test_building_twice_gives_the_same_bits():
    first, second = (arrays.collect(build(head="dqc")) for _ in range(2))
    assert first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("head", heads.HEADS)
def test_logits_and_features(head, images):
    net = build(head=head)
    batch = images(3, 40, 40)
    features = nnx.jit(classifier.Classifier.features)(net, batch)
    assert features.shape == (3, 12) and features.dtype == np.float32
    np.testing.assert_allclose(nnx.jit(net)(batch), nnx.jit(net.head)(features), atol=1e-6)


def test_batch_norm_follows_the_weights_source(checkpoint):
    folder, _ = checkpoint(SMALL["config"])
    assert build().description["batch_norm"] == "batch"
    assert build(backbone={"weights": str(folder)}).description["batch_norm"] == "running"


@pytest.mark.parametrize("n_labels", [8, 14, 19])
def test_parameter_counts_are_table_ii(n_labels):
    resnet50 = {"name": "resnet50"}
    head = {8: (16_392, 24, 72), 14: (28_686, 42, 210), 19: (38_931, 57, 380)}[n_labels]
    classical = parameters.count(build(backbone=resnet50, n_labels=n_labels))
    dressed = parameters.count(build(backbone=resnet50, n_labels=n_labels, head="dqc"))
    assert classical == {"backbone": 23_508_032, "preprocess": head[0], "quantum": 0, "postprocess": 0}
    assert dressed == dict(zip(parameters.PARTS, (23_508_032, *head), strict=True))
    text = parameters.table({"dqc": dressed})
    assert "23,508,032" in text and f"{sum(dressed.values()):,}" in text


def test_bfloat16_computes_in_bfloat16_with_float32_parameters_features_and_gradients(images):
    batch = images(4, 64, 64)
    full, half = build(batch_norm="running"), build(batch_norm="running", precision="bfloat16")
    exact, rounded = nnx.jit(full.backbone)(batch), nnx.jit(half.backbone)(batch)
    assert rounded.dtype == np.float32
    relative = float(np.abs(exact - rounded).max() / np.abs(exact).max())
    assert 1e-5 < relative < 3e-2
    gradient = nnx.jit(nnx.grad(lambda m: (m(batch, train=True) ** 2).sum()))(half)
    assert all(value.dtype == np.float32 for value in jax.tree.leaves((nnx.state(half), gradient)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "float16"}, "precision must be float32 or bfloat16, got 'float16'; set train.precision"),
        ({"batch_norm": "frozen"}, "batch_norm must be running or batch, got 'frozen'; set backbone.batch_norm"),
        ({"backbone": {}}, "backbone needs weights, a known name, or the name 'resnet' with a config"),
        ({"backbone": {"name": "vgg"}}, "backbone.name must be one of resnet, resnet18, .*, got 'vgg'"),
        ({"backbone": {"depth": 3}}, "backbone has no key 'depth'; allowed: name, weights, config"),
        (
            {"backbone": {"name": "resnet18", "config": {}}},
            "backbone.config must be absent with backbone.name 'resnet18'",
        ),
        ({"backbone": {"weights": "x/y", "config": {}}}, "backbone.config must be absent with backbone.weights"),
    ],
)
def test_bad_descriptions_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        build(**changes)


def test_images_of_the_wrong_rank_are_refused():
    with pytest.raises(InputError, match=r"images must have shape \(B, H, W, C\), got \(40, 40, 3\)"):
        build()(np.zeros((40, 40, 3), np.float32))


def test_importing_the_model_does_not_import_the_peers():
    peers = "('torch', 'transformers', 'pennylane')"
    code = f"import sys, qcxr.models.classifier; print([m for m in {peers} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
