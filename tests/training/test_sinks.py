"""Sinks are given what the progress file has, go on with a run that was cut off, and never stop a training."""

import logging

import pytest

from qcxr.study.config import load
from qcxr.study.provenance import sources
from qcxr.training import progress, sinks

RUN = {"task": "cxr8", "head": "dqc", "kind": "dqc", "seed": 3, "device": "cpu"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "progress/cxr8/dqc/seed3.jsonl"


def epoch(number, loss):
    row = {"epoch": number, "train_loss": loss + 1, "val_loss": loss, "seconds": 1.0, "films_per_second": 50.0}
    return row | {"best": True}


def trained(file, *names, epochs, state="done", first="started"):
    """Events of a training, as `fit` gives them."""
    told = progress.Progress(file, run=RUN, steps=1, epochs=3)
    with sinks.following(file, names):
        told.event(first)
        for number in epochs:
            told.end_epoch(epoch(number, 1 / number))
        if state:
            told.event(state, best_epoch=epochs[-1], best_val_loss=1 / epochs[-1])
    assert not progress._listeners


def records(data):
    """The records of a file of W&B: seven bytes, then LevelDB's log format, blocks of 32 KiB from the file's start."""
    at, record = 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        record += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield record
            record = b""


def test_mlflow_holds_what_was_measured(file, monkeypatch):
    pytest.importorskip("mlflow", reason="the extra mlflow")
    for name, value in sinks.Mlflow.silent.items():
        monkeypatch.setenv(name, value)
    from mlflow.tracking import MlflowClient

    def runs():
        client = MlflowClient(tracking_uri=(file.parents[2] / "mlruns").as_uri())
        return client, client.search_runs(["0"], order_by=["attributes.start_time ASC"])

    trained(file, "mlflow", epochs=[1, 2], state=None)
    client, (run,) = runs()
    assert run.info.status == "KILLED" and run.data.params["head"] == "dqc" and run.info.run_name == "cxr8/dqc/seed3"
    trained(file, "mlflow", epochs=[3], first="resumed")
    client, (run,) = runs()
    assert run.info.status == "FINISHED" and run.data.metrics["best_epoch"] == 3
    history = client.get_metric_history(run.info.run_id, "val_loss")
    assert [(one.step, one.value) for one in history] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    trained(file, "mlflow", epochs=[1])  # anew
    assert len(runs()[1]) == 2


def test_wandb_writes_an_offline_run_that_can_be_read(file, monkeypatch):
    pytest.importorskip("wandb", reason="the extra wandb")
    from wandb.proto import wandb_internal_pb2

    for name, value in sinks.WeightsAndBiases.silent.items():
        monkeypatch.setenv(name, value)
    trained(file, "wandb", epochs=[1, 2])
    (log,) = file.with_suffix("").glob("wandb/offline-run-*/run-*.wandb")
    values, config = [], {}
    for data in records(log.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        found = {item.key or item.nested_key[0]: item.value_json for item in record.history.item}
        values += [float(found["val_loss"])] if "val_loss" in found else []
        config |= {item.key: item.value_json for item in record.run.config.update}
    assert values == [1.0, 0.5] and config["head"] == '"dqc"' and config["seed"] == "3"


def test_a_sink_that_fails_is_left_out_with_a_word(file, monkeypatch, caplog):
    class Broken:
        def __init__(self, file):
            pass

        def event(self, line):
            raise OSError("no space\nleft")

        def close(self):
            raise AssertionError("it was left out")

    monkeypatch.setitem(sinks.SINKS, "wandb", Broken)
    with caplog.at_level(logging.WARNING):
        trained(file, "wandb", epochs=[1, 2])
    assert [record.getMessage() for record in caplog.records] == [
        "resources.wandb is left out from here on: no space left"
    ]
    assert len(file.read_text(encoding="utf-8").splitlines()) == 4


def test_a_run_that_goes_on_is_the_same_and_one_that_is_done_anew_another(file):
    told = progress.Progress(file, run=RUN, steps=1, epochs=3)
    found = []
    with progress.listening(lambda line: found.append(sinks.identity(file, line))):
        for state in ("started", "resumed", "saved", "started", "resumed"):
            told.event(state)
    assert found[0] == found[1] == found[2] != found[3] == found[4]


def test_no_run_depends_on_a_sink():
    assert not [name for name in sources("qcxr.training.fit") if "sinks" in name]
    assert load("config/config.yaml", "config/demo.yaml").resources.sinks == []
