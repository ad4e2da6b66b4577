"""Images and environments install what pyproject.toml and constraints.txt say: read here, built by nobody yet."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHON = "3.11"


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins():
    """What constraints.txt holds for the environments' Python."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pinned = [Requirement(line) for line in lines if line]
    here = [r for r in pinned if r.marker is None or r.marker.evaluate({"python_version": PYTHON})]
    assert len({r.name for r in here}) == len(here)
    return {canonicalize_name(r.name): str(r.specifier) for r in here}


def test_the_oldest_python_that_is_tested_is_theirs(project):
    assert project["requires-python"] == f">={PYTHON}"
    for name in ("Dockerfile", "qcxr.def"):
        assert re.search(rf"^(FROM|From:) python:{re.escape(PYTHON)}-slim-bookworm$", (ROOT / name).read_text(), re.M)


def test_images_copy_what_the_study_runs_on(project):
    docker, apptainer = (ROOT / "Dockerfile").read_text(), (ROOT / "qcxr.def").read_text()
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", docker, re.M) for word in line.split()}
    assert copied == set(re.findall(r"^    (\S+) /opt/qcxr/", apptainer, re.M))
    assert copied == {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)
    # all that the wheel is built from, and all that a study in tests/workflow/study.py is copied from
    assert copied >= {"Snakefile", "config", "workflow", "profiles", "qcxr", "pyproject.toml", project["readme"]}
    for text in (docker, apptainer):
        assert "pip install --no-cache-dir -c constraints.txt -e " in text
        assert {"cuda12", "cuda13"} <= set(project["optional-dependencies"]) and "cuda12" in text and "cuda13" in text


def test_conda_has_python_only_and_leaves_the_rest_to_pip():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"] == [f"python={PYTHON}", "pip", {"pip": ["-c constraints.txt", "-e ."]}]


def test_pixi_pins_the_direct_dependencies(project, pins):
    pixi = tomllib.loads((ROOT / "pixi.toml").read_text())
    assert pixi["dependencies"] == {"python": f"{PYTHON}.*"}
    direct = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    ours = pixi["pypi-dependencies"].pop("qcxr")
    assert ours == {"path": ".", "editable": True}
    assert pixi["pypi-dependencies"] == {name: pins[name] for name in direct}
    for extra in pixi["environments"]:
        feature = pixi["feature"][extra]["pypi-dependencies"]["qcxr"]
        assert feature == {**ours, "extras": [extra]} and extra in project["optional-dependencies"]


def test_the_catalogue_finds_what_it_looks_for():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert usage["software-stack-deployment"] == {
        "conda": False,
        "apptainer": False,
        "apptainer+conda": False,
        "report": True,
    }
    assert (ROOT / "config/README.md").is_file()
    assert 'include: "../Snakefile"' in (ROOT / "workflow/Snakefile").read_text()
