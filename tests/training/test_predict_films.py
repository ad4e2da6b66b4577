"""Prediction for film files: the workflow's own numbers, means over seeds, films unlike the training ones."""

import json
import os

import numpy as np
import pytest

from qcxr.data import likeness, listing, split
from qcxr.data.cache import build
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.pack import PackedFiles, pack
from qcxr.training import filmtable
from qcxr.training.ensemble import Ensemble
from qcxr.training.members import members
from qcxr.training.predict import predict
from tests.data import films as drawn
from tests.training.untrained import LABELS, save


@pytest.fixture(scope="module")
def nih(tmp_path_factory):
    """(folder of films, packed split of them)."""
    root = tmp_path_factory.mktemp("nih")
    paths = drawn.nih(root / "nih")
    frame = drawn.manifest_of("nih", paths, root / "m.parquet")
    where = Films(paths["images"], root / "cache", Preprocessing(18, 16))
    build(frame, where, progress=False)
    frame["split"] = "test"
    pack(frame, where, split="test", out=PackedFiles(*(root / f"p{end}" for end in (".npy", ".parquet", ".json"))))
    return paths["images"], root / "p.npy"


def test_films_get_the_probabilities_of_the_workflows_table(head, nih, tmp_path):
    images, packed = nih
    weights = head / "seed2/best.safetensors"
    theirs = predict(weights_file=weights, split=split.load(packed, LABELS), out=tmp_path / "p.parquet")
    ensemble = Ensemble(members(head / "seed2"))
    ours = filmtable.table(ensemble, listing.films([images]), thresholds={}, seen=None, batch_size=5)
    assert [path.rpartition("/")[2][:-4] for path in ours["film"]] == theirs["image_id"].tolist()
    columns = [f"p_{label}" for label in LABELS]
    np.testing.assert_allclose(ours[columns], theirs[columns], rtol=0, atol=2e-7)
    assert (ours["unlike"] == "unknown").all() and (ours["error"] == "").all()
    assert ours[[f"positive_{label}" for label in LABELS]].isna().all(axis=None)


@pytest.mark.parametrize("frozen", [False, True])
def test_several_seeds_are_averaged_with_their_spread(frozen, nih, tmp_path):
    folders = [save(tmp_path / f"seed{seed}", seed=seed, frozen=frozen) for seed in (0, 1, 11)]
    assert [member.name for member in members(tmp_path)] == ["seed0", "seed1", "seed11"]
    paths = listing.films([nih[0]])[:3]
    singles = [filmtable.table(Ensemble(members(one)), paths, thresholds={}, seen=None) for one in folders]
    together = Ensemble(members(tmp_path))
    assert len({network.fingerprint for network in together.networks}) == (1 if frozen else 3)
    table = filmtable.table(together, paths, thresholds={"Mass": 0.0, "Nodule": 1.0}, seen=None)
    for label in LABELS:
        each = np.stack([single[f"p_{label}"] for single in singles])
        np.testing.assert_allclose(table[f"p_{label}"], each.mean(axis=0), atol=1e-7)
        np.testing.assert_allclose(table[f"sd_{label}"], each.std(axis=0, ddof=1), atol=1e-7)
    assert table["positive_Mass"].tolist() == [1, 1, 1] and table["positive_Nodule"].tolist() == [0, 0, 0]
    assert table["positive_Hernia"].isna().all()


def test_films_that_cannot_be_read_have_a_row_and_disturb_no_other(ensemble, nih, tmp_path):
    good = listing.films([nih[0]])[:3]
    (tmp_path / "text.png").write_text("no film")
    paths = [str(tmp_path / "gone.png"), good[0], str(tmp_path / "text.png"), good[1], good[2]]
    seen = []
    table = filmtable.table(
        ensemble, paths, thresholds={}, seen=None, batch_size=2, each=lambda film, p: seen.append((film.path, p))
    )
    assert table["film"].tolist() == paths
    assert table["error"].tolist() == ["No such file or directory", "", "not a PNG, JPEG or DICOM", "", ""]
    alone = filmtable.table(ensemble, good, thresholds={}, seen=None)
    np.testing.assert_allclose(table.loc[[1, 3, 4], "p_Mass"], alone["p_Mass"], atol=1e-7)
    assert table.loc[[0, 2], "p_Mass"].isna().all()
    latin = os.fsdecode(b"caf\xe9.png")  # a name that is no UTF-8
    assert filmtable.table(ensemble, [latin], thresholds={}, seen=None)["film"].tolist() == ["caf\\xe9.png"]
    assert [path for path, _ in seen] == good
    np.testing.assert_allclose([p["Mass"] for _, p in seen], alone["p_Mass"], atol=1e-7)


def test_films_unlike_those_that_were_packed_are_said(nih):
    packed = nih[1]
    about = json.loads(packed.with_suffix(".json").read_text())["films"]
    pixels = np.load(packed)
    assert about["n"] == len(pixels) == 12 and about["coloured"] == 0 and about["shortest"] == [36, 36]
    means = [film.mean() for film in pixels]
    np.testing.assert_allclose(about["mean"], np.quantile(means, [0.001, 0.999]), atol=1e-5)
    sds = [film.std() for film in pixels]
    np.testing.assert_allclose(about["sd"], np.quantile(sds, [0.001, 0.999]), atol=1e-5)
    middle = pixels[int(np.argsort(means)[6])]
    about["sd"] = [0, 255]
    assert likeness.unlike(middle, Facts(36, 40, "L", False), about) == ""
    assert likeness.unlike(middle, Facts(36, 40, "L", False), None) == "unknown"
    said = likeness.unlike(np.full((16, 16), 255, np.uint8), Facts(20, 60, "RGB", True), about)
    for part in (
        "20 x 60 pixels (training: shortest side from 36)",
        "sides 1:3.00 (training: to 1:1.11)",
        "coloured (training: gray)",
        "mean gray level 255 (training: ",
        "share of white pixels 1 (training: 0 to ",
    ):
        assert part in said
