"""Augmentation against dm_pix and SciPy, normalisation against the Hugging Face processor, keys against order."""

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil

from qcxr.data.augment import IMAGENET_MEAN, IMAGENET_STD, augment, film_keys, normalise
from qcxr.data.rotate import rotate
from qcxr.errors import InputError

RNG = np.random.default_rng(0)


def films(n: int, height: int = 32, width: int = 32) -> np.ndarray:
    return RNG.integers(0, 256, (n, height, width), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (33, 48), (7, 8), (224, 224)])
@pytest.mark.parametrize("fill", [0.0, 17.0, "edge"])
def test_rotation_equals_dm_pix(height, width, fill):
    image = jnp.asarray(films(1, height, width)[0], jnp.float32)
    mode = {"mode": "nearest"} if fill == "edge" else {"mode": "constant", "cval": fill}
    ours_of = jax.jit(lambda angle: rotate(image, angle, fill=fill))
    theirs_of = jax.jit(lambda angle: dm_pix.rotate(image[..., None], angle, **mode)[..., 0])
    for degrees in (-15.0, -3.3, 0.0, 0.01, 7.7, 15.0, 100.0):
        angle = jnp.float32(np.deg2rad(degrees))
        ours, theirs = np.asarray(ours_of(angle)), np.asarray(theirs_of(angle))
        # a pixel whose source lies on the border to rounding may be in for one and out for the other
        assert (np.abs(ours - theirs) > 0.1).mean() <= 4 / ours.size
        assert np.median(np.abs(ours - theirs)) < 1e-2


def test_rotation_equals_scipy_away_from_the_border():
    image, angle = films(1, 50, 41)[0].astype(np.float64), np.deg2rad(12.3)
    y, x = np.mgrid[0:50, 0:41].astype(np.float64)
    y, x = y - 24.5, x - 20.0
    source = [np.cos(angle) * y + np.sin(angle) * x + 24.5, -np.sin(angle) * y + np.cos(angle) * x + 20.0]
    expected = map_coordinates(image, source, order=1, mode="constant", cval=0.0)
    ours = np.asarray(rotate(jnp.asarray(image, jnp.float32), jnp.float32(angle)))
    np.testing.assert_allclose(ours[12:38, 10:31], expected[12:38, 10:31], atol=0.02)


def test_rotation_is_counter_clockwise_and_never_wraps():
    image = np.zeros((41, 41), np.float32)
    image[20, 35] = 255.0  # to the right of the centre: 90 degrees counter-clockwise moves it to the top
    turned = np.asarray(rotate(jnp.asarray(image), jnp.float32(np.pi / 2)))
    assert np.unravel_index(turned.argmax(), turned.shape) == (5, 20)
    white = jnp.full((41, 41), 255.0)
    corners = np.asarray(rotate(white, jnp.float32(np.deg2rad(15))))[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_array_equal(corners, 0.0)


def test_zero_angle_is_the_film_itself():
    image = jnp.asarray(films(1, 31, 40)[0], jnp.float32)
    np.testing.assert_allclose(rotate(image, jnp.float32(0)), image, atol=1e-3)


def test_one_pixel_wide_film_survives():
    image = jnp.arange(9, dtype=jnp.float32)[:, None]
    np.testing.assert_allclose(rotate(image, jnp.float32(0)), image, atol=1e-4)


def test_flip_only():
    images, keys = films(200), film_keys(0, 0, jnp.arange(200))
    out = np.asarray(augment(images, keys, flip=0.5, rotation=0.0))
    flipped = (out == images[:, :, ::-1]).all(axis=(1, 2))
    same = (out == images).all(axis=(1, 2))
    assert (flipped ^ same).all()
    assert 70 < flipped.sum() < 130  # p = 0.5: five standard deviations are 35
    np.testing.assert_array_equal(augment(images, keys, flip=0.0, rotation=0.0), images)
    np.testing.assert_array_equal(augment(images, keys, flip=1.0, rotation=0.0), images[:, :, ::-1])


def angles_of(unit: str, rotation: float) -> np.ndarray:
    """The angles that films were turned by, in degrees, measured on the picture: a bright dot right of the centre."""
    image = np.zeros((1, 101, 101), np.float32)
    image[0, 48:53, 88:93] = 255.0
    keys = film_keys(1, 2, jnp.arange(300))
    out = np.asarray(augment(np.repeat(image, 300, axis=0), keys, flip=0.0, rotation=rotation, unit=unit), np.float64)
    y, x = np.mgrid[0:101, 0:101] - 50
    mass = out.sum(axis=(1, 2))
    return np.rad2deg(np.arctan2(-(out * y).sum(axis=(1, 2)) / mass, (out * x).sum(axis=(1, 2)) / mass))


def test_angles_are_uniform_within_fifteen_degrees():
    angles = angles_of("degrees", 15.0)
    assert np.abs(angles).max() <= 15.1
    assert np.abs(angles).max() > 14
    assert abs(angles.mean()) < 2.5  # sigma of the mean is 0.5
    assert 7.5 < angles.std() < 9.8  # uniform: 8.66


def test_radians_turn_films_by_any_angle():
    assert np.abs(angles_of("radians", 15.0)).max() > 150


def test_a_films_augmentation_ignores_its_batch():
    images = films(24, 224, 224)
    run = jax.jit(lambda images, rows: augment(images, film_keys(7, 3, rows)))
    whole = np.asarray(run(images, jnp.arange(24)))
    shuffled = np.random.default_rng(1).permutation(24)
    np.testing.assert_array_equal(run(images[shuffled], jnp.asarray(shuffled)), whole[shuffled])
    for size in (1, 5, 8):
        parts = [run(images[i : i + size], jnp.arange(i, min(i + size, 24))) for i in range(0, 24, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_seed_epoch_and_film_all_matter():
    image = np.repeat(films(1), 4, axis=0)
    keys = [film_keys(s, e, jnp.asarray([r]))[0] for s, e, r in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    out = np.asarray(augment(image, jnp.stack(keys)))
    assert all((out[i] != out[j]).any() for i in range(4) for j in range(i))


def test_keys_are_the_stated_fold_in_chain():
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(5), 2), 9)
    keys = film_keys(5, 2, jnp.asarray([3, 9]))
    np.testing.assert_array_equal(jax.random.key_data(keys)[1], jax.random.key_data(key))


def test_normalise_equals_the_hugging_face_processor():
    image = films(1, 224, 224)[0]
    processor = ConvNextImageProcessorPil(
        do_resize=False, resample=3, image_mean=list(IMAGENET_MEAN), image_std=list(IMAGENET_STD)
    )
    theirs = processor(np.repeat(image[..., None], 3, axis=2), return_tensors="np")["pixel_values"][0]
    ours = np.asarray(jax.jit(normalise)(image[None]))[0]
    assert ours.shape == (224, 224, 3)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours.transpose(2, 0, 1), theirs, atol=1e-6, rtol=0)


def test_strict_promotion_and_rank():
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        normalise(augment(jnp.asarray(films(2)), film_keys(0, 0, jnp.arange(2))))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"flip": 1.5}, r"flip must be a probability in \[0, 1\], got 1.5; set augment.flip"),
        ({"rotation": -1.0}, "rotation must be >= 0, got -1.0; set augment.rotation"),
        ({"unit": "turns"}, "unit must be one of degrees, radians, got 'turns'; set augment.unit"),
        ({"fill": "wrap"}, r"fill must be a gray level in \[0, 255\] or 'edge', got 'wrap'"),
        ({"fill": 256}, r"fill must be a gray level in \[0, 255\] or 'edge', got 256"),
    ],
)
def test_bad_options(options, text):
    with pytest.raises(InputError, match=text):
        augment(films(2), film_keys(0, 0, jnp.arange(2)), **options)


def test_wrong_shapes(unchecked):
    with pytest.raises(ValueError, match=r"images must be \(B, H, W\) and keys \(B,\)"):
        augment(films(2), film_keys(0, 0, jnp.arange(3)))
