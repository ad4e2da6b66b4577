"""What is released: one version everywhere, a citation that is valid, and a wheel that works without the clone."""

import datetime
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import qcxr

ROOT = Path(qcxr.__file__).parents[1]
TABLES = {".json", ".yaml", ".html", ".j2", ".css", ".js", ".txt", ".typed"}


def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def released():
    """(version, day) of every version of the changelog, newest first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$", text, flags=re.MULTILINE)


def test_one_version_stands_everywhere():
    newest = released()[0]
    assert newest == (qcxr.__version__, str(citation()["date-released"])) and citation()["version"] == qcxr.__version__
    versions = [tuple(map(int, version.split("."))) for version, _ in released()]
    assert versions == sorted(versions, reverse=True)
    assert all(datetime.date.fromisoformat(day) for _, day in released())


def test_the_citation_has_what_its_format_asks_for():
    cited = citation()
    assert cited["cff-version"] == "1.2.0" and {"message", "title", "authors"} <= cited.keys()
    assert cited["license"] == "MIT" and cited["authors"]


def test_the_citation_is_valid():
    pytest.importorskip("cffconvert", reason="cffconvert holds jsonschema below 4, which goes with nothing else here")
    done = subprocess.run([sys.executable, "-m", "cffconvert.cli.cli", "--validate"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution, and the wheel that is built from it."""
    pytest.importorskip("build", reason="builds the distributions")
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT), "--no-isolation"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return source, wheel


def ours():
    """All that belongs to the package."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "qcxr").rglob("*")
        if path.is_file() and path.suffix in {".py", *TABLES}
    }


@pytest.mark.slow
def test_the_distributions_hold_all_of_the_package(built):
    source, wheel = built
    with zipfile.ZipFile(wheel) as packed:
        held = set(packed.namelist())
        (about,) = (name for name in held if name.endswith("METADATA"))
        text = packed.read(about).decode("utf-8")
    assert ours() <= held, sorted(ours() - held)
    assert {name.split("/")[0] for name in held} == {"qcxr", f"qcxr-{qcxr.__version__}.dist-info"}
    assert f"\nVersion: {qcxr.__version__}\n" in text and "Provides-Extra: archive" in text
    with tarfile.open(source) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert ours() | {"Snakefile", "CITATION.cff", "workflow/rules/common.smk", "config/config.yaml"} <= names


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A Python with the wheel in it, beside this one's packages but for the clone."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv/bin/python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "venv/lib" / version / "site-packages"
    # a path named in such a file is not searched for files like it: an editable install of the clone stays out
    paths = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "beside.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    words = ["install", "-q", "--no-deps", "--no-index", "--target", str(site), str(built[1])]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return python


def run(python, folder, *words):
    """Run words outside the clone, with nothing of it on the path."""
    done = subprocess.run(
        [str(python), "-P", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_wheel_evaluates_and_simulates_without_the_clone(installed, tmp_path):
    where = run(installed, tmp_path, "-c", "import qcxr; print(qcxr.__file__, qcxr.__version__)").split()
    assert where[1] == qcxr.__version__ and ROOT not in Path(where[0]).parents

    rng = np.random.default_rng(0)
    films = [f"{k:03d}" for k in range(60)]
    truth = pd.DataFrame({"image_id": films, "patient_id": films, "A": rng.integers(0, 2, 60), "B": [0, 1] * 30})
    truth.to_csv(tmp_path / "truth.csv", index=False)
    rows = []
    for head in ("one", "two"):
        for seed in (0, 1):
            name = f"{head}-{seed}.csv"
            pd.DataFrame({"image_id": films, "A": rng.random(60), "B": rng.random(60)}).to_csv(
                tmp_path / name, index=False
            )
            rows.append(f"mine,{head},{seed},here,{name},truth.csv")
    (tmp_path / "runs.csv").write_text(
        "task,head,seed,dataset,predictions,truth\n" + "\n".join(rows) + "\n", encoding="utf-8"
    )
    words = ["-m", "qcxr.cli", "evaluate", "runs.csv", "--out", "out", "--bootstrap", "0", "--no-figures"]
    run(installed, tmp_path, *words)
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "<style>" in page and "<script>" in page and (tmp_path / "out/checklist.md").is_file()

    # by the entry point that the wheel registers, beside PennyLane's own simulator
    program = """
import pennylane as qml, numpy as np
from qcxr.circuits import make_engine
def circuit(w):
    for k in range(3):
        qml.RY(w[k], k)
    qml.CNOT([0, 1]); qml.CNOT([1, 2])
    return qml.expval(qml.Z(2))
w = np.array([0.3, 0.5, 0.7])
one, two = (float(qml.QNode(circuit, qml.device(name, wires=3))(w)) for name in ("qcxr.chain", "default.qubit"))
print(abs(one - two))
print(make_engine("chain", 3, 3)(np.zeros((3, 3)), np.zeros((1, 3))).shape)
"""
    difference, shape = run(installed, tmp_path, "-c", program).splitlines()[-2:]
    assert float(difference) < 1e-6 and shape == "(1, 3)"
