"""Several trained classifiers of the same labels as one: the mean of their probabilities, and each one's own.

A frozen backbone, or one that several runs share bit for bit, is computed once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Float32, Int, UInt8

from qcxr.data.augment import normalise
from qcxr.data.images import Preprocessing
from qcxr.errors import InputError
from qcxr.models import classifier, features
from qcxr.models.classifier import FeatureClassifier
from qcxr.training.members import Member

Gray = UInt8[np.ndarray, "films height width"]
Scale = tuple[tuple[float, ...], tuple[float, ...]]  # mean and standard deviation of each channel
Part = tuple[nnx.GraphDef, nnx.State]


class Network(NamedTuple):
    """A member's backbone, by its fingerprint and its two parts, and its head's two parts."""

    fingerprint: str
    backbone: Part
    head: Part
    outside: Any  # a backbone that JAX cannot trace: its function from normalised films to features, else None


class Ensemble:
    """The networks of `members`, their labels in order, and how their films are prepared.

    Raises InputError: a file that is no run's weights, or runs of other labels or preprocessing than the first's, or of
    another network where no `run.json` says that they differ in their seeds alone (`members`).
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self.names = tuple(member.name for member in members)
        self.networks: list[Network] = []
        first: dict[str, Any] = {}
        known = all(member.recorded for member in members)
        for member in members:
            model, metadata = classifier.trained(member.weights)
            about = {key: metadata[key] for key in ("labels", "image")}
            about |= {} if known else {"network": asdict(model.architecture)}
            first = first or about
            if about != first:
                raise InputError(
                    f"{member.weights} has other labels, another preprocessing or another network than "
                    f"{members[0].weights}; give a folder of runs that differ in their seeds alone, or one run's"
                )
            self.networks.append(_network(model))
        self.labels = tuple(first["labels"])
        self.preprocessing = Preprocessing.of(first["image"])
        self._scale: Scale = (tuple(first["image"]["mean"]), tuple(first["image"]["std"]))

    @property
    def differentiable(self) -> bool:
        """Whether gradients by the film can be had."""
        return all(network.outside is None for network in self.networks)

    def probabilities(self, films: Gray) -> Float32[np.ndarray, "members films labels"]:
        """Each member's probabilities of preprocessed films."""
        images = normalise(jnp.asarray(films), *self._scale)
        known: dict[str, jax.Array] = {}
        found = []
        for network in self.networks:
            if network.fingerprint not in known:
                known[network.fingerprint] = _features(network, images)
            found.append(jax.nn.sigmoid(_run(network.head[0], network.head[1], known[network.fingerprint])))
        return np.stack(jax.device_get(found))

    def gradient(self, film: UInt8[np.ndarray, "height width"], label: str) -> Float[np.ndarray, "height width"]:
        """d logit / d gray level of a preprocessed film: of the mean over the members of a label's logits.

        Raises InputError where a backbone has no gradients, and for a label that is none of `labels`.
        """
        if not self.differentiable:
            raise InputError("this run's backbone is not computed by JAX and has no gradients; use occlusion alone")
        column, gray = jnp.asarray(self.labels.index(known_label(label, self.labels))), jnp.asarray(film, jnp.float32)
        graphs = [(network.backbone[0], network.head[0]) for network in self.networks]
        states = [(network.backbone[1], network.head[1]) for network in self.networks]
        each = [_gradient(*graph, self._scale, *pair, gray, column) for graph, pair in zip(graphs, states, strict=True)]
        return np.mean(jax.device_get(each), axis=0)


def known_label(label: str, labels: Sequence[str]) -> str:
    """The label, if it is one of `labels`. Raises InputError."""
    if label not in labels:
        raise InputError(f"label must be one of {', '.join(labels)} (the run's), got {label!r}; correct --overlay")
    return label


def _network(model: classifier.Classifier) -> Network:
    backbone, head = nnx.split(model.backbone), nnx.split(FeatureClassifier(model))
    return Network(features.fingerprint(model.extractor), backbone, head, getattr(model.backbone, "run", None))


def _features(network: Network, images: jax.Array) -> jax.Array:
    if network.outside is None:
        return _run(*network.backbone, images)
    return jnp.asarray(network.outside(np.asarray(images)))


@partial(jax.jit, static_argnums=0)
def _run(graphdef: nnx.GraphDef, state: nnx.State, inputs: jax.Array) -> jax.Array:
    """Compiled once for all members of one shape."""
    return nnx.merge(graphdef, state, copy=True)(inputs, train=False)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _gradient(
    backbone: nnx.GraphDef,
    head: nnx.GraphDef,
    scale: Scale,
    of_backbone: nnx.State,
    of_head: nnx.State,
    film: Float[Array, "height width"],
    column: Int[Array, ""],
) -> Float[Array, "height width"]:
    """Compiled once for all members of one shape, and all labels."""

    def logit(gray: Float[Array, "height width"]) -> Float[Array, ""]:
        features = nnx.merge(backbone, of_backbone, copy=True)(normalise(gray[None], *scale), train=False)
        return nnx.merge(head, of_head, copy=True)(features, train=False)[0, column]

    return jax.grad(logit)(film)
