"""`qcxr predict`: a table of probabilities, pictures beside it, and one line for what cannot be read."""

import csv
import io
import json
import os
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qcxr.analysis import ranking
from qcxr.cli import main
from tests.training.runs import run
from tests.training.untrained import save

LABELS = ("Mass", "Nodule")
FILMS = ("films/a.png", "films/deep/b.png")


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Compiled programs go below a folder of the tests, and JAX is told to forget it."""
    before = jax.config.jax_compilation_cache_dir
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("jax")))
        yield
    jax.config.update("jax_compilation_cache_dir", before)


def films() -> None:
    rng = np.random.default_rng(0)
    for name in FILMS:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (20, 16), np.uint8)).save(name)


def validation(folder: Path, seed: int) -> pd.DataFrame:
    """Predictions as the workflow writes them for the validation split."""
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(9).integers(0, 2, (40, 2))
    table = pd.DataFrame({"image_id": [f"v{i:02}" for i in range(40)], "patient_id": "1"})
    for k, label in enumerate(LABELS):
        table[f"p_{label}"] = (0.5 * truth[:, k] + rng.uniform(0.0, 0.5, 40)).astype(np.float32)
        table[f"y_{label}"] = truth[:, k] if label == "Mass" else 0
    (folder / "predictions").mkdir()
    table.to_parquet(folder / "predictions/validation.parquet")
    return table


def test_a_heads_folder_gives_a_table_with_thresholds_and_pictures(capsys):
    films()
    tables = [validation(save(Path(f"cdl/seed{seed}"), seed=seed, labels=LABELS), seed) for seed in (0, 1)]
    usual = {"n": 9, "coloured": 0, "mean": [0, 1], "shortest": [16, 99], "aspect": [1, 2]}
    usual |= {"sd": [0, 256], "black": [0, 1], "white": [0, 1]}
    Path("cdl/seed0/run.json").write_text(json.dumps({"films": usual}))
    pictures = ["--overlay", "Nodule", "--overlays", "maps", "--patch", "8"]
    assert main(["predict", "cdl", "films", "--out", "t.csv", *pictures]) == 0
    said = capsys.readouterr()
    assert (
        said.out == ""
        and "mean of 2 runs: seed0, seed1" in said.err
        and "2 pictures in maps" in said.err
        and "not a medical device" in said.err
    )
    table = pd.read_csv("t.csv", keep_default_na=False)
    assert table["film"].tolist() == list(FILMS)
    mean = (tables[0]["p_Mass"].astype(float) + tables[1]["p_Mass"]) / 2
    threshold = ranking.youden_threshold(tables[0]["y_Mass"].to_numpy(float), mean.to_numpy(float))
    assert table["positive_Mass"].astype(int).tolist() == (table["p_Mass"] >= threshold).astype(int).tolist()
    assert table["positive_Nodule"].tolist() == ["", ""]  # no positive film in validation
    assert (table["sd_Mass"] > 0).all()
    assert table["unlike"].str.fullmatch(r"mean gray level [0-9.]+ \(training: 0 to 1\)").all()
    for name, p in zip(("a", "b"), table["p_Nodule"], strict=True):
        with Image.open(f"maps/{name}-Nodule.png") as picture:
            assert picture.info["Title"].startswith(f"Nodule: p = {p:.3f} (mean of 2 runs)")
            assert "not a medical device" in picture.info["Disclaimer"]
            colours = np.asarray(picture.convert("RGB"), int)
            assert np.ptp(colours, axis=2).max() > 60  # there is colour over the gray
    os.utime("cdl/seed0/predictions/validation.parquet", (0, 0))
    assert main(["predict", "cdl/seed0", FILMS[0], "--out", "t.parquet"]) == 0
    assert "no thresholds: predictions/validation.parquet of seed0 is older than the weights" in capsys.readouterr().err
    assert pd.read_parquet("t.parquet")["positive_Mass"].isna().all()
    assert pd.read_parquet("t.parquet").columns.tolist() == [
        "film", "p_Mass", "p_Nodule", "positive_Mass", "positive_Nodule", "unlike", "error",
    ]  # fmt: skip


def test_one_run_prints_a_row_for_each_film_also_for_those_that_cannot_be_read(tmp_path, capsys):
    films()
    run(tmp_path / "run", epochs=1)
    weights = str(tmp_path / "run/out/best.safetensors")
    Path("c.png").write_text("no film")
    assert main(["predict", weights, FILMS[0], "c.png"]) == 1
    said = capsys.readouterr()
    good, bad = csv.DictReader(io.StringIO(said.out))
    assert good["film"] == FILMS[0] and all(0 < float(good[f"p_{label}"]) < 1 for label in LABELS)
    assert good["positive_Mass"] == good["error"] == ""
    assert "standard deviation of the gray levels" in good["unlike"]  # of noise; run.json knows the training films
    assert bad["p_Mass"] == "" and bad["error"] == "not a PNG, JPEG or DICOM"
    assert said.err.splitlines()[-1] == (
        "error: 1 of 2 films could not be read, the first c.png: not a PNG, JPEG or DICOM; see the table's column error"
    )
    for words, text in (
        (["none.safetensors", "a.png"], "error: no file none.safetensors"),
        ([weights, "a.png", "--out", "t.xlsx"], "error: --out must end in .csv or .parquet, got t.xlsx"),
        ([weights, "a.png", "--overlays", "maps"], "error: --overlays needs labels"),
        (
            [weights, "a.png", "--overlay", "Hernia"],
            "error: label must be one of Mass, Nodule (the run's), got 'Hernia'",
        ),
        ([weights, "a.png", "--overlay", "all", "--patch", "99"], "error: --patch and --stride must be 1 <= stride"),
        (["films", "a.png"], "error: films must be a run's folder"),
    ):
        assert main(["predict", *words]) == 1
        assert capsys.readouterr().err.startswith(text)
