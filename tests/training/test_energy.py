"""What energy a training takes: measured beside it, summed over its attempts, and told; never a result."""

import json
import socket
import sys
import time
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from qcxr.study import spent
from qcxr.study.config import parse
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Image
from qcxr.training import devices, energy, fit, single, splits
from tests.study.studies import study
from tests.training.runs import BACKBONE, PROTOCOL, described

MARKS = {"task": "t", "config": "{}", "code_hash": "c"}


@pytest.fixture
def meter(monkeypatch):
    """A codecarbon whose every measurement is 2 Wh of the processor and 1 of the memory, in 5 s."""

    class Tracker:
        final_emissions_data = None
        options: dict

        def __init__(self, **options):
            Tracker.options = options

        def start(self):
            pass

        def stop(self):
            if not broken:
                told = {"cpu_energy": 0.002, "gpu_energy": 0.0, "ram_energy": 0.001, "energy_consumed": 0.003}
                about = {"cpu_model": "x", "gpu_model": "", "codecarbon_version": "3"}
                self.final_emissions_data = SimpleNamespace(duration=5.0, **told, **about)

    broken: list = []
    module = ModuleType("codecarbon")
    module.OfflineEmissionsTracker = Tracker
    module.__spec__ = ModuleSpec("codecarbon", None)
    monkeypatch.setitem(sys.modules, "codecarbon", module)
    return SimpleNamespace(tracker=Tracker, broken=broken)


def attempt(folder, marks=MARKS, *, cut_short=False):
    try:
        with energy.measured(folder, marks, cards=["1"]):
            if cut_short:
                raise SystemExit(143)
            (folder / "run.json").write_text(json.dumps(marks | {"epochs": 3}))
    except SystemExit:
        pass


def test_attempts_at_one_run_are_summed_and_those_at_another_forgotten(meter, tmp_path):
    attempt(tmp_path, cut_short=True)
    assert spent.of(tmp_path) is None  # not finished
    attempt(tmp_path)
    one = {"seconds": 5.0, "kwh": 0.003, "cpu_kwh": 0.002, "gpu_kwh": 0.0, "ram_kwh": 0.001}
    assert spent.of(tmp_path) == {part: 2 * value for part, value in one.items()}
    attempt(tmp_path)  # trained anew
    assert spent.of(tmp_path) == one
    attempt(tmp_path, MARKS | {"config": "other"}, cut_short=True)
    attempt(tmp_path, cut_short=True)
    attempt(tmp_path)
    assert spent.of(tmp_path) == {part: 2 * value for part, value in one.items()}
    (tmp_path / "run.json").write_text(json.dumps(MARKS | {"config": "other"}))  # trained since, and not measured
    assert spent.of(tmp_path) is None
    assert meter.tracker.options["gpu_ids"] == ["1"] and meter.tracker.options["output_methods"] == []


def test_what_cannot_be_measured_stops_no_training(meter, tmp_path, caplog):
    meter.broken.append(True)
    attempt(tmp_path)
    assert spent.of(tmp_path) is None and "what energy this attempt took is not known" in caplog.text
    (tmp_path / "energy.json").write_text("{half")
    assert spent.of(tmp_path) is None


@pytest.mark.parametrize("on", [True, False])
def test_a_run_is_measured_where_the_key_says_so(meter, monkeypatch, tmp_path, on):
    run = described(tmp_path, Recipe("cdl", {}, BACKBONE, Image(resize=16, crop=16), Augment(), PROTOCOL))

    def trained(run, films, **_):
        run.out.mkdir()
        (run.out / "run.json").write_text(json.dumps(MARKS))

    monkeypatch.setattr(devices, "configure", lambda **_: None)
    monkeypatch.setattr(splits, "load", lambda *_, **__: None)
    monkeypatch.setattr(fit, "fingerprint", lambda *_: MARKS)
    monkeypatch.setattr(fit, "fit", trained)
    single.train(run, parse(study(resources__energy=on)), films=("a", "b"), threads=1)
    assert sorted(path.name for path in run.out.iterdir()) == ["energy.json"] * on + ["run.json"]
    assert (spent.of(run.out) is not None) == on


def test_the_line_names_every_head_and_how_many_runs_were_measured():
    assert spent.said([("cdl", None)]) is None
    assert (
        spent.said([("cdl", 1.0), ("dqc", 0.25), ("cdl", 0.5)])
        == "1.75 kWh in all by codecarbon's estimate (cdl 1.5, dqc 0.25)"
    )
    assert spent.said([("cdl", 1.0), ("dqc", None)]) == "1 kWh in all by codecarbon's estimate (cdl 1), of 1 of 2 runs"


def test_codecarbon_measures_this_process_and_asks_nobody(monkeypatch, tmp_path):
    pytest.importorskip("codecarbon")
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))
    monkeypatch.setenv("CODECARBON_SAVE_TO_API", "true")
    monkeypatch.setenv("CODECARBON_ELECTRICITYMAPS_API_TOKEN", "secret")
    monkeypatch.chdir(tmp_path)
    with energy.measured(tmp_path, MARKS, cards=[]):
        until = time.process_time() + 0.5
        while time.process_time() < until:
            pass
        (tmp_path / "run.json").write_text(json.dumps(MARKS))
    taken = spent.of(tmp_path)
    assert not asked
    assert taken["seconds"] >= 0.5 and taken["gpu_kwh"] == 0
    assert taken["cpu_kwh"] > 0 and taken["ram_kwh"] > 0
    assert taken["kwh"] == pytest.approx(taken["cpu_kwh"] + taken["ram_kwh"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["energy.json", "run.json"]
