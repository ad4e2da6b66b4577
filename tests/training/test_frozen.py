"""A frozen backbone's features in place of films: the same run and the same predictions, and no others' features."""

import json
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from qcxr.data.feed import Batch
from qcxr.data.split import load, sha256
from qcxr.errors import InputError
from qcxr.models import arrays, classifier
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training.fit import fit
from qcxr.training.frozen import pack_features
from qcxr.training.inputs import of_features
from qcxr.training.predict import predict
from qcxr.training.splits import Splits
from tests.models.checkpoints import write_checkpoint
from tests.training.runs import LABELS, described, split

IMAGE, AUGMENT = Image(resize=16, crop=16), Augment(rotation=10)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A local Hugging Face checkpoint of a small ResNet."""
    folder = tmp_path_factory.mktemp("hub") / "checkpoint"
    config = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}
    write_checkpoint(folder, config, fresh=True)
    return Backbone(weights=str(folder), trainable="head", views=3)


@pytest.fixture
def packed(tmp_path):
    """Films packed as the pack step does: .npy, .parquet, .json."""

    def make(name: str, n: int, seed: int):
        films = split(n, seed)
        path = tmp_path / f"{name}.npy"
        np.save(path, films.images)
        index = pd.DataFrame({"image_id": films.image_ids, "patient_id": films.patient_ids})
        index = index.join(pd.DataFrame(films.targets, columns=list(LABELS)).astype("Int8"))
        index.to_parquet(path.with_suffix(".parquet"))
        digests = {"images": sha256(path), "index": sha256(path.with_suffix(".parquet"))}
        about = {"split": name, "shape": list(films.images.shape), "dtype": "uint8", "sha256": digests}
        path.with_suffix(".json").write_text(json.dumps(about))
        return path

    return make


def pack(films, backbone, views, code="c"):
    out = films.parent / "features" / films.name
    recipe = Recipe("cdl", {}, backbone, IMAGE, AUGMENT, Train())
    pack_features(films, out, recipe, views=views, cache=films.parent / "cache", code=code)
    return load(out, LABELS, training=True, verify=True)


def train(folder, films, validation, backbone, head="dqc", augment=AUGMENT, **changes):
    protocol = Train(**{"learning_rate": 1e-2, "batch_size": 4, "epochs": 3} | changes)
    run = described(folder, Recipe(head, {}, backbone, IMAGE, augment, protocol), head)
    fit(run, Splits(films, validation), resources=Resources())
    return folder / "out/best.safetensors"


@pytest.mark.parametrize("head", ["cdl", "dqc", "random"])
def test_one_view_trains_as_the_frozen_backbone_on_plain_films_does(backbone, packed, tmp_path, head):
    """The slow way round: the whole network with its backbone frozen, on films that are not augmented."""
    paths = packed("train", 22, 1), packed("val", 9, 2)
    fast = train(tmp_path / "fast", *(pack(path, backbone, 1) for path in paths), backbone, head)
    plain = Augment(flip=0, rotation=0)
    whole = backbone.model_copy(update={"views": None})
    slow = train(tmp_path / "slow", *(load(path, LABELS) for path in paths), whole, head, plain)
    ours, theirs = (arrays.collect(classifier.restore(path)[0]) for path in (fast, slow))
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=2e-5, err_msg=name)
    if head == "random":  # what never trains is in the file as it was drawn, to the bit
        drawn = classifier.build(classifier.restore(fast)[0].architecture, seed=0).head.quantum
        np.testing.assert_array_equal(ours["head.quantum"], drawn[...])
        assert np.array_equal(ours["head.quantum"], theirs["head.quantum"])
    history = [pd.read_csv(path.parent / "history.csv") for path in (fast, slow)]
    np.testing.assert_allclose(history[0]["train_loss"], history[1]["train_loss"], rtol=1e-5)


def test_predictions_from_features_are_those_from_films(backbone, packed, tmp_path):
    paths = packed("train", 22, 1), packed("val", 9, 2)
    features = pack(paths[0], backbone, 3), pack(paths[1], backbone, 1)
    best = train(tmp_path / "run", *features, backbone)
    a, b = (
        predict(weights_file=best, split=part, out=tmp_path / f"{k}.parquet")
        for k, part in enumerate((features[1], load(paths[1], LABELS)))
    )
    pd.testing.assert_frame_equal(a, b, atol=1e-5, rtol=0)


def test_every_view_is_drawn_and_heads_draw_the_same(backbone, packed, tmp_path):
    """Each view of a film is another; over epochs a film's views differ, over heads they do not."""
    part = pack(packed("train", 22, 1), backbone, 3)
    assert part.images.shape == (22, 3, 8)
    assert not np.allclose(part.images[:, 0], part.images[:, 1]) and not np.allclose(
        part.images[:, 1], part.images[:, 2]
    )
    rows = np.arange(22, dtype=np.int32)
    batch = Batch(part.images, part.targets, np.ones(22, bool), rows)
    drawn = [np.asarray(of_features().train(batch, jnp.uint32(0), jnp.uint32(epoch))) for epoch in range(30)]
    views = np.array([[int(np.abs(part.images[k] - x[k]).sum(1).argmin()) for k in rows] for x in drawn])
    counts = np.bincount(views.ravel(), minlength=3)
    assert counts.min() > 150 and len({tuple(row) for row in views}) == 30  # 660 draws, 220 expected of each


def test_features_are_computed_once_for_both_studies(backbone, packed, tmp_path, monkeypatch):
    films = packed("val", 9, 2)
    first = pack(films, backbone, 1)
    monkeypatch.setattr("qcxr.models.features._write", lambda *_, **__: pytest.fail("computed again"))
    np.testing.assert_array_equal(pack(films, backbone, 1).images, first.images)
    (made,) = (films.parent / "cache" / "features").glob("*.npy")
    out = films.parent / "features" / films.name
    assert made.stat().st_ino != out.stat().st_ino  # one time stamp for two studies would make each redo the other's
    with pytest.raises(pytest.fail.Exception, match="computed again"):
        pack(films, backbone, 1, code="edited")


def test_films_or_another_backbones_features_are_refused(backbone, packed, tmp_path):
    films = packed("train", 22, 1)
    with pytest.raises(InputError, match=r"reads features, got a packed split of films"):
        train(tmp_path, load(films, LABELS), load(films, LABELS), backbone)
    part = pack(films, backbone, 1)
    other = replace(part, about=part.about | {"backbone": "0" * 64})
    with pytest.raises(InputError, match="the features are of another backbone"):
        train(tmp_path, other, part, backbone)
    best = train(tmp_path / "run", part, part, backbone, epochs=1)
    with pytest.raises(InputError, match="the features are of another backbone"):
        predict(weights_file=best, split=other, out=tmp_path / "p.parquet")


def test_views_need_a_frozen_pretrained_backbone():
    with pytest.raises(ValueError, match="views needs a frozen, pretrained backbone, got trainable all"):
        Backbone(weights="x", views=2)
