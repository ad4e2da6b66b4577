"""PennyLane's own tests of devices, as `pl-device-test --device qcxr.chain --skip-ops` runs them: all pass or skip."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

import pennylane as qml
import pytest

ROOT = Path(__file__).parents[2]
SUITE = Path(qml.__file__).parent / "devices" / "tests"
# what is said of a test that is skipped, by the names of the table in docs/circuits.md
REASONS = {
    "samples and shots": "analytic mode|Shots must be specified|shots=None",
    "other ways to differentiate": "does not support diff_method|test only works with",
    "devices of PennyLane's old interface": "old (device )?interface",
    "states": r"^reason:(state|None)\(wires=.*is not supported by qcxr.chain",
    "photonic gates": "Displacement|Beamsplitter|do not support CV",
    "qutrits": "qutrit",
    "density matrices as a start": "operation not supported on the device",
    "measurements that run a circuit themselves": "custom measurement transforms",
}


def installed_for_the_suite(folder):
    """What the suite needs beside pytest: the device's entry point, and stand-ins of two plugins it does not use here
    (`flaky` repeats tests that are random, `mocker` is asked for by tests of old devices)."""
    package = folder / "qcxr_device.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: qcxr-device\nVersion: 0\n")
    entry = "[pennylane.plugins]\nqcxr.chain = qcxr.circuits.tapes.device:ChainDevice\n"
    (package / "entry_points.txt").write_text(entry)
    (folder / "flaky.py").write_text("def flaky(*given, **options):\n    return given[0] if given else lambda f: f\n")
    fixture = "import pytest\n\n\n@pytest.fixture\ndef mocker():\n    return None\n"
    (folder / "without_mock.py").write_text(fixture)
    return f"{folder}{os.pathsep}{ROOT}"


def in_the_docs():
    """How many tests each row of the table says are skipped."""
    text = (ROOT / "docs" / "circuits.md").read_text()
    return {name: int(count) for name, count in re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.M) if name in REASONS}


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.skipif(not qml.__version__.startswith("0.45."), reason="the table is that of PennyLane 0.45")
def test_pennylanes_suite_for_devices_passes_and_skips_what_the_docs_say(tmp_path):
    results = tmp_path / "results.xml"
    options = ["--device", "qcxr.chain", "--shots", "None", "--skip-ops", f"--junitxml={results}", "-q", "--tb=short"]
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "without_mock"]
    place = [f"--rootdir={SUITE}", "-c", str(SUITE / "pytest.ini")]
    environment = {**os.environ, "PYTHONPATH": installed_for_the_suite(tmp_path), "JAX_PLATFORMS": "cpu"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", str(SUITE), *place, *plugins, *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    found, failed, ran = Counter(), [], 0
    for case in xml.etree.ElementTree.parse(results).iter("testcase"):
        ran += 1
        failed += [case.get("name") for mark in case if mark.tag in ("failure", "error")]
        for mark in case:
            if mark.tag == "skipped" and "torch" not in case.get("classname"):  # which may not be installed
                found[next(name for name, said in REASONS.items() if re.search(said, mark.get("message")))] += 1
    assert not failed, run.stdout[-5000:]
    assert ran > 400
    assert found == in_the_docs()
