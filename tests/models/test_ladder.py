"""The dressed circuit's twins, each against what is not it: algebra, PennyLane, a kernel, the circuit."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from flax import nnx
from flax.traverse_util import flatten_dict

import qcxr
from qcxr.circuits import Ansatz, make_engine, pauli
from qcxr.circuits.sites import Entries, Rotations, columns, tables
from qcxr.circuits.structure import Bonds
from qcxr.data.feed import Batch
from qcxr.models import arrays, classifier, groups, parameters
from qcxr.models.classifier import FeatureClassifier
from qcxr.models.contracts import Fixed
from qcxr.models.heads import fourier, mps
from qcxr.models.heads.create import create, start_at_prevalence
from qcxr.study.heads import KINDS
from qcxr.study.sections import Train
from qcxr.training.inputs import of_features
from qcxr.training.losses import bce
from qcxr.training.optimizers import OPTIMIZERS, make_optimizer
from qcxr.training.step import TrainState, make_steps

from .conftest import build

DOCS = Path(qcxr.__file__).parents[1] / "docs/models.md"

TWINS = ("bottleneck", "random", "permuted", "fourier", "mps")
KEY = jax.random.key(3)


@pytest.fixture
def features():
    return jnp.asarray(np.random.default_rng(0).standard_normal((6, 12), np.float32))


def linear(layer, x):
    """A layer by numpy."""
    return np.asarray(x) @ np.asarray(layer.kernel[...]) + np.asarray(layer.bias[...])


def angles(head, features):
    """What the core of a dressed head is given."""
    return np.pi / 2 * np.tanh(linear(head.preprocess, features))


def trained(network, trainable, *, steps=1, **protocol):
    """The network after some real training steps on features, as a run makes them; and the losses on the way."""
    graphdef, parameters, frozen, statistics = groups.split(network, trainable)
    optimizer = make_optimizer(Train(**{"epochs": steps, **protocol}), steps_per_epoch=1)
    train = make_steps(graphdef, optimizer=optimizer, loss=bce, inputs=of_features()).train
    rng = np.random.default_rng(5)
    n_features, n_labels = network.head.preprocess.kernel.shape[0], network.head.last.bias.shape[0]
    films = rng.standard_normal((32, 1, n_features)).astype(np.float32)
    targets = (films[:, 0, :n_labels] > 0.3).astype(np.float32)
    batch = Batch(*map(jnp.asarray, (films, targets, np.ones(32, bool), np.arange(32, dtype=np.int32))))
    state, losses = TrainState(parameters, statistics, optimizer.init(parameters)), []
    for step in range(steps):
        state, loss = train(state, frozen, batch, np.uint32(0), np.uint32(step))
        losses.append(float(loss))
    return groups.merge(graphdef, state.trained, frozen, state.statistics), losses


def on_features(kind, options=None):
    """A head as a run on a frozen backbone's features has it."""
    return FeatureClassifier(build(head=kind, head_options=options or {}))


def test_bottleneck_is_one_matrix_of_rank_at_most_the_labels(features):
    head = create("bottleneck", 12, 3, key=KEY)
    kernels = [np.asarray(layer.kernel[...], np.float64) for layer in (head.preprocess, head.postprocess)]
    np.testing.assert_allclose(head(features), np.asarray(features) @ (kernels[0] @ kernels[1]), atol=1e-5)
    both = head(features) + head(-features)
    np.testing.assert_allclose(both, np.zeros((6, 3)), atol=1e-6)  # nothing bends it, as tanh would
    twin = create("mlp", 12, 3, key=KEY)
    assert all(np.array_equal(a, b) for a, b in zip(*(arrays.collect(h).values() for h in (head, twin)), strict=True))


# ---- random


OTHERS = [("dqc", {"train_circuit": False}, "all"), ("fourier", {}, "all"), ("fourier", {}, "head")]


@pytest.mark.parametrize(
    ("kind", "options", "trainable", "optimizer"),
    [*(("random", {}, "all", name) for name in OPTIMIZERS), *((*other, "adamw") for other in OTHERS)],
)
def test_what_is_fixed_stays_to_the_bit_and_the_rest_moves(kind, options, optimizer, trainable):
    """Under weight decay, with a rate of its own for the head, clipping, and a bias set at the start."""
    network = on_features(kind, options)
    start_at_prevalence(network.head, np.eye(4, dtype=np.float32))
    before = arrays.collect(network.head)
    protocol = {"weight_decay": 0.3, "learning_rate": 1e-2, "head_learning_rate": 0.1, "clip_norm": 1.0}
    after, _ = trained(network, trainable, steps=3, optimizer=optimizer, **protocol)
    after = arrays.collect(after.head)
    assert before.keys() == after.keys() and {n for n in before if np.array_equal(before[n], after[n])} == {"quantum"}


@pytest.mark.parametrize("trainable", ["all", "last:1", "head"])
def test_in_the_whole_network_too_it_is_frozen_whatever_trains(trainable):
    _, trains, frozen, _ = groups.split(build(head="random"), trainable)
    assert ("head", "quantum") in flatten_dict(frozen)
    assert ("head", "quantum") not in flatten_dict(trains)
    _, trains, frozen, _ = groups.split(build(head="dqc"), trainable)
    assert ("head", "quantum") in flatten_dict(trains)


def test_dqcs_circuit_would_move():
    """So the test above could have failed."""
    network = on_features("dqc")
    before = arrays.collect(network.head)["quantum"]
    after, _ = trained(network, "all", steps=3, optimizer="adamw", weight_decay=0.3)
    assert np.abs(arrays.collect(after.head)["quantum"] - before).min() > 0


def test_random_is_dqc_as_it_starts(features):
    options = {"layers": 2, "init": "small", "engine": "chain"}
    for given in ({}, options):
        ours, theirs = (create(kind, 12, 4, key=KEY, options=given) for kind in ("random", "dqc"))
        np.testing.assert_array_equal(nnx.jit(ours)(features), nnx.jit(theirs)(features))
    theirs = create("dqc", 12, 4, key=KEY, options={**options, "train_circuit": False})
    np.testing.assert_array_equal(nnx.jit(ours)(features), nnx.jit(theirs)(features))
    for part in ("preprocess", "quantum", "postprocess"):
        assert type(getattr(ours, part)) is type(getattr(theirs, part))


def test_what_is_fixed_is_told_apart_in_the_table_and_in_the_counts():
    network = build(head="random")
    counts, dressed = parameters.count(network), parameters.count(build(head="dqc"))
    assert counts == {**dressed, "quantum": 0, "fixed": 12} and parameters.total(counts) == sum(dressed.values()) - 12
    (line,) = [line for line in groups.table(network).splitlines() if line.startswith("head.quantum")]
    assert line.split(maxsplit=1)[1].split() == ["-", "12", "in", "1", "-"]  # trained, frozen, statistics
    text = parameters.table({"dqc": dressed, "random": counts}).splitlines()
    assert text[0].split()[-2:] == ["total", "fixed"]
    assert [line.split()[-1] for line in text[1:]] == ["0", "12"]
    assert "fixed" not in parameters.table({"dqc": dressed})


# ---- permuted


def by_pennylane(orders):
    """A function (weights, angles of each film): the circuit with a ring over each layer's order, gate by gate."""
    n = len(orders[0])

    @qml.qnode(qml.device("default.qubit", wires=n), interface="jax")
    def node(weights, x):
        for i in range(n):
            qml.Hadamard(i)
            qml.RY(x[i], i)
        for layer, order in zip(weights, orders, strict=True):
            for i in range(n):
                qml.RY(layer[i], i)
            for a, b in zip(order, [*order[1:], order[0]], strict=True):
                qml.CNOT([a, b])
        return [qml.expval(qml.Z(i)) for i in range(n)]

    return jax.vmap(lambda weights, x: jnp.stack(node(weights, x)), in_axes=(None, 0))


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype", "ignore:jax.core.is_concrete is deprecated")
def test_permuted_is_pennylanes_circuit_with_a_random_ring_in_each_layer(features):
    n, layers, seed = 5, 3, 7
    orders = [np.random.RandomState([seed, layer]).permutation(n).tolist() for layer in range(layers)]
    assert len({tuple(order) for order in orders}) == layers
    options = {"layers": layers, "permutation_seed": seed}
    head = create("permuted", 12, n, key=KEY, options=options)
    oracle = by_pennylane(orders)
    rng = np.random.default_rng(1)
    with jax.enable_x64():
        weights, x = jnp.asarray(rng.uniform(0, 6, (layers, n))), jnp.asarray(rng.uniform(-1.5, 1.5, (2, n)))
        pull = jnp.asarray(rng.standard_normal((2, n)))

        def ours(weights, x):
            return (head.engine(weights, x) * pull).sum()

        def theirs(weights, x):
            return (oracle(weights, x) * pull).sum()

        both = (jax.jit(jax.value_and_grad(f, argnums=(0, 1)))(weights, x) for f in (ours, theirs))
        (value, slopes), (value_, slopes_) = both
        np.testing.assert_allclose(value, value_, atol=1e-6)
        for a, b in zip(slopes, slopes_, strict=True):
            assert np.abs(a).max() > 0.05
            np.testing.assert_allclose(a, b, atol=1e-6)
    z = np.asarray(jax.jit(oracle)(head.quantum[...], jnp.asarray(angles(head, features))))
    np.testing.assert_allclose(head(features), linear(head.postprocess, z), atol=1e-5)


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")
@pytest.mark.parametrize("options", [{}, {"entangler": "CZ", "rotation": "RX"}, {"pattern": "chain", "reupload": True}])
def test_every_engine_that_takes_a_permuted_circuit_agrees_and_chain_refuses_it(options):
    engines = {
        name: make_engine(name, 4, 3, permutation_seed=2, **options) for name in ("statevector", "pennylane", "auto")
    }
    rng = np.random.default_rng(0)
    weights, x = rng.uniform(0, 6, (3, 4)).astype(np.float32), rng.uniform(-1, 1, (3, 4)).astype(np.float32)
    oracle = engines["pennylane"](weights, x)
    for name in ("statevector", "auto"):
        np.testing.assert_allclose(engines[name](weights, x), oracle, atol=2e-6)
    assert np.abs(make_engine("statevector", 4, 3, **options)(weights, x) - oracle).max() > 0.05
    with pytest.raises(
        ValueError, match="engine 'chain' takes gates between neighbours only, got permutation_seed 2; use"
    ):
        make_engine("chain", 4, 3, permutation_seed=2, **options)


def test_another_permutation_seed_is_another_circuit_and_the_runs_seed_is_not(features):
    def joined(seed):
        return [Ansatz(6, 2, permutation_seed=seed).joined(layer) for layer in range(2)]

    assert joined(0) == joined(0) != joined(1)
    for pairs in joined(0):  # a ring: every qubit is once a control and once a target, and no ring is shorter
        following = dict(pairs)
        assert sorted(following) == sorted(following.values()) == list(range(6))
        seen, at = [], 0
        while at not in seen:
            seen, at = [*seen, at], following[at]
        assert len(seen) == 6
    a, b = (create("permuted", 12, 6, key=jax.random.key(k)) for k in (0, 1))
    assert a.engine.ansatz == b.engine.ansatz


# ---- fourier


def test_fouriers_features_estimate_the_gaussian_kernel_within_monte_carlo_error():
    """Mean of products over D features; their variance is at most 3/2 (of 2 cos cos), so 5 standard errors bound it."""
    n, many, s = 4, 40_000, 1.7
    drawn = fourier.draws(KEY, features=many, n_labels=n, bandwidth=s)
    x = np.random.default_rng(0).uniform(-np.pi / 2, np.pi / 2, (12, n)).astype(np.float32)
    phi = np.asarray(fourier.random_features(drawn, jnp.asarray(x)), np.float64)
    squares = ((x[:, None] - x[None]) ** 2).sum(-1)
    kernel = np.exp(-squares / (2 * s**2))
    assert kernel.min() < 0.3 and np.unique(kernel.round(2)).size > 30
    assert np.abs(phi @ phi.T / many - kernel).max() < 5 * (1.5 / many) ** 0.5
    wrong = np.exp(-squares / (2 * (1.1 * s) ** 2))
    assert np.abs(phi @ phi.T / many - wrong).max() > 5 * (1.5 / many) ** 0.5


def test_fourier_is_linear_tanh_cosines_linear(features):
    head = create("fourier", 12, 3, key=KEY, options={"features": 5, "bandwidth": 0.8})
    drawn = np.asarray(head.quantum[...])
    waves = np.sqrt(2) * np.cos(angles(head, features) @ drawn[:, :3].T + drawn[:, 3])
    np.testing.assert_allclose(head(features), linear(head.postprocess, waves), atol=1e-5)


@pytest.mark.parametrize("layers", [1, 3, 10])
@pytest.mark.parametrize("n_labels", [8, 14, 19])
def test_fourier_trains_exactly_as_many_numbers_as_dqc(n_labels, layers):
    def count(kind, options):
        state = nnx.state(create(kind, 20, n_labels, key=KEY, options=options), nnx.Param)
        return sum(value.size for value in jax.tree.leaves(state))

    assert count("fourier", {"features": n_labels + layers}) == count("dqc", {"layers": layers})
    assert layers != 3 or count("fourier", {}) == count("dqc", {})


# ---- mps


def of_the_circuit(weights):
    """The tensors of the circuit with these weights, from the tables of its chain: labels, 2, 3, bond, bond."""
    layers, n = weights.shape
    ansatz = Ansatz(n, layers)
    bonds = Bonds([4] * (layers - 1) + [2])
    left, right = np.divmod(np.arange(bonds.size**2), bonds.size)
    plus = jnp.asarray(pauli.rotation_parts("RY") @ pauli.PLUS, weights.dtype)  # of 1, cos x, sin x
    start = jnp.einsum("nij,pj->nip", pauli.rotation("RY", jnp.asarray(weights))[0], plus)
    rotate = pauli.rotation_parts("RY").astype(weights.dtype)
    rotations = Rotations(rotate, jnp.asarray(weights[1:]), None, jnp.zeros((3, n), weights.dtype))
    table = tables(ansatz, np.eye(4, dtype=weights.dtype))
    sites = []
    for observable in (pauli.IDENTITY, pauli.Z):
        entries = Entries(np.full(len(left), observable), bonds.values(left), bonds.values(right))
        parts = [
            columns(place, entries, rotations.at(cut), start[cut], np.arange(4))
            for place, cut in ((table.first, slice(0, 1)), (table.inner, slice(1, -1)), (table.last, slice(-1, None)))
        ]
        sites.append(jnp.concatenate(parts).reshape(n, bonds.size, bonds.size, 3))
    return jnp.moveaxis(jnp.stack(sites, 1), -1, 2)


@pytest.mark.parametrize("n", range(4, 9))
@pytest.mark.parametrize("layers", [1, 2])
def test_mps_with_the_circuits_own_tensors_is_dqc(n, layers, features):
    options = {"layers": layers, "engine": "statevector"}
    theirs = create("dqc", 12, n, key=KEY, options=options)
    ours = create("mps", 12, n, key=jax.random.key(8), options={"bond": 2 * 4 ** (layers - 1)})
    oracle = nnx.jit(theirs)(features)
    assert np.abs(nnx.jit(ours)(features) - oracle).max() > 0.1
    for part in ("preprocess", "postprocess"):
        for array in ("kernel", "bias"):
            getattr(getattr(ours, part), array)[...] = getattr(getattr(theirs, part), array)[...]
    tensors = of_the_circuit(np.asarray(theirs.quantum[...]))
    assert ours.quantum.shape == tensors.shape
    ours.quantum[...] = tensors
    np.testing.assert_allclose(nnx.jit(ours)(features), oracle, atol=1e-5)


def test_mps_by_brute_force():
    """Every path of bonds, site by site, as a sum of products of numbers."""
    n, bond = 3, 2
    tensors = np.random.default_rng(0).standard_normal((n, 2, 3, bond, bond)).astype(np.float32)
    x = np.array([[0.3, -1.1, 0.8], [1.2, 0.1, -0.4]], np.float32)
    found = mps.chain(jnp.asarray(tensors), jnp.asarray(x))
    for film, k in np.ndindex(2, n):
        total = 0.0
        for path in np.ndindex(*[bond] * n):
            value = 1.0
            for site in range(n):
                wave = (1.0, np.cos(x[film, site]), np.sin(x[film, site]))
                value *= sum(tensors[site, int(site == k), p, path[site - 1], path[site]] * wave[p] for p in range(3))
            total += value
        assert float(found[film, k]) == pytest.approx(total, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("n", [4, 45])
def test_mps_starts_near_minus_sine_and_all_its_tensors_learn(n):
    tensors = mps.start(KEY, n_labels=n, bond=8)
    x = jnp.asarray(np.random.default_rng(0).uniform(-np.pi / 2, np.pi / 2, (64, n)), jnp.float32)
    z = np.asarray(jax.jit(mps.chain)(tensors, x))
    assert np.abs(z + np.sin(x)).mean() < 0.15
    slopes = jax.jit(jax.grad(lambda tensors: (mps.chain(tensors, x) ** 2).mean()))(tensors)
    assert (np.abs(slopes).max(axis=(-1, -2)) > 1e-5 / n).all()


def test_mps_costs_linearly_in_the_labels():
    def operations(n):
        shapes = [jax.ShapeDtypeStruct(s, jnp.float32) for s in ((n, 2, 3, 8, 8), (4, n))]
        return len(str(jax.make_jaxpr(mps.chain)(*shapes)))

    assert operations(40) < operations(10) + 200  # a scan over sites, whose program does not grow


# ---- all of them


@pytest.mark.parametrize("kind", TWINS)
def test_a_few_steps_lower_the_loss(kind):
    _, losses = trained(on_features(kind), "head", steps=25, learning_rate=3e-2)
    assert losses[-1] < 0.9 * losses[0] and np.isfinite(losses).all()


@pytest.mark.parametrize("kind", TWINS)
def test_a_trained_one_is_restored_to_the_bit_from_its_file(kind, tmp_path, images):
    network = build(head=kind, seed=3)
    head = trained(FeatureClassifier(network), "all", steps=2)[0].head
    network = classifier.Classifier(network.backbone, head, network.architecture)
    classifier.save(tmp_path / "best.safetensors", network)
    restored, _ = classifier.restore(tmp_path / "best.safetensors")
    before, after = arrays.collect(network), arrays.collect(restored)
    assert before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    batch = images(2, 40, 40)
    np.testing.assert_array_equal(nnx.jit(restored)(batch), nnx.jit(network)(batch))


def test_the_ladders_table_of_parameters_is_true():
    text = DOCS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*?((?: \| [\d,]+(?: \+ \d+ fixed)?){3}) \|$", text, re.MULTILINE)
    assert sorted(kind for kind, _ in rows) == sorted(set(KINDS) - {"circuit"})  # which has as many as one writes
    for kind, cells in rows:
        for n_labels, cell in zip((8, 14, 19), cells.strip(" |").split(" | "), strict=True):
            head = create(kind, 2048, n_labels, key=KEY)
            trains, fixed = (sum(x.size for x in jax.tree.leaves(nnx.state(head, kept))) for kept in (nnx.Param, Fixed))
            assert cell == f"{trains:,}" + (f" + {fixed} fixed" if fixed else ""), (kind, n_labels)
