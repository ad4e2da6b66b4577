"""A network here beside the same one in torch: its images, differences, features with their gradients."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx


def to_torch(images):
    torch = pytest.importorskip("torch")
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy())


def distance(a, b) -> float:
    """Largest difference relative to the reference's largest value."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape
    return float(np.abs(a - b).max() / np.abs(b).max())


def target_of(network, batch):
    """What features are multiplied by, so that every gradient counts."""
    return np.random.default_rng(1).standard_normal((len(batch), network.n_features), np.float32)


def features_and_gradients(network, batch):
    """(features in training, the gradients by our names of their sum times `target_of`)."""
    target = target_of(network, batch)

    @nnx.jit
    @nnx.value_and_grad(has_aux=True)
    def run(network):
        features = network(jnp.asarray(batch), train=True)
        return (features * target).sum(), features

    (_, features), gradient = run(network)
    return features, {".".join(map(str, path)): np.asarray(v[...]) for path, v in nnx.to_flat_state(gradient)}
