"""Trainable groups: every array in exactly one, merging back exact, frozen stages frozen in function too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from flax.traverse_util import flatten_dict

from qcxr.errors import InputError
from qcxr.models import arrays, groups

from . import conftest

CONFIG = {"embedding_size": 4, "hidden_sizes": [4, 8, 8], "depths": [1, 1, 1], "layer_type": "basic"}
BACKBONE = {"name": "resnet", "config": CONFIG}


def build(batch_norm="batch"):
    return conftest.build(backbone=BACKBONE, head="product", n_labels=3, batch_norm=batch_norm)


def names(state):
    return {".".join(map(str, path)) for path, _ in flatten_dict(state).items()}


@pytest.mark.parametrize("trainable", ["all", "head", "last:1", "last:2", "last:3"])
@pytest.mark.parametrize("batch_norm", ["running", "batch"])
def test_every_array_is_in_exactly_one_group(trainable, batch_norm):
    network = build(batch_norm)
    everything = arrays.collect(network)
    _, *states = groups.split(network, trainable)
    trained, frozen, statistics = map(names, states)
    assert trained | frozen | statistics == set(everything)
    assert len(trained) + len(frozen) + len(statistics) == len(everything)
    assert statistics == {name for name in everything if name.endswith(("norm.mean", "norm.var"))}
    expected = {"all": "", "head": "head", "last:1": "backbone.stages.2", "last:3": "backbone.stages"}
    if trainable in expected:
        prefix = ("head", expected[trainable])
        assert trained == {name for name in set(everything) - statistics if name.startswith(prefix)}


def test_merging_gives_the_model_back(images):
    network, batch = build(), images(2, 40, 40)
    expected = nnx.jit(network)(batch)
    np.testing.assert_array_equal(nnx.jit(groups.merge(*groups.split(network, "last:1")))(batch), expected)


def step(graphdef, trained, frozen, statistics, batch, mask):
    def loss(trained):
        network = groups.merge(graphdef, trained, frozen, statistics)
        logits = network(batch, train=True, mask=mask)
        return (jnp.square(logits).sum(1) * mask).sum(), groups.statistics(network)

    return jax.value_and_grad(loss, has_aux=True)(trained)


@pytest.mark.parametrize("trainable", ["all", "last:1"])
def test_a_step_moves_statistics_of_trained_stages_only(images, trainable):
    graphdef, trained, frozen, statistics = groups.split(build(), trainable)
    batch, mask = images(4, 40, 40), jnp.ones(4, bool)
    (_, after), gradient = jax.jit(step, static_argnums=0)(graphdef, trained, frozen, statistics, batch, mask)
    assert names(gradient) == names(trained)
    before = flatten_dict(statistics)
    for path, value in flatten_dict(after).items():
        moves = trainable == "all" or (trainable == "last:1" and path[:3] == ("backbone", "stages", 2))
        assert np.array_equal(value[...], before[path][...]) != moves, path


def test_padded_rows_change_neither_loss_nor_gradient_nor_statistics(images):
    groups_ = groups.split(build(), "all")
    batch = images(6, 40, 40)
    batch[4:] = 50.0
    run = jax.jit(step, static_argnums=0)
    (loss, statistics), gradient = run(*groups_, batch[:4], jnp.ones(4, bool))
    (padded_loss, padded_statistics), padded_gradient = run(*groups_, batch, jnp.arange(6) < 4)
    assert float(padded_loss) == pytest.approx(float(loss), rel=1e-5)
    pairs = zip(
        jax.tree.leaves((padded_statistics, padded_gradient)), jax.tree.leaves((statistics, gradient)), strict=True
    )
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * float(jnp.abs(b).max()) + 1e-6)


def test_the_table_adds_up():
    network = build()
    text = groups.table(network, "last:1")
    rows = {line.split()[0]: line for line in text.splitlines()[1:]}
    assert list(rows) == [
        "backbone.stages.0",
        "backbone.stages.1",
        "backbone.stages.2",
        "backbone.stem",
        "head.postprocess",
        "head.preprocess",
        "head.quantum",
        "total",
    ]
    assert rows["head.quantum"].split()[1:4] == ["9", "in", "1"]
    numbers = [int(n.replace(",", "")) for n in rows["total"].split()[1::3]]
    assert sum(numbers) == sum(value.size for value in arrays.collect(network).values())


@pytest.mark.parametrize("rule", ["none", "last:0", "last:4", "last:", "head,last:1", ""])
def test_an_unknown_rule_is_refused(rule):
    with pytest.raises(InputError, match="trainable must be all, head or last:N with N from 1 to 3, got "):
        groups.split(build(), rule)
