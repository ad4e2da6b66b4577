"""Environments of peers: whole or not at all, made again when their file changes, a reason where they cannot be had."""

import sys

import pytest

from qcxr.bench import environment
from qcxr.errors import InputError


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder of requirements files; what is asked for `nothing` cannot be installed, and takes no network to tell."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "some.txt").write_text("")
    monkeypatch.setattr(environment, "FILES", folder)
    return folder


@pytest.fixture
def installed(monkeypatch):
    """Names of what was installed; an interpreter's file stands for it all."""
    seen = []

    def install(name, folder):
        seen.append(name)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").write_text("")
        if (environment.FILES / f"{name}.txt").read_text() == "nothing":
            raise InputError(f"environment {name} could not be installed: no wheel")

    monkeypatch.setattr(environment, "_install", install)
    return seen


def test_it_is_made_once_and_again_when_its_file_changes(files, installed, tmp_path):
    folder = tmp_path / "deep" / "some"
    for text, made in (("", 1), ("", 1), ("numpy", 2)):
        (files / "some.txt").write_text(text)
        assert environment.python("some", folder) == str(folder / "bin" / "python")
        assert len(installed) == made and (folder / "requirements.txt").read_text() == text
    (files / "some.txt").write_text("nothing")
    assert environment.python("some", folder) == "not run: environment some could not be installed: no wheel"
    assert (folder / "requirements.txt").read_text() == "numpy"  # the older one is left as it was
    assert [path.name for path in folder.parent.iterdir()] == ["some"]


def test_what_is_no_environment_is_left_alone(files, installed, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.png").write_text("")
    with pytest.raises(InputError, match="films is no environment of peers; remove it or choose another folder"):
        environment.make("some", tmp_path / "films")
    with pytest.raises(InputError, match="an environment of peers must be of own, some, got 'other'; correct its name"):
        environment.make("other", tmp_path / "other")
    assert environment.pythons(["own", "some"], None) == {
        "own": sys.executable,
        "some": "not run: it has an environment of its own, and no folder for it was given",
    }


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "ERROR: no version of x\nERROR: No matching distribution found for x==1\n",
            "No matching distribution found for x==1",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after 'NewConnectionError'\nERROR: none found for x\n",
            "no connection to the package index (none found for x)",
        ),
        ("Error: no venv\n", "Error: no venv"),
        ("", "no reason given"),
    ],
)
def test_the_reason_is_what_pip_ends_with(said, reason):
    assert environment._reason(said).strip() == reason


def test_shipped_files_are_pinned():
    for name in environment.names():
        lines = (environment.FILES / f"{name}.txt").read_text().splitlines()
        assert lines and all(line.startswith("#") or "==" in line for line in lines)
    assert environment.names() == ["jax", "mps", "pauli", "tensorflow"]


@pytest.mark.slow
def test_one_that_cannot_be_had_is_a_reason_and_leaves_nothing(files, tmp_path):
    (files / "some.txt").write_text(f"{tmp_path}/no-such-folder\n")
    assert environment.python("some", tmp_path / "new" / "some").startswith(
        "not run: environment some could not be ins"
    )
    assert not any((tmp_path / "new").iterdir())
