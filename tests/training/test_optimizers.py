"""Optimizers by name: against hand numbers and torch, accumulation against the large batch, schedules by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from qcxr.errors import InputError
from qcxr.study.sections import Train
from qcxr.training.optimizers import OPTIMIZERS, make_schedule
from qcxr.training.optimizers import make_optimizer as of_protocol


def make_optimizer(name, rate, *, steps=100, **changes):
    """The optimizer of a protocol of so many epochs of one step each."""
    protocol = Train(optimizer=name, learning_rate=rate, epochs=steps, **changes)
    return of_protocol(protocol, steps_per_epoch=1)


def descend(optimizer, parameters, gradient, steps):
    state, update = optimizer.init(parameters), jax.jit(optimizer.update)
    for _ in range(steps):
        updates, state = update(gradient(parameters), state, parameters)
        parameters = optax.apply_updates(parameters, updates)
    return parameters


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_descends_a_bowl(name):
    start = jnp.array([1.0, -2.0, 3.0])
    end = descend(make_optimizer(name, 0.05, weight_decay=0.01), start, lambda p: 2 * p, 60)
    assert float(jnp.square(end).sum()) < 0.9 * float(jnp.square(start).sum())


def test_adams_first_step_is_the_learning_rate():
    end = descend(make_optimizer("adam", 0.1), jnp.array([1.0, 1.0]), lambda p: jnp.array([5.0, -0.3]), 1)
    np.testing.assert_allclose(end, [0.9, 1.1], rtol=1e-5)


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adam", 0.1), ("adamw", 0.1), ("sgd", 0.1)])
def test_steps_equal_torchs(name, decay):
    torch = pytest.importorskip("torch")
    theirs = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[name]
    options = {"momentum": 0.9, "nesterov": True} if name == "sgd" else {}
    p = torch.tensor([1.0, -2.0, 0.5], requires_grad=True)
    optimizer = theirs([p], 0.01, weight_decay=decay, **options)
    for _ in range(5):
        optimizer.zero_grad()
        (p.sin() * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
        optimizer.step()
    gradient = jax.grad(lambda q: (jnp.sin(q) * jnp.array([1.0, 2.0, 3.0])).sum())
    ours = descend(make_optimizer(name, 0.01, weight_decay=decay), jnp.array([1.0, -2.0, 0.5]), gradient, 5)
    np.testing.assert_allclose(ours, p.detach().numpy(), rtol=1e-5)


def test_accumulated_micro_batches_equal_the_large_batch():
    gradients = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    start = jnp.ones(3)
    micro, state = make_optimizer("adam", 0.1, accumulate=4), None
    state, parameters = micro.init(start), start
    for i, gradient in enumerate(gradients):
        updates, state = micro.update(jnp.asarray(gradient), state, parameters)
        parameters = optax.apply_updates(parameters, updates)
        assert np.array_equal(parameters, start) == (i < 3)
    whole = descend(make_optimizer("adam", 0.1), start, lambda p: jnp.asarray(gradients.mean(0)), 1)
    np.testing.assert_allclose(parameters, whole, rtol=1e-5)


def test_the_gradient_is_clipped_by_its_global_norm():
    end = descend(make_optimizer("sgd", 1.0, clip_norm=1.0), jnp.zeros(2), lambda p: jnp.array([30.0, 40.0]), 1)
    np.testing.assert_allclose(end, np.array([-0.6, -0.8]) * 1.9, rtol=1e-5)  # Nesterov: 1 + momentum at the first step


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_head_with_a_rate_of_its_own_is_two_optimizers(name):
    """As optax.partition with an optimizer for each part; lamb's trust ratio and the schedule included."""
    start = {"backbone": {"head": jnp.array([1.0, -2.0])}, "head": {"a": jnp.array([3.0, 0.1]), "b": jnp.ones(1)}}
    options = {"weight_decay": 0.1, "schedule": {"name": "cosine", "warmup": 0.2}, "steps": 10}
    one = make_optimizer(name, 0.01, head_learning_rate=0.2, **options)
    two = optax.partition(
        {"backbone": make_optimizer(name, 0.01, **options), "head": make_optimizer(name, 0.2, **options)},
        {"backbone": "backbone", "head": "head"},
    )
    gradient = jax.grad(lambda p: sum(jnp.sin(3 * x).sum() for x in jax.tree.leaves(p)))
    ours, theirs = descend(one, start, gradient, 8), descend(two, start, gradient, 8)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-7)
    same = descend(make_optimizer(name, 0.01, **options), start, gradient, 8)
    np.testing.assert_allclose(ours["backbone"]["head"], same["backbone"]["head"], rtol=2e-5)
    assert not np.allclose(ours["head"]["a"], same["head"]["a"], rtol=1e-3)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_backbone_joins_late(name, accumulate):
    """While it waits its arrays keep their bits and the head moves as ever; then both move."""
    start = {"backbone": jnp.array([1.0, -2.0]), "head": jnp.array([3.0, 0.1])}
    gradient = jax.grad(lambda p: sum(jnp.sin(3 * x).sum() for x in jax.tree.leaves(p)))
    options = {"weight_decay": 0.1, "accumulate": accumulate}
    late = make_optimizer(name, 0.01, freeze_epochs=4, **options)
    waiting = descend(late, start, gradient, 4)
    np.testing.assert_array_equal(waiting["backbone"], start["backbone"])
    plain = descend(make_optimizer(name, 0.01, **options), start, gradient, 4)
    np.testing.assert_array_equal(waiting["head"], plain["head"])
    joined = descend(late, start, gradient, 4 + accumulate)
    assert not np.array_equal(joined["backbone"], start["backbone"])


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"name": "constant"}, [1, 1, 1, 1, 1]),
        ({"name": "linear"}, [1, 0.75, 0.5, 0.25, 0]),
        ({"name": "cosine"}, [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0]),
        ({"name": "cosine", "final": 0.5}, [1, 0.75 + 0.5**0.5 / 4, 0.75, 0.75 - 0.5**0.5 / 4, 0.5]),
        ({"name": "exponential", "final": 0.0001}, [1, 0.1, 0.01, 0.001, 0.0001]),
        ({"name": "linear", "warmup": 0.5}, [0, 0.5, 1, 0.5, 0]),
    ],
)
def test_schedules_by_hand(schedule, expected):
    rate = make_schedule(0.02, schedule, updates=100)
    np.testing.assert_allclose([rate(i) for i in (0, 25, 50, 75, 100)], 0.02 * np.array(expected), rtol=1e-4, atol=1e-9)


def test_the_schedule_counts_updates_not_steps():
    optimizer = make_optimizer("sgd", 1.0, schedule={"name": "linear"}, accumulate=2, steps=4)
    end = descend(optimizer, jnp.zeros(()), lambda p: jnp.ones(()), 4)
    # Two updates at rates 1 and 1/2; Nesterov momentum makes them 1.9 and 1 + 0.9 * 1.9.
    assert float(end) == pytest.approx(-(1.9 + 0.5 * (1 + 0.9 * 1.9)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": {"name": "step"}}, "train.schedule.name must be one of constant, cosine, .*, got 'step'"),
        ({"schedule": {}}, "train.schedule.name must be one of .*, got None"),
        (
            {"schedule": {"name": "cosine", "alpha": 1}},
            "train.schedule has no key 'alpha'; allowed: name, warmup, final",
        ),
        ({"schedule": {"name": "cosine", "warmup": 1}}, "train.schedule.warmup must be a number >= 0 and < 1, got 1"),
        ({"schedule": {"name": "cosine", "final": "0"}}, "train.schedule.final must be a number >= 0, got '0'"),
        ({"schedule": {"name": "exponential", "final": 0}}, "final must be > 0, got 0; set train.schedule.final"),
    ],
)
def test_impossible_schedules_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        make_schedule(0.1, arguments["schedule"], 100)
