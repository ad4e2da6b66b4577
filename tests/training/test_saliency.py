"""Saliency: maps against plain arithmetic, and a picture of its own for each film and label."""

import numpy as np
import pytest
from flax import nnx

from qcxr.data.augment import normalise
from qcxr.data.images import Preprocessing
from qcxr.models import classifier
from qcxr.training import filmtable
from qcxr.training.ensemble import Ensemble
from qcxr.training.members import members
from qcxr.training.overlays import Overlays
from qcxr.training.saliency import gradient_times_input, occlusion, patch_of, starts
from tests.training.untrained import IMAGE


@pytest.fixture(scope="module")
def film():
    """A film as the network reads it, without black, whose product with a slope would hide it."""
    return np.random.default_rng(0).integers(1, 256, (16, 16), np.uint8)


def test_a_gradient_is_that_of_finite_differences(ensemble, film, head):
    """In small steps of gray levels, some pixels at a time: one pixel's alone drowns in float32."""
    run = nnx.jit(lambda model, images: model(images))
    models = [classifier.restore(member.weights)[0] for member in members(head)]
    pixels = np.random.default_rng(0).permutation(film.size)[:96].reshape(6, 16)
    steps = np.zeros((12, *film.shape), np.float32)
    for row, part in enumerate(pixels):
        steps[row].flat[part], steps[6 + row].flat[part] = 0.25, -0.25
    images = normalise(film + steps, IMAGE["mean"], IMAGE["std"])
    logits = np.mean([np.asarray(run(model, images), np.float64)[:, 1] for model in models], axis=0)
    slopes = gradient_times_input(ensemble, film, "Nodule") / film
    expected = (logits[:6] - logits[6:]) / 0.5
    np.testing.assert_allclose([slopes.flat[part].sum() for part in pixels], expected, atol=0.02 * np.ptp(expected))


def test_occlusion_is_a_loop_of_plain_predictions(ensemble, film):
    got = occlusion(ensemble, film, ["Hernia", "Mass"], patch=6, stride=4, batch_size=5)
    assert starts(16, 6, 4) == [0, 4, 8, 10] and patch_of(224) == (32, 16)
    for label, column in (("Hernia", 2), ("Mass", 0)):
        total, times = np.zeros(film.shape), np.zeros(film.shape)
        whole = ensemble.probabilities(film[None]).mean(axis=0)[0, column]
        for y in (0, 4, 8, 10):
            for x in (0, 4, 8, 10):
                hidden = film.copy()
                hidden[y : y + 6, x : x + 6] = np.rint(film.mean())
                total[y : y + 6, x : x + 6] += whole - ensemble.probabilities(hidden[None]).mean(axis=0)[0, column]
                times[y : y + 6, x : x + 6] += 1
        np.testing.assert_allclose(got[label], total / times, atol=1e-6)
        assert np.ptp(got[label]) > 1e-5


def test_no_picture_overwrites_another(tmp_path):
    class Flat(Ensemble):
        labels, names, differentiable = ("肺炎", "気胸", "+", "/", "a-b", "A b"), ("seed0",), False
        preprocessing = Preprocessing(18, 16)

        def __init__(self):
            pass

        def probabilities(self, films):
            return np.zeros((1, len(films), 6), np.float32)

    written = []
    draw = lambda film, title, maps, out: written.append((out.name, title.splitlines()[-1]))  # noqa: E731
    each = Overlays(Flat(), Flat.labels, tmp_path, patch=16, stride=16, smooth=np.asarray, draw=draw)
    names = ("x/a.png", "y/a.png", "z/a.2.png", "z/A.dcm", "1.2.3.4", "1.2.3.5", "w" * 99)
    for name in names:
        each(filmtable.Film(name, np.zeros((16, 16), np.uint8)), dict.fromkeys(Flat.labels, 0.5))
    files = [name for name, _ in written]
    assert each.written == len({name.casefold() for name in files}) == len(names) * len(Flat.labels)
    assert files[:6] == ["a-肺炎.png", "a-気胸.png", "a-_.png", "a-_.2.png", "a-a_b.png", "a-A_b.2.png"]
    assert [name.partition("-")[0] for name in files[::6]] == [
        "a",
        "a.2",
        "a.2.2",
        "A.3",
        "1.2.3.4",
        "1.2.3.5",
        "w" * 99,
    ]
    assert written[-1][1].startswith("www") and len(written[-1][1]) == 56
