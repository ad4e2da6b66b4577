"""A head that trains from shots: what its steps see, and that nothing but them is random."""

import functools

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


@functools.cache
def trainer(rule):
    """A network, its first state and its compiled steps, once for each way to measure."""
    shots = {None: None, "spsa": SPSA, "parameter_shift": {"number": 50}}[rule]
    network = FeatureClassifier(build(head="dqc", head_options={"layers": 1, "shots": shots}, n_labels=2))
    graphdef, parameters, frozen, statistics = groups.split(network)
    optimizer = make_optimizer(Train(epochs=1), steps_per_epoch=1)
    steps = make_steps(graphdef, optimizer=optimizer, loss=bce, inputs=of_features())
    return batch(network), TrainState(parameters, statistics, optimizer.init(parameters)), frozen, steps


def stepped(rule, seed=0, epoch=0):
    """Weights after one real training step from the same start, and its loss."""
    films, first, frozen, steps = trainer(rule)
    state, loss = steps.train(jax.tree.map(jnp.copy, first), frozen, films, np.uint32(seed), np.uint32(epoch))
    return [np.asarray(x) for x in jax.tree.leaves(state.trained)], float(loss)


def seen_by_validation(rule):
    films, state, frozen, steps = trainer(rule)
    return np.asarray(steps.evaluate(state.trained, frozen, state.statistics, films)[1])


@pytest.mark.parametrize("rule", ["spsa", "parameter_shift"])
def test_steps_are_measured_by_their_key_and_validation_is_exact(rule):
    exact, measured, again, later = stepped(None), stepped(rule), stepped(rule), stepped(rule, epoch=1)
    np.testing.assert_array_equal(seen_by_validation(rule), seen_by_validation(None))
    assert measured[1] == again[1] and all((a == b).all() for a, b in zip(measured[0], again[0], strict=True))
    assert len({exact[1], measured[1], later[1]}) == 3
    assert any((a != b).any() for a, b in zip(measured[0], later[0], strict=True))


def test_logits_from_many_shots_are_nearly_the_exact_ones():
    head = create("dqc", 12, 2, key=jax.random.key(0), options={"layers": 2, "shots": {"number": 20_000}})
    features = jnp.asarray(np.random.default_rng(0).standard_normal((3, 12)), jnp.float32)
    exact, measured = head(features), head.from_shots(features, jax.random.key(1))
    assert 0 < np.abs(measured - exact).max() < 0.1


def test_other_heads_take_no_notice_of_the_key():
    network = FeatureClassifier(build(head="mlp"))
    films = batch(network).images[:, 0]
    np.testing.assert_array_equal(network(films, key=jax.random.key(1)), network(films))
