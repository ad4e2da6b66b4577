"""Environments of peers whose versions clash with ours, from the files of `environments/`, whole or not at all."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from qcxr.errors import InputError, one_line
from qcxr.study.files import make_parent, said_plainly

FILES = Path(__file__).parent / "environments"
OWN = "own"  # the environment that qcxr itself runs in
PIP = (
    *("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--retries", "1", "--timeout", "30"),
)


def names() -> list[str]:
    """The environments that can be made."""
    return sorted(path.stem for path in FILES.glob("*.txt"))


def python(name: str, folder: str | Path) -> str:
    """The interpreter of an environment, made in `folder` if need be; or `not run: ` and the reason, in a line."""
    if name == OWN:
        return sys.executable
    try:
        return str(make(name, folder))
    except InputError as error:
        return f"not run: {error}"


def pythons(wanted: Iterable[str], folder: str | Path | None) -> dict[str, str]:
    """`python` of each environment, made in `folder`/name; without a folder there is but our own."""
    none = "not run: it has an environment of its own, and no folder for it was given"
    return {name: none if folder is None and name != OWN else python(name, Path(folder or "", name)) for name in wanted}


def make(name: str, folder: str | Path) -> Path:
    """Make the environment in `folder`, unless it is there from the same file; returns its interpreter.

    Raises InputError where a package cannot be had, without a network for one.
    """
    if name not in names():
        raise InputError(
            f"an environment of peers must be of {', '.join([OWN, *names()])}, got {name!r}; correct its name"
        )
    folder, asked = Path(folder), (FILES / f"{name}.txt").read_text(encoding="utf-8")
    made_from = folder / "requirements.txt"
    if made_from.is_file() and made_from.read_text(encoding="utf-8") == asked:
        return folder / "bin" / "python"
    if folder.is_dir() and not made_from.is_file() and any(folder.iterdir()):
        raise InputError(f"{folder} is no environment of peers; remove it or choose another folder")
    make_parent(folder)
    # its interpreter finds its packages from where it lies, so that a finished environment may be renamed
    new = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        with said_plainly(folder):
            _install(name, new)
            (new / made_from.name).write_text(asked, encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)  # of an older file
            os.replace(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder / "bin" / "python"


def _install(name: str, folder: Path) -> None:
    commands = [
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "python"), *PIP, "-r", str(FILES / f"{name}.txt")],
    ]
    for command in commands:
        # nothing of ours is on its path: it would be taken for installed
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise InputError(f"environment {name} could not be installed: {_reason(done.stdout + done.stderr)}")


def _reason(said: str) -> str:
    """What pip ends with; that it reached no index is not what it says last."""
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line.partition("ERROR:")[2] for line in lines if line.startswith("ERROR:")]
    unreached = any("Retrying" in line or "NewConnectionError" in line for line in lines)
    last = one_line(ValueError((errors or lines or ["no reason given"])[-1]))
    return f"no connection to the package index ({last})" if unreached else last
