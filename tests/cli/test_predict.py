"""`qcxr predict`: probabilities on standard output."""

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image

from qcxr.cli import main
from tests.training.runs import run


def test_predict_prints_one_row_a_film(tmp_path, capsys):
    run(tmp_path / "run", epochs=1)
    pixels = np.random.default_rng(0).integers(0, 255, (20, 16), np.uint8)
    Image.fromarray(pixels).save("a.png")
    weights = str(tmp_path / "run/out/best.safetensors")
    assert main(["predict", weights, "a.png"]) == 0
    said = capsys.readouterr()
    (row,) = csv.DictReader(io.StringIO(said.out))
    assert row["film"] == "a.png" and all(0 < float(row[label]) < 1 for label in ("Mass", "Nodule"))
    assert "not a medical device" in said.err
    Path("b.png").write_text("no film")
    assert main(["predict", weights, "a.png", "b.png"]) == 1
    assert capsys.readouterr().err.startswith("error: film b.png cannot be read: ")
    assert main(["predict", "none.safetensors", "a.png"]) == 1
    assert capsys.readouterr().err.startswith("error: no file none.safetensors")
