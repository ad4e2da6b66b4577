"""Losses against hand numbers and torch's formulas in NumPy; the masked mean against leaving the rows out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.errors import InputError
from qcxr.training.losses import LOSSES, asymmetric, bce, check_loss, class_weighted_bce, focal, make_loss, masked_mean

LOGITS = jnp.array([[0.0, 2.0], [-3.0, 40.0]])
TARGETS = jnp.array([[1.0, 0.0], [0.0, 1.0]])


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def test_bce_by_hand_and_without_overflow():
    expected = [[np.log(2), np.log1p(np.exp(2.0))], [np.log1p(np.exp(-3.0)), 0.0]]
    np.testing.assert_allclose(bce(LOGITS, TARGETS), expected, rtol=1e-6, atol=1e-7)
    assert float(bce(jnp.array(-200.0), jnp.array(1.0))) == 200.0


def test_class_weighted_bce_multiplies_positives_only():
    weighted = class_weighted_bce(jnp.array([3.0, 5.0]))(LOGITS, TARGETS)
    np.testing.assert_allclose(weighted, bce(LOGITS, TARGETS) * jnp.array([[3.0, 1.0], [1.0, 5.0]]), rtol=1e-6)


def test_weights_are_negatives_over_positives_of_training():
    targets = np.array([[1, 0], [0, 0], [0, 0], [0, 1]], np.float32)  # 3 negatives a positive
    loss = make_loss("weighted_bce", {}, targets)
    np.testing.assert_allclose(loss(LOGITS, TARGETS), bce(LOGITS, TARGETS) * (1 + 2 * TARGETS), rtol=1e-6)


def test_focal_by_hand():
    p = sigmoid(LOGITS)
    p_t, alpha_t = np.where(TARGETS == 1, p, 1 - p), np.where(TARGETS == 1, 0.25, 0.75)
    np.testing.assert_allclose(focal()(LOGITS, TARGETS), -alpha_t * (1 - p_t) ** 2 * np.log(p_t), rtol=1e-4, atol=1e-9)


def test_focal_without_focus_is_weighted_bce():
    np.testing.assert_allclose(focal(gamma=0.0, alpha=0.5)(LOGITS, TARGETS), 0.5 * bce(LOGITS, TARGETS), rtol=1e-6)


def test_asymmetric_by_hand():
    p = sigmoid(LOGITS)
    shifted = np.maximum(p - 0.05, 0)
    expected = np.where(TARGETS == 1, -((1 - p) ** 1) * np.log(p), -(shifted**4) * np.log(1 - shifted))
    np.testing.assert_allclose(asymmetric(1.0, 4.0, 0.05)(LOGITS, TARGETS), expected, rtol=1e-4, atol=1e-9)


def test_asymmetric_without_asymmetry_is_bce():
    np.testing.assert_allclose(
        asymmetric(0.0, 0.0, 0.0)(LOGITS[:1], TARGETS[:1]), bce(LOGITS[:1], TARGETS[:1]), rtol=1e-5
    )


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_per_element_finite_and_falls_with_the_right_answer(name):
    loss = make_loss(name, {}, np.array([[1, 0], [0, 1]], np.float32))
    logits = jnp.array([[-60.0, 60.0], [1.0, -1.0]])
    for targets in (jnp.zeros((2, 2)), jnp.ones((2, 2))):
        values, gradient = loss(logits, targets), jax.grad(lambda x, t=targets: loss(x, t).sum())(logits)
        assert values.shape == (2, 2) and np.isfinite(values).all() and np.isfinite(gradient).all()
    right, wrong = (loss(jnp.full((1, 2), logit), jnp.ones((1, 2))) for logit in (2.0, -2.0))
    assert (np.asarray(right) < np.asarray(wrong)).all()


def test_masked_rows_change_neither_the_mean_nor_its_gradient():
    rng = np.random.default_rng(0)
    elements, mask = jnp.asarray(rng.normal(size=(5, 3)), jnp.float32), jnp.array([1.0, 1.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(masked_mean(elements, mask), np.asarray(elements)[[0, 1, 3]].mean(), rtol=1e-6)
    gradient = jax.grad(lambda x: masked_mean(x, mask))(elements)
    assert not np.asarray(gradient)[[2, 4]].any()


def test_unknown_names_and_options_are_refused():
    with pytest.raises(InputError, match="train.loss must be one of bce, weighted_bce, focal, asymmetric, got mse"):
        check_loss("mse", {})
    with pytest.raises(InputError, match="train.loss_options do not fit focal"):
        check_loss("focal", {"gama": 1.0})
    with pytest.raises(InputError, match="train.loss_options do not fit bce"):
        check_loss("bce", {"gamma": 1.0})
