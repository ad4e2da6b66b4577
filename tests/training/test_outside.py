"""A study on a backbone that torch computes: features once, then heads and predictions without torch."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pictures

from qcxr.data.augment import augment, film_keys, normalise
from qcxr.data.split import load, sha256
from qcxr.errors import InputError
from qcxr.models import classifier
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training.ensemble import Ensemble
from qcxr.training.filmtable import table as table_of
from qcxr.training.fit import fit
from qcxr.training.frozen import VIEWS_SEED, pack_features
from qcxr.training.members import members
from qcxr.training.predict import predict
from qcxr.training.splits import Splits
from tests.models import hubs
from tests.training.runs import LABELS, described, split

pytest.importorskip("torch")
IMAGE, AUGMENT = Image(resize=16, crop=16, mean=[0.4] * 3, std=[0.3] * 3), Augment(rotation=10)


def packed(folder, n, seed):
    films, path = split(n, seed), folder / f"{n}.npy"
    np.save(path, films.images)
    index = pd.DataFrame({"image_id": films.image_ids, "patient_id": films.patient_ids})
    index.join(pd.DataFrame(films.targets, columns=list(LABELS)).astype("Int8")).to_parquet(
        path.with_suffix(".parquet")
    )
    digests = {"images": sha256(path), "index": sha256(path.with_suffix(".parquet"))}
    path.with_suffix(".json").write_text(json.dumps({"shape": list(films.images.shape), "sha256": digests}))
    return path


def test_heads_train_and_predict_from_torchs_features_without_torch(tmp_path, monkeypatch):
    weights = hubs.write(tmp_path / "swin", "swin", image_size=16, window_size=2)
    backbone = Backbone(weights=str(weights), trainable="head", views=3)
    recipe = Recipe("dqc", {}, backbone, IMAGE, AUGMENT, Train(learning_rate=1e-2, batch_size=4, epochs=2))
    films, parts = [packed(tmp_path, 22, 1), packed(tmp_path, 9, 2)], []
    for path, views in zip(films, (3, 1), strict=True):
        out = tmp_path / "features" / path.name
        pack_features(path, out, recipe, views=views, cache=tmp_path / "cache", code="c", threads=1)
        parts.append(load(out, LABELS, training=True, verify=True))
    assert parts[0].images.shape == (22, 3, 16) and parts[1].images.shape == (9, 1, 16)
    whole = classifier.build(classifier.Architecture({"library": "torch", "weights": str(weights)}, "cdl", 2), seed=0)
    seen = normalise(split(22, 1).images, mean=[0.4] * 3, std=[0.3] * 3)
    np.testing.assert_allclose(parts[0].images[:, 0], whole.backbone(seen), atol=1e-5)
    turned = augment(split(22, 1).images, film_keys(VIEWS_SEED, 2, np.arange(22)), **AUGMENT.model_dump())
    turned = whole.backbone(normalise(turned, mean=[0.4] * 3, std=[0.3] * 3))
    np.testing.assert_allclose(parts[0].images[:, 2], turned, atol=1e-5)
    best = tmp_path / "run/out/best.safetensors"
    with monkeypatch.context() as without:
        for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "transformers")]:
            without.delitem(sys.modules, name)
        without.setitem(sys.modules, "torch", None)
        fit(described(tmp_path / "run", recipe, "dqc"), Splits(*parts), resources=Resources())
        table = predict(weights_file=best, split=parts[1], out=tmp_path / "p.parquet")
    run = json.loads((tmp_path / "run/out/run.json").read_text())
    assert run["parameters"]["backbone"] == whole.backbone.n_parameters > 1000
    _, metadata = classifier.restore(best)
    assert metadata["image"] == {"resize": 16, "crop": 16, "mean": [0.4] * 3, "std": [0.3] * 3}
    with pytest.raises(InputError, match="no compiled steps"):
        predict(weights_file=best, split=load(films[1], LABELS), out=tmp_path / "q.parquet")
    pictures = []
    for k, film in enumerate(split(9, 2).images):
        Pictures.fromarray(film).save(tmp_path / f"{k}.png")
        pictures.append(str(tmp_path / f"{k}.png"))
    whole_way = table_of(Ensemble(members(best)), pictures, thresholds={}, seen=None)
    for label in LABELS:
        np.testing.assert_allclose(whole_way[f"p_{label}"], table[f"p_{label}"], atol=1e-5)
    content = (weights / "model.safetensors").read_bytes()
    (weights / "model.safetensors").write_bytes(content[:-4] + bytes(4))
    with pytest.raises(InputError, match="must be the checkpoint that the features are of"):
        table_of(Ensemble(members(best)), pictures[:1], thresholds={}, seen=None)
