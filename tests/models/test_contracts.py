"""What a backbone and a head must offer: every one of ours does, a user's own too, and what does not is refused."""

import sys
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from flax.traverse_util import flatten_dict

from qcxr.errors import InputError
from qcxr.models import arrays, backbones, classifier, groups, parameters
from qcxr.models.backbones import Backbone
from qcxr.models.contracts import PARTS, Fixed, Head
from qcxr.models.heads.create import start_at_prevalence
from qcxr.models.layers import Linear
from qcxr.study.heads import KINDS, Kind
from qcxr.study.sections import Train
from qcxr.training.optimizers import make_optimizer

from .conftest import CONFIGS, build


class Bottleneck(nnx.Module):
    """A head as a reader of the README would write one."""

    def __init__(self, n_features, n_labels, *, key, width=2):
        first, second = jax.random.split(key)
        self.preprocess = Linear(n_features, width, key=first)
        self.postprocess = Linear(width, n_labels, key=second)

    @property
    def last(self):
        return self.postprocess

    def __call__(self, features):
        return self.postprocess(jax.nn.relu(self.preprocess(features)))


@pytest.fixture(autouse=True)
def own_head(monkeypatch):
    monkeypatch.setitem(KINDS, "own", Kind(f"{__name__}:Bottleneck"))


every_head = pytest.mark.parametrize("name", [*KINDS, "own"])


def trained_arrays(network, rule):
    """The arrays that train under a rule, by dotted name."""
    _, trained, _, _ = groups.split(network, rule)
    return {".".join(map(str, path)): value for path, value in flatten_dict(trained).items()}


@every_head
def test_a_head_is_one(name):
    head = build(head=name).head
    assert isinstance(head, Head) and isinstance(head.last, Linear)


@every_head
def test_prior_bias_starts_its_logits_at_the_prevalences(name):
    """However the features look, once what they say is left out."""
    head = build(head=name).head
    targets = np.zeros((98, 4), np.float32)
    targets[:49, 0] = targets[:1, 1] = 1
    start_at_prevalence(head, targets)
    head.last.kernel[...] = jnp.zeros_like(head.last.kernel[...])
    probabilities = jax.nn.sigmoid(head(jnp.ones((2, 12))))
    np.testing.assert_allclose(probabilities, [[0.5, 0.02, 0.01, 0.01]] * 2, rtol=1e-5)


@every_head
def test_trainable_head_trains_its_arrays_and_no_others(name):
    network = build(head=name)
    fixed = {f"head.{'.'.join(path)}" for path, _ in nnx.to_flat_state(nnx.state(network.head, Fixed))}
    assert fixed == ({"head.quantum"} if name in ("random", "fourier") else set())
    own = {f"head.{array}" for array in arrays.collect(network.head)} - fixed
    assert trained_arrays(network, "head").keys() == own
    assert own < trained_arrays(network, "all").keys()


@every_head
def test_freeze_epochs_and_head_learning_rate_find_it(name):
    """In the first epoch every array of the head moves, 3 times as far as at the backbone's rate, and nothing else."""
    _, trained, _, _ = groups.split(build(head=name), "all")
    gradient = jax.tree.map(jnp.ones_like, trained)

    def first_update(**options):
        protocol = Train(optimizer="sgd", learning_rate=0.1, epochs=2, **options)
        optimizer = make_optimizer(protocol, steps_per_epoch=1)
        updates, _ = optimizer.update(gradient, optimizer.init(trained), trained)
        return flatten_dict(updates)

    plain = first_update()
    for path, update in first_update(freeze_epochs=1, head_learning_rate=0.3).items():
        factor = 3 if path[0] == "head" else 0
        assert (plain[path][...] < 0).all()
        np.testing.assert_allclose(update[...], factor * plain[path][...], rtol=1e-6)


@every_head
def test_the_table_of_parameters_counts_all_of_it(name):
    network = build(head=name)
    counts = parameters.count(network)
    own = sum(value.size for value in arrays.collect(network.head).values())
    assert tuple(counts)[:4] == ("backbone", *PARTS)
    assert sum(counts[part] for part in PARTS) + counts.get("fixed", 0) == own > 0
    assert parameters.total(counts) == sum(prod(value.shape) for value in trained_arrays(network, "all").values())


@every_head
def test_it_is_saved_and_restored(name, tmp_path, images):
    network = build(head=name, seed=3)
    start_at_prevalence(network.head, np.eye(4, dtype=np.float32))
    classifier.save(tmp_path / "best.safetensors", network)
    restored, _ = classifier.restore(tmp_path / "best.safetensors")
    batch = images(2, 40, 40)
    np.testing.assert_array_equal(nnx.jit(restored)(batch), nnx.jit(network)(batch))


@every_head
@pytest.mark.parametrize("precision", backbones.PRECISIONS)
def test_its_logits_and_gradients_are_float32_in_every_precision(name, precision, images):
    graphdef, trained, *others = groups.split(build(head=name, precision=precision), "all")

    def loss(trained, batch):
        logits = groups.merge(graphdef, trained, *others)(batch, train=True)
        return logits.sum(), logits

    gradient, logits = jax.eval_shape(jax.grad(loss, has_aux=True), trained, images(2, 40, 40))
    assert logits.dtype == jnp.float32
    assert {value.dtype for value in jax.tree.leaves(gradient)} == {jnp.dtype("float32")}


def without(member):
    """Bottleneck's class without a member."""
    return type("Short", (nnx.Module,), {k: v for k, v in vars(Bottleneck).items() if k != member})


def changed(edit):
    """A head whose modules are edited after they are made."""

    def make(n_features, n_labels, *, key):
        head = Bottleneck(n_features, n_labels, key=key)
        edit(head, n_labels)
        return head

    return make


def computing(call):
    """A head that computes something else."""
    return type("Odd", (Bottleneck,), {"__call__": call})


def half(head, n_labels):
    head.postprocess.bias = nnx.Param(jnp.zeros(n_labels, jnp.bfloat16))


class Named(nnx.Module):
    """Its last layer is an attribute, not a property: nnx names the layer's arrays by it."""

    def __init__(self, n_features, n_labels, *, key):
        self.postprocess = self.last = Linear(n_features, n_labels, key=key)

    def __call__(self, features):
        return self.postprocess(features)


BAD = {
    "no module": (lambda n_features, n_labels, *, key: lambda features: features, "is no nnx.Module, got function"),
    "no last": (without("last"), "has no last"),
    "no call": (without("__call__"), "has no __call__"),
    "last of another kind": (
        type("Wrapped", (Bottleneck,), {"last": property(lambda self: self.postprocess.bias)}),
        r"has a last layer that is no Linear of 4 labels, got Param of float32 \(4,\)",
    ),
    "last of other labels": (
        type("First", (Bottleneck,), {"last": property(lambda self: self.preprocess)}),
        r"has a last layer that is no Linear of 4 labels, got Linear of float32 \(2,\)",
    ),
    "last as an attribute": (Named, "has a parameter last.bias outside of its parts"),
    "another part": (
        changed(lambda head, n: setattr(head, "gate", nnx.Param(jnp.zeros(n)))),
        "has a parameter gate outside of its parts",
    ),
    "statistics": (
        changed(lambda head, n: setattr(head, "quantum", nnx.BatchStat(jnp.zeros(n)))),
        r"has an array quantum that is no float32 nnx.Param, got BatchStat of float32 \(4,\)",
    ),
    "randomness": (
        changed(lambda head, n: setattr(head, "quantum", nnx.Dropout(0.5, rngs=nnx.Rngs(0)))),
        r"has an array quantum.rngs\S+ that is no float32 nnx.Param, got Rng\w+ of \S+ \(\)",
    ),
    "another type": (
        changed(half),
        r"has an array postprocess.bias that is no float32 nnx.Param, got Param of bfloat16 \(4,\)",
    ),
    "half precision": (
        computing(lambda self, features: Bottleneck.__call__(self, features).astype(jnp.bfloat16)),
        r"gives bfloat16 \(2, 4\) for 2 films and 4 labels",
    ),
    "the features": (computing(lambda self, features: features), r"gives float32 \(2, 12\) for 2 films and 4 labels"),
    "a pair": (computing(lambda self, features: (features, features)), "gives tuple for 2 films and 4 labels"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_head_that_lacks_something_is_refused_when_the_classifier_is_built(case, monkeypatch):
    make, message = BAD[case]
    monkeypatch.setattr(sys.modules[__name__], "bad", make, raising=False)
    monkeypatch.setitem(KINDS, "bad", Kind(f"{__name__}:bad"))
    offer = "a head is an nnx.Module with .*; see Head in qcxr/models/contracts.py"
    with pytest.raises(InputError, match=f"^head 'bad' {message}; {offer}$") as error:
        build(head="bad")
    assert "\n" not in str(error.value)


def test_an_option_of_its_own_reaches_a_users_head():
    assert build(head="own", head_options={"width": 5}).head.preprocess.bias.shape == (5,)
    with pytest.raises(InputError, match="head 'own' has no option 'depth'; allowed: width; correct"):
        build(head="own", head_options={"depth": 5})


SECTIONS = {name: {"name": "resnet", "config": config} for name, config in CONFIGS.items()}
SECTIONS["efficientnet-lite0"] = {"name": "efficientnet-lite0"}


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("precision", backbones.PRECISIONS)
def test_a_backbone_gives_float32_features_in_training_too(name, precision, images):
    network = backbones.create(SECTIONS[name], key=jax.random.key(0), batch_norm="batch", precision=precision)
    assert isinstance(network, Backbone)
    assert network.n_features == backbones.describe(SECTIONS[name]).n_features
    mask = jnp.array([True, False])
    features = jax.eval_shape(
        lambda batch: nnx.merge(*nnx.split(network), copy=True)(batch, train=True, mask=mask), images(2, 40, 40)
    )
    assert (features.shape, features.dtype) == ((2, network.n_features), jnp.float32)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_backbones_stages_are_parts_of_it_apart_from_each_other(name):
    network = backbones.create(SECTIONS[name], key=jax.random.key(0), batch_norm="batch", precision="float32")
    found = {path: set() for path in network.stage_paths()}
    for array, _ in nnx.to_flat_state(nnx.state(network, nnx.Param)):
        for path in found:
            if array[: len(path)] == path:
                found[path].add(array)
    assert all(found.values())
    assert len(set().union(*found.values())) == sum(map(len, found.values()))


def test_what_is_no_backbone_is_seen():
    assert not isinstance(Linear(2, 2, key=jax.random.key(0)), Backbone)
