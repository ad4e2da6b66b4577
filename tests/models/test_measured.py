"""A head that trains from shots: what its steps see, and that nothing but them is random."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.data.feed import Batch
from qcxr.models import groups
from qcxr.models.classifier import FeatureClassifier
from qcxr.models.heads.create import create
from qcxr.study.sections import Train
from qcxr.training.inputs import of_features
from qcxr.training.losses import bce
from qcxr.training.optimizers import make_optimizer
from qcxr.training.step import TrainState, make_steps

from .conftest import build

SPSA = {"number": 50, "gradient": "spsa", "step": 0.2}


def batch(network, films=8):
    n_features, n_labels = network.head.preprocess.kernel.shape[0], network.head.last.bias.shape[0]
    rng = np.random.default_rng(5)
    images = rng.standard_normal((films, 1, n_features)).astype(np.float32)
    targets = (images[:, 0, :n_labels] > 0.3).astype(np.float32)
    return Batch(*map(jnp.asarray, (images, targets, np.ones(films, bool), np.arange(films, dtype=np.int32))))


def stepped(shots, seed=0, epoch=0):
    """Weights after one real training step from the same start, and the logits that validation sees there."""
    network = FeatureClassifier(build(head="dqc", head_options={"layers": 1, "shots": shots}))
    graphdef, parameters, frozen, statistics = groups.split(network)
    optimizer = make_optimizer(Train(epochs=1), steps_per_epoch=1)
    steps = make_steps(graphdef, optimizer=optimizer, loss=bce, inputs=of_features())
    films = batch(network)
    _, logits = steps.evaluate(parameters, frozen, statistics, films)
    state = TrainState(jax.tree.map(jnp.copy, parameters), statistics, optimizer.init(parameters))
    state, loss = steps.train(state, frozen, films, np.uint32(seed), np.uint32(epoch))
    return [np.asarray(x) for x in jax.tree.leaves(state.trained)], np.asarray(logits), float(loss)


@pytest.mark.parametrize("shots", [SPSA, {"number": 50}])
def test_steps_are_measured_by_their_key_and_validation_is_exact(shots):
    exact, measured, again, later = stepped(None), stepped(shots), stepped(shots), stepped(shots, epoch=1)
    np.testing.assert_array_equal(measured[1], exact[1])
    assert measured[2] == again[2] and all((a == b).all() for a, b in zip(measured[0], again[0], strict=True))
    assert len({exact[2], measured[2], later[2]}) == 3
    assert any((a != b).any() for a, b in zip(measured[0], later[0], strict=True))


def test_logits_from_many_shots_are_nearly_the_exact_ones():
    head = create("dqc", 12, 3, key=jax.random.key(0), options={"layers": 2, "shots": {"number": 20_000}})
    features = jnp.asarray(np.random.default_rng(0).standard_normal((6, 12)), jnp.float32)
    exact, measured = head(features), head.from_shots(features, jax.random.key(1))
    assert 0 < np.abs(measured - exact).max() < 0.1


def test_other_heads_take_no_notice_of_the_key():
    network = FeatureClassifier(build(head="mlp"))
    films = batch(network).images[:, 0]
    np.testing.assert_array_equal(network(films, key=jax.random.key(1)), network(films))
