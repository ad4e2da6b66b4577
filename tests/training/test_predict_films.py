"""Prediction for film files: the workflow's own numbers, means over seeds, saliency, films unlike the training ones."""

import json
import os
from functools import partial

import numpy as np
import pytest
from flax import nnx

from qcxr.data import likeness, listing, split
from qcxr.data.augment import normalise
from qcxr.data.cache import build
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing, prepare
from qcxr.data.pack import PackedFiles, pack
from qcxr.errors import InputError
from qcxr.models import classifier
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Image
from qcxr.training import filmtable
from qcxr.training.ensemble import Ensemble
from qcxr.training.fit import fingerprint
from qcxr.training.members import DECIDES, Member, members
from qcxr.training.overlays import Overlays
from qcxr.training.predict import predict
from qcxr.training.saliency import gradient_times_input, occlusion, patch_of, starts
from qcxr.training.splits import Splits
from tests.data import films as drawn
from tests.training.runs import BACKBONE, PROTOCOL, described
from tests.training.runs import split as films_of
from tests.training.untrained import IMAGE, LABELS, save


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """A head's folder with two seeds."""
    folder = tmp_path_factory.mktemp("runs") / "cdl"
    for seed in (10, 2):
        save(folder / f"seed{seed}", seed=seed)
    return folder


@pytest.fixture(scope="module")
def ensemble(head):
    return Ensemble(members(head))


@pytest.fixture(scope="module")
def film(nih, ensemble):
    """A film as the network reads it."""
    return prepare(next(nih[0].iterdir()).read_bytes(), ensemble.preprocessing)[0]


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


def test_folders_are_searched(tmp_path):
    for name in (
        "b/1.PNG",
        "b/a/2.dcm",
        "a.jpeg",
        "notes.txt",
        ".hidden/3.png",
        "b/IM0001",
        "b/IM0002",
        "1.2.84.1",
        "D/DICOMDIR",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(128) + b"DICM" if name[-1] in "1R" else b"x")
    found = [path.removeprefix(f"{tmp_path}/") for path in listing.films([tmp_path, "named.tif"])]
    assert found == ["1.2.84.1", "a.jpeg", "b/1.PNG", "b/IM0001", "b/a/2.dcm", "named.tif"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty has no film \(.png, .jpg"):
        listing.films([tmp_path / "a.jpeg", tmp_path / "empty"])


def _other_labels(folder):
    save(folder / "seed0", seed=0)
    save(folder / "seed1", seed=0, labels=("Mass",))


def _other_head(folder):
    save(folder / "seed0", seed=0)
    save(folder / "seed1", seed=1, head="mlp")


def _otherwise(folder, key):
    """Two runs of the same network, with another protocol, code or films."""
    for seed in (0, 1):
        save(folder / f"seed{seed}", seed=seed)
        _record(folder / f"seed{seed}", **({key: "other"} if seed else {}))


def _record(folder, **other):
    (folder / "run.json").write_text(json.dumps({"config": "a", "code_hash": "b", "data_hash": ["c"], **other}))


def test_what_decides_a_run_does_not_have_its_seed(tmp_path):
    recipe, films = Recipe("cdl", {}, BACKBONE, Image(), Augment(), PROTOCOL), Splits(films_of(4, 1), films_of(4, 2))
    one, two = (fingerprint(described(tmp_path, recipe, seed=seed), films) for seed in (0, 1))
    assert DECIDES.keys() <= one.keys() and {key for key in one if one[key] != two[key]} == {"seed"}


def test_predictions_that_are_older_than_the_weights_give_no_threshold(tmp_path):
    member, table = Member(save(tmp_path / "seed0", seed=0) / "best.safetensors"), tmp_path / "seed0/predictions"
    assert member.validation is None and not member.stale
    table.mkdir()
    (table / "validation.parquet").write_text("x")
    assert member.validation == table / "validation.parquet" and not member.stale
    os.utime(table / "validation.parquet", ns=(0, member.weights.stat().st_mtime_ns - 1))
    assert member.validation is None and member.stale


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


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: (folder / "cdl/seed0").mkdir(parents=True), "it has cdl: give one of them"),
        (lambda folder: (folder / "seed3").mkdir(), r"no run of .* is trained yet \(seed3\); train it first"),
        (lambda folder: None, "it is empty"),
        (_other_labels, "seed1/best.safetensors has other labels, another preprocessing or another network"),
        (
            _other_head,
            "seed1/best.safetensors has other labels, another preprocessing or another network than .*seed0/",
        ),
        (
            partial(_otherwise, key="config"),
            "seed0 and .*seed1 must differ in their seeds alone, .* different settings;",
        ),
        (
            partial(_otherwise, key="code_hash"),
            "different code; train the older again or move it away, or give one",
        ),
        (partial(_otherwise, key="data_hash"), "different films;"),
        (lambda folder: (folder / "best.safetensors").write_text("x"), "not a complete safetensors file"),
    ],
)
def test_folders_without_one_kind_of_run_are_refused(make, text, tmp_path):
    make(tmp_path)
    with pytest.raises(InputError, match=text):
        Ensemble(members(tmp_path))


def test_what_a_damaged_record_says_is_unknown(tmp_path):
    (tmp_path / "run.json").write_text("[")
    assert Member(tmp_path / "best.safetensors").films is None
    (tmp_path / "run.json").write_text('{"films": {"n": 3}}')
    assert Member(tmp_path / "best.safetensors").films == {"n": 3}
    assert Member(tmp_path / "best.safetensors").validation is None
