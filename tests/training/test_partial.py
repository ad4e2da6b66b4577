"""Labels that only some films' sources cover: what is not covered teaches nothing, and is counted nowhere."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.models import classifier
from qcxr.models.heads.create import create, start_at_prevalence
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Image, Resources
from qcxr.training.fit import fit
from qcxr.training.losses import LOSSES, class_weighted_bce, covered_mean, covered_sum, make_loss, masked_mean
from qcxr.training.splits import Splits
from tests.training.runs import BACKBONE, PROTOCOL, described, results, split

NAN = np.float32("nan")


def partly(films, *, label: int, every: int):
    """The films, of which only every so many-th covers the label."""
    covered = np.ones(films.targets.shape, bool)
    covered[:, label] = np.arange(len(films)) % every == 0
    return replace(films, covered=covered)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", range(4))
def test_value_and_gradient_are_those_of_a_loop_over_what_is_covered(name, seed):
    rng = np.random.default_rng(seed)
    films, labels = 6, 3
    targets = rng.integers(0, 2, (films, labels)).astype(np.float32)
    covered, mask = rng.random((films, labels)) < 0.6, rng.random(films) < 0.8
    logits, truth = jnp.asarray(rng.normal(0, 2, (films, labels)), jnp.float32), np.where(covered, targets, NAN)
    loss = make_loss(name, {}, truth)
    every = np.asarray(loss(logits, jnp.asarray(targets)))
    slopes = np.asarray(jax.grad(lambda x: loss(x, jnp.asarray(targets)).sum())(logits))  # each of its own logit
    total, count, gradient = 0.0, 0, np.zeros((films, labels))
    for i in range(films):
        for j in range(labels):
            if mask[i] and covered[i, j]:
                total, count, gradient[i, j] = total + every[i, j], count + 1, slopes[i, j]
    truth = jnp.asarray(truth)
    found, its = jax.value_and_grad(lambda x: covered_mean(loss, x, truth, jnp.asarray(mask)))(logits)
    np.testing.assert_allclose(found, total / count, rtol=1e-5)
    np.testing.assert_allclose(its, gradient / count, rtol=1e-5, atol=1e-7)
    assert covered_sum(loss, logits, truth, jnp.asarray(mask))[1] == count


def test_a_label_that_no_film_covers_gives_zero_and_no_nan():
    logits = jnp.array([[3e38, -2.0], [np.inf, 1.0]])
    truth, all_ = jnp.array([[NAN, 1.0], [NAN, 0.0]]), jnp.ones(2, bool)
    loss = make_loss("bce", {}, np.asarray(truth))
    value, slopes = jax.value_and_grad(lambda x: covered_mean(loss, x, truth, all_))(logits)
    assert np.isfinite(value) and slopes[:, 0].tolist() == [0.0, 0.0] and (slopes[:, 1] != 0).all()
    assert float(covered_mean(loss, logits, jnp.full((2, 2), NAN), all_)) == 0.0


def test_what_is_covered_everywhere_is_weighted_as_before_to_the_bit():
    rng = np.random.default_rng(0)
    targets = (rng.random((97, 5)) < [0.5, 0.1, 0.01, 0.9, 0.3]).astype(np.float32)
    logits = jnp.asarray(rng.normal(size=(97, 5)), jnp.float32)
    positives = targets.sum(axis=0)
    weight = jnp.asarray((len(targets) - positives) / np.maximum(positives, 1), jnp.float32)
    truth, mask = jnp.asarray(targets), jnp.arange(97) < 90
    before = class_weighted_bce(weight)(logits, truth)
    np.testing.assert_array_equal(make_loss("weighted_bce", {}, targets)(logits, truth), before)
    whole = masked_mean(before, mask)
    np.testing.assert_allclose(covered_mean(class_weighted_bce(weight), logits, truth, mask), whole, rtol=1e-6)


def test_class_weights_and_prevalences_count_what_is_covered():
    truth = np.array([[1, NAN], [0, 1], [0, 0], [NAN, 0], [0, 0]], np.float32)  # 3 negatives a positive
    ones = jnp.ones((1, 2))
    loss, plain = make_loss("weighted_bce", {}, truth), make_loss("bce", {}, truth)
    np.testing.assert_allclose(loss(ones, ones), 3 * plain(ones, ones), rtol=1e-6)
    head = create("cdl", 4, 2, key=jax.random.key(0))
    start_at_prevalence(head, truth)
    np.testing.assert_allclose(jax.nn.sigmoid(head.last.bias[...]), [2 / 6, 2 / 6], rtol=1e-6)


def test_permuted_labels_stay_where_they_are_covered():
    films = partly(split(40, 3), label=1, every=3)
    films = replace(films, targets=np.where(films.covered, films.targets, 7).astype(np.float32))
    for part in (shuffled := Splits(films, films).permuted(0)).train, shuffled.validation:
        assert np.array_equal(part.covered, films.covered)
        for label, on in enumerate(films.covered.T):
            assert sorted(part.targets[on, label]) == sorted(films.targets[on, label])
        assert not np.array_equal(part.targets[films.covered], films.targets[films.covered])


def test_what_stands_where_nothing_is_covered_decides_nothing(tmp_path):
    """Weights, losses and the best epoch, bit for bit, with zeros and with other numbers there."""
    changes = {"loss": "weighted_bce", "prior_bias": True, "epochs": 2}
    recipe = Recipe("cdl", {}, BACKBONE, Image(resize=16, crop=16), Augment(), PROTOCOL.model_copy(update=changes))
    found = []
    for name, value in (("zeros", 0), ("other", 5)):
        films, validation = (
            replace(part, targets=np.where(part.covered, part.targets, value).astype(np.float32))
            for part in (partly(split(22, 1), label=1, every=2), partly(split(9, 2), label=1, every=2))
        )
        fit(described(tmp_path / name, recipe), Splits(films, validation), resources=Resources())
        found.append(results(tmp_path / name))
    assert found[0] == found[1]

    # the validation loss is the mean over the pairs that are covered, weighted as training has them
    net, metadata = classifier.restore(tmp_path / "other/out/best.safetensors")
    mean, std = metadata["image"]["mean"], metadata["image"]["std"]
    pixels = (np.repeat(validation.images[..., None], 3, -1) / 255 - np.array(mean)) / np.array(std)
    logits = np.asarray(net(jnp.asarray(pixels, jnp.float32), train=False), np.float64)
    total, count = 0.0, 0
    for label in range(2):
        own = films.targets[films.covered[:, label], label]
        weight = (len(own) - own.sum()) / own.sum()
        for x, y, known in zip(
            logits[:, label], validation.targets[:, label], validation.covered[:, label], strict=True
        ):
            if known:
                total, count = total + (np.logaddexp(0, x) - y * x) * (weight if y else 1), count + 1
    best = json.loads((tmp_path / "other/out/run.json").read_text())["best_val_loss"]
    assert count == 9 + 5 and best == pytest.approx(total / count, rel=1e-5)
