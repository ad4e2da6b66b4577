"""A run's circuit as `qcxr spectrum` and `qcxr signal` see it, against the network itself and its predictions."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from qcxr.data import split as packed
from qcxr.errors import InputError
from qcxr.models import classifier, features
from qcxr.training.dressed import read
from qcxr.training.predict import predict
from qcxr.training.spread import table

from .runs import LABELS, run, split

FILMS = 40


def pack(npy, films, **about):
    """A packed split's three files."""
    npy.parent.mkdir(parents=True, exist_ok=True)
    np.save(npy, films.images)
    index = pd.DataFrame({"image_id": films.image_ids, "patient_id": films.patient_ids})
    for k, label in enumerate(LABELS):
        index[label] = pd.array(films.targets[:, k].astype(int), "Int8")
    index.to_parquet(npy.with_suffix(".parquet"))
    about |= {"shape": list(films.images.shape), "dtype": str(films.images.dtype), "sha256": {}, "split": "test"}
    npy.with_suffix(".json").write_text(json.dumps(about))


def study(folder, head="dqc", **options):
    """A study's folder with one finished run, its packed test films and its predictions of them: the run's folder."""
    place = folder / "runs/t" / head / "seed0"
    run(place, head=head, head_options=options, epochs=1)
    pack(folder / "packed/nih-test.npy", split(FILMS, 3))
    films = packed.load(folder / "packed/nih-test.npy", LABELS)
    predict(weights_file=place / "out/best.safetensors", split=films, out=place / "out/predictions/nih.parquet")
    return place / "out"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return study(tmp_path_factory.mktemp("results"), layers=2)


def logits(predictions):
    p = predictions[[f"p_{label}" for label in LABELS]].to_numpy(float)
    return np.log(p / (1 - p))


def test_the_circuit_between_its_layers_is_the_network_that_predicted(trained):
    seen = read(trained)
    assert seen.name == "t/dqc/0" and seen.labels == LABELS and seen.weights.shape == (2, 2)
    z = np.asarray(seen.circuit(jnp.asarray(seen.weights), jnp.asarray(seen.angles)))
    want = logits(pd.read_parquet(trained / "predictions/nih.parquet"))
    np.testing.assert_allclose(z @ seen.kernel + seen.bias, want, atol=1e-4)
    np.testing.assert_array_equal(seen.targets, split(FILMS, 3).targets)


def test_first_weights_are_those_that_the_run_began_with(trained):
    seen, (model, about) = read(trained), classifier.restore(trained / "best.safetensors")
    begun = classifier.build(model.architecture, seed=about["seed"])
    np.testing.assert_array_equal(seen.first, begun.head.quantum[...])
    assert np.abs(seen.first - seen.weights).max() > 1e-4


def test_a_sample_is_the_seeds(trained):
    one, again, other = (read(trained, films=10, seed=seed) for seed in (1, 1, 2))
    assert len(one.angles) == 10
    np.testing.assert_array_equal(one.angles, again.angles)
    assert (one.angles != other.angles).any()


def test_features_of_the_runs_own_backbone_are_read_and_others_passed_over(trained):
    root, whole = trained.parents[4], split(FILMS, 3)
    model, _ = classifier.restore(trained / "best.safetensors")
    drawn = np.random.default_rng(0).standard_normal((FILMS, 1, model.extractor.network.n_features))
    films = whole.__class__(drawn.astype(np.float32), *(getattr(whole, n) for n in list(vars(whole))[1:]))
    pack(root / "features/nih-test.npy", films, backbone="another", features={"views": 1})
    from_films = read(trained).angles
    pack(root / "features/0a/nih-test.npy", films, backbone=features.fingerprint(model.extractor), features={})
    from_features = read(trained).angles
    for npy in (root / "features").rglob("*.npy"):
        npy.unlink()
    want = jnp.tanh(model.head.preprocess(jnp.asarray(drawn[:, 0], jnp.float32))) * (jnp.pi / 2)
    np.testing.assert_allclose(from_features, want, atol=1e-6)
    np.testing.assert_array_equal(from_films, read(trained).angles)


def test_the_table_of_spreads_is_that_of_the_network(trained):
    seen = read(trained)
    found = table(seen)
    assert len(found) == 2 * (2 + 4)
    z = np.asarray(seen.circuit(jnp.asarray(seen.weights), jnp.asarray(seen.angles)))
    best = found[found["weights"] == "best"]
    np.testing.assert_allclose(best[best["quantity"] == "std"]["value"], z.std(0), atol=1e-6)
    slopes = jax.jacobian(lambda w: seen.circuit(w, jnp.asarray(seen.angles)))(jnp.asarray(seen.weights))
    rows = best[best["quantity"] == "gradient_variance"].set_index(["layer", "qubit"])["value"]
    want = np.asarray(slopes).var(0, ddof=1).mean(0)
    assert [rows[i, q] for i in range(2) for q in range(2)] == pytest.approx(want.ravel(), abs=1e-6)


def test_what_cannot_be_read_is_said_in_one_line(trained, tmp_path):
    with pytest.raises(InputError, match=r"must be a run's folder, with its best.safetensors"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"mimic-test.npy does not exist, nor features .* the run has predicted nih"):
        read(trained, dataset="mimic")
    mlp = study(tmp_path / "other", head="mlp")
    with pytest.raises(InputError, match="must be a run whose head has a circuit, such as dqc or random, got .* mlp"):
        read(mlp)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "best.safetensors").write_bytes((trained / "best.safetensors").read_bytes())
    with pytest.raises(InputError, match="must lie in a study's folder `runs` .or `work`.,"):
        read(alone)
    begun = tmp_path / "work/t/dqc/seed1/0a"
    begun.mkdir(parents=True)
    (begun / "best.safetensors").write_bytes((trained / "best.safetensors").read_bytes())
    with pytest.raises(InputError, match="has no predictions, which would say the data set; predict first, or give"):
        read(begun)
