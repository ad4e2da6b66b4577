"""Features of a frozen backbone: equal to the backbone's own, cached by content, and a head trains from them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import features, groups
from qcxr.models.classifier import FeatureClassifier

from . import conftest
from .conftest import SMALL


def build(seed=0):
    return conftest.build(n_labels=3, seed=seed, batch_norm="running")


def prepare(gray):
    return jnp.repeat(gray.astype(jnp.float32)[..., None] / 255 - 0.5, 3, -1)


def augment(gray, view, rows):
    return gray.astype(jnp.float32) + (view * 10 + rows)[:, None, None]


@pytest.fixture
def films():
    return np.random.default_rng(0).integers(0, 200, (7, 40, 40), np.uint8)


def compute(tmp_path, films, classifier=None, *, prepare=prepare, views=1, augment=None, **changes):
    options = {"folder": tmp_path, "about": {"films": "a"}, "batch_size": 4, **changes}
    seen = features.Views(prepare, views, augment)
    return np.load(features.compute((classifier or build()).extractor, films, views=seen, **options), mmap_mode="r")


def test_views_equal_the_backbone_on_each_view(tmp_path, films):
    classifier = build()
    packed = compute(tmp_path, films, classifier, views=3, augment=augment)
    run = nnx.jit(classifier.backbone)
    assert packed.shape == (7, 3, 12) and packed.dtype == np.float32
    np.testing.assert_allclose(packed[:, 0], run(prepare(films)), atol=1e-5)
    for view in (1, 2):
        np.testing.assert_allclose(packed[:, view], run(prepare(augment(films, view, np.arange(7)))), atol=1e-5)
    assert len(list(tmp_path.glob("*.npy"))) == 1 and not list(tmp_path.glob("*.part"))


def test_the_batch_size_changes_nothing(tmp_path, films):
    np.testing.assert_allclose(
        compute(tmp_path / "a", films, batch_size=3), compute(tmp_path / "b", films, batch_size=7), atol=1e-6
    )


def test_computed_once_for_equal_content_and_again_for_other(tmp_path, films):
    def unused(*_):
        raise AssertionError("computed again")

    first = compute(tmp_path, films)
    np.testing.assert_array_equal(compute(tmp_path, films, prepare=unused), first)
    for changes in ({"classifier": build(seed=1)}, {"about": {"films": "b"}}, {"views": 2, "augment": augment}):
        before = len(list(tmp_path.glob("*.npy")))
        compute(tmp_path, films, **changes)
        assert len(list(tmp_path.glob("*.npy"))) == before + 1


def test_equal_arrays_in_another_architecture_are_another_backbone():
    other = {**SMALL, "config": SMALL["config"] | {"hidden_act": "silu"}}
    twin = conftest.build(backbone=other, n_labels=3, batch_norm="running")
    for a, b in zip(
        jax.tree.leaves(nnx.state(twin.backbone)), jax.tree.leaves(nnx.state(build().backbone)), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert features.fingerprint(twin.extractor) != features.fingerprint(build().extractor)


@pytest.mark.parametrize("cut", [0, 1, 500])
def test_an_interrupted_computation_goes_on_where_it_stopped(tmp_path, monkeypatch, cut):
    """Stopped in the third batch, with some bytes of a batch more or less on the disk."""
    films = np.random.default_rng(1).integers(0, 200, (11, 40, 40), np.uint8)
    whole = compute(tmp_path / "whole", films, batch_size=4)
    seen = []

    class Stopping(np.ndarray):
        def __getitem__(self, index):
            seen.append(index[0])
            if len(seen) == 3:
                raise KeyboardInterrupt
            return np.asarray(super().__getitem__(index))

    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        compute(folder, films.view(Stopping), batch_size=4)
    (part,) = folder.glob("*.part")
    assert not list(folder.glob("*.npy"))
    with open(part, "r+b") as file:
        file.truncate(part.stat().st_size - cut)
    seen.clear()
    seen.extend([None] * 3)  # stops no more
    np.testing.assert_array_equal(compute(folder, films.view(Stopping), batch_size=4), whole)
    assert seen[3] == {0: 8, 1: 4, 500: 0}[cut]


def test_disk_full_in_the_middle_keeps_what_is_done(small_disk, tmp_path):
    films = np.random.default_rng(2).integers(0, 200, (400, 16, 16), np.uint8)
    whole = compute(tmp_path / "whole", films, batch_size=40)
    (small_disk / "filling").write_bytes(bytes((1 << 20) - 12288))  # room for half of 400 x 12 x 4 bytes
    with pytest.raises(
        InputError, match=r"features-\w+.npy cannot be written \(No space left on device\); free space or"
    ):
        compute(small_disk / "features", films, batch_size=40)
    (part,) = (small_disk / "features").glob("*.part")
    assert 5000 < part.stat().st_size <= 12288
    (small_disk / "filling").unlink()
    np.testing.assert_array_equal(compute(small_disk / "features", films, batch_size=40), whole)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"views": 0}, "views must be >= 1, and 1 without an augmentation, got 0"),
        ({"views": 2}, "views must be >= 1, and 1 without an augmentation, got 2"),
    ],
)
def test_impossible_views_are_refused(tmp_path, films, changes, message):
    with pytest.raises(InputError, match=message):
        compute(tmp_path, films, **changes)
    with pytest.raises(InputError, match=r"films must be \(N, H, W\) with N >= 1, got \(0, 4, 4\)"):
        compute(tmp_path, np.zeros((0, 4, 4), np.uint8))


def test_a_head_trained_from_features_is_the_classifiers_own_head(images):
    classifier = build()
    twin = FeatureClassifier(classifier)
    batch = jnp.asarray(images(4, 40, 40))
    vectors, labels = nnx.jit(classifier.backbone)(batch), jnp.ones((4, 3))

    def gradient(network, inputs, trainable):
        graphdef, *states = groups.split(network, trainable)

        def loss(trained):
            logits = groups.merge(graphdef, trained, *states[1:])(inputs, train=True)
            return optax.sigmoid_binary_cross_entropy(logits, labels).mean()

        return jax.tree.leaves(jax.jit(jax.grad(loss))(states[0]))

    for a, b in zip(gradient(twin, vectors, "all"), gradient(classifier, batch, "head"), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
