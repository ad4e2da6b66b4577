"""The command line as a person meets it: help, answers on standard output, one line for a mistake."""

import csv
import io
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qcxr import cli
from qcxr.cli import main
from tests.training.runs import run

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")


def test_help_names_every_command(capsys):
    assert main([]) == 2
    text = capsys.readouterr().out
    names = [command.__name__.rpartition(".")[2] for command in cli.COMMANDS]
    assert {"check", "config", "train", "bench"} <= set(names) and len(names) == 11
    assert [f"\n    {name} " in text for name in names] == [True] * len(names)
    with pytest.raises(SystemExit) as done:
        main(["predict", "--help"])
    assert done.value.code == 0 and "not a medical device" in " ".join(capsys.readouterr().out.split())


def test_params_prints_table_two(capsys):
    assert main(["params"]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert rows["cxr8/cdl"] == ["23,508,032", "16,392", "0", "0", "23,524,424"]
    assert rows["cxr14/dqc"] == ["23,508,032", "28,686", "42", "210", "23,536,970"]
    assert rows["cxr19/dqc"][1:4] == ["38,931", "57", "380"]


def test_check_prints_the_resolved_configuration_and_what_is_missing(capsys):
    assert main(["check"]) == 1
    said = capsys.readouterr()
    assert "learning_rate: 0.0001" in said.out
    assert said.err.startswith("error: data/nih does not exist; set data.sources.nih.images in the config")
    assert main(["check", "--configfile", "config/demo.yaml"]) == 0


def test_status_tells_waiting_running_and_killed_runs_apart(capsys):
    def event(name, **facts):
        path = Path(f"results-demo/progress/cxr8/cdl/{name}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"time": time.time(), "epochs": 8, **facts}) + "\n{half a li")

    epoch = {"epoch": 2, "train_loss": 0.5, "val_loss": 0.25, "films_per_second": 99.0, "seconds": 60.0}
    event("seed0", state="epoch", pid=1, **epoch)
    event("seed1", state="epoch", pid=2**22 + 1, **epoch)  # beyond the kernel's largest process id
    assert main(["status", "--configfile", "config/demo.yaml"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert (
        "running" in lines["cxr8/cdl/seed0"]
        and "2/8" in lines["cxr8/cdl/seed0"]
        and "< 6 min" in lines["cxr8/cdl/seed0"]
    )
    assert "killed" in lines["cxr8/cdl/seed1"] and "waiting" in lines["cxr8/dqc/seed0"]
    assert "12 runs: 1 running, 1 killed, 10 waiting" in "\n".join(lines.values())


def test_status_forgets_a_run_that_was_done_anew(capsys):
    def lines(*states):
        for i, state in enumerate(states):
            facts = {"train_loss": 0.5, "val_loss": 0.1 * (i + 1), "films_per_second": 9.0, "seconds": 60.0}
            yield json.dumps({"time": time.time(), "pid": 1, "epochs": 8, "state": state, "epoch": i + 1, **facts})

    path = Path("results-demo/progress/cxr8/cdl/seed0.jsonl")
    path.parent.mkdir(parents=True)
    path.write_text(
        "\n".join(lines("started", "epoch", "epoch", "done", "started", "epoch", "saved", "resumed", "epoch"))
    )
    assert main(["status", "--configfile", "config/demo.yaml"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cxr8/cdl/seed0")]
    assert "9/8" in row and "0.6000 @ 6" in row  # the best of the second time, not of the first
    path.write_text("\n".join(lines("started", "epoch", "done", "started")))
    assert main(["status", "--configfile", "config/demo.yaml"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cxr8/cdl/seed0")]
    assert "running" in row and "@" not in row


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


def test_draw_prints_the_circuit(capsys):
    assert main(["draw", "--qubits", "3", "--layers", "1", "--png", "c.png"]) == 0
    assert capsys.readouterr().out.count("RY(w0,") == 3
    with Image.open("c.png") as picture:
        assert picture.size[0] > 200


def test_a_run_that_cannot_be_trained_says_what_to_do(caplog):
    for words, said in (
        (["--threads", "-3"], "error: threads must be >= 1, got -3; set --threads"),
        (
            ["--configfile", "config/demo.yaml"],
            "make it first: snakemake --cores 1 results-demo/packed/drawn-nih-train.npy --configfile config/demo.yaml",
        ),
    ):
        with pytest.raises(SystemExit, match="1"):
            main(["train", "cxr8", "cdl", "0", *words])
        assert caplog.messages[-1].endswith(said)


def test_mistakes_are_one_line(capsys):
    assert main(["audit", "chexpert"]) == 1
    assert capsys.readouterr().err == (
        "error: dataset must be one of nih, mimic, got chexpert; describe it under data.sources\n"
    )
    assert main(["status", "--configfile", "none.yaml"]) == 1
    assert "config file none.yaml does not exist" in capsys.readouterr().err
    for words, said in (
        (["status", "--every", "-1"], "error: --every must be > 0 seconds, got -1; set it"),
        (["draw", "--png", str(Path.cwd())], "cannot be written (Is a directory)"),
    ):
        assert main(words) == 1
        told = capsys.readouterr().err
        assert said in told and len(told.splitlines()) == 1
    for words in (["data", "--films", "-1"], ["circuits", "--widths", "x"], ["models", "--frameworks", "tf"]):
        with pytest.raises(SystemExit):
            main(["bench", *words])
        assert f"qcxr bench {words[0]}: error: argument {words[1]}: invalid" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["status", "--fast"])
    assert "unrecognized arguments: --fast" in capsys.readouterr().err
