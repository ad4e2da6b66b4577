"""`qcxr check`: the resolved configuration, and a verdict."""

import pytest
import yaml

from qcxr.cli import main
from qcxr.study.config import load, parse


def test_check_prints_the_resolved_configuration_and_what_is_missing(capsys):
    assert main(["check"]) == 1
    said = capsys.readouterr()
    assert "learning_rate: 0.0001" in said.out
    assert said.err.startswith("error: data/nih does not exist; set data.sources.nih.images in the config")
    assert main(["check", "--configfile", "config/demo.yaml"]) == 0


def test_check_ends_with_a_verdict_apart_from_the_configuration(capsys):
    assert main(["check", "--configfile", "config/demo.yaml"]) == 0
    said = capsys.readouterr()
    assert parse(yaml.safe_load(said.out)) == load("config/config.yaml", "config/demo.yaml")
    (verdict,) = said.err.splitlines()
    assert verdict.startswith("the configuration is sound: ")
    assert "Not checked: the models, which `qcxr params` builds" in verdict


def test_check_warns_of_films_that_are_not_prepared_as_the_checkpoint_was_trained(tmp_path, capsys, monkeypatch):
    """And says in one line what a model that torch computes needs, where torch is not installed."""
    weights, overlay = tmp_path / "swin", tmp_path / "mine.yaml"
    weights.mkdir()
    (weights / "config.json").write_text('{"model_type": "swin"}')
    (weights / "preprocessor_config.json").write_text('{"size": 64, "resample": 3}')
    backbone = {"name": None, "config": None, "batch_norm": None, "weights": str(weights), "trainable": "head"}
    overlay.write_text(yaml.safe_dump({"backbone": backbone, "image": {"resize": 72, "crop": 64}}))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["check", "--configfile", "config/demo.yaml", str(overlay)]) == 1
    *warnings, error = capsys.readouterr().err.splitlines()
    own = "set it to null (resize and crop together) for the backbone's own"
    assert warnings == [
        f"warning: image.resize is 72, {weights} was trained with 64; {own}",
        f"warning: image.fit is crop, {weights} was trained with squash; {own}",
    ]
    assert error == f"error: {weights} needs torch, which is not installed; pip install -e '.[hub]'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("results: cache\n", "error: results must lie apart from data.cache (cache), got cache; set results in the"),
        ("train:\n  epochs: 3\n  epochs: 4\n", "gives train.epochs twice, in lines 2 and 3; keep one"),
        ("train: {epochs: [}\n", "is not YAML (line 1, column 18: "),
        ("", "is empty; give it keys and values, or leave it out"),
    ],
)
def test_check_refuses_in_one_line(tmp_path, capsys, text, expected):
    (tmp_path / "mine.yaml").write_text(text)
    assert main(["check", "--configfile", "mine.yaml"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and expected in said.err and len(said.err.splitlines()) == 1
