"""What the network reads of a batch: films, augmented and normalised in the step, or a frozen backbone's features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt

from qcxr.data.augment import augment as augment_films
from qcxr.data.augment import film_keys, normalise
from qcxr.data.feed import Batch
from qcxr.models.classifier import Classifier, FeatureClassifier
from qcxr.study.sections import Augment

Images = Float[Array, "batch height width channels"]
Features = Float[Array, "batch features"]
Scalar = UInt[Array, ""]  # the seed, the epoch: arguments of the compiled step


class Inputs(NamedTuple):
    """`train(batch, seed, epoch)` and `evaluate(batch)`: the network's input, inside the compiled step."""

    train: Callable[[Batch, Scalar, Scalar], Images | Features]
    evaluate: Callable[[Batch], Images | Features]


def step_key(batch: Batch, seed: Scalar, epoch: Scalar) -> PRNGKeyArray:
    """A training step's own key, for what a head draws: its first film's of the epoch, apart from augmentation's."""
    return jax.random.fold_in(film_keys(seed, epoch, batch.rows[:1])[0], 1)


def reading(
    net: Classifier, *, views: int | None, mean: Sequence[float], std: Sequence[float], augment: Augment
) -> tuple[Classifier | FeatureClassifier, Inputs]:
    """The network to train or predict with, and what it reads: films, or with `views` a frozen backbone's features."""
    if views is None:
        return net, of_films(mean=mean, std=std, augment=augment)
    return FeatureClassifier(net), of_features()


def of_films(*, mean: Sequence[float], std: Sequence[float], augment: Augment) -> Inputs:
    """Gray films, normalised, once for each channel; in training augmented by each film's own key (III-F)."""

    def evaluate(batch: Batch) -> Images:
        return normalise(batch.images, mean=mean, std=std)

    def train(batch: Batch, seed: Scalar, epoch: Scalar) -> Images:
        keys = film_keys(seed, epoch, batch.rows)
        options = augment.model_dump()
        return normalise(augment_films(batch.images, keys, **options), mean=mean, std=std)

    return Inputs(train, evaluate)


def of_features() -> Inputs:
    """One of a film's views: drawn by the film's own key in training, view 0 in evaluation."""

    def evaluate(batch: Batch) -> Features:
        return batch.images[:, 0]

    def train(batch: Batch, seed: Scalar, epoch: Scalar) -> Features:
        views = batch.images.shape[1]
        if views == 1:
            return evaluate(batch)
        keys = film_keys(seed, epoch, batch.rows)
        drawn = jax.vmap(lambda key: jax.random.randint(key, (), 0, views))(keys)
        return jnp.take_along_axis(batch.images, drawn[:, None, None], axis=1)[:, 0]

    return Inputs(train, evaluate)
