"""Every test runs on the CPU, with shapes and types checked at every call and warnings as errors (pyproject.toml)."""

import os
import subprocess

import jaxtyping
import pytest

import tests.typed  # noqa: F401  (the import hook looks its checker up as an attribute of `tests`)

os.environ.setdefault("JAX_PLATFORMS", "cpu")
# before anything of ours is imported: every annotated function checks what it is given and what it returns
jaxtyping.install_import_hook("qcxr", "tests.typed.checked")


def pytest_addoption(parser):
    parser.addoption("--thin", type=int, default=1, metavar="N", help="of all tests run every N-th only")


@pytest.hookimpl(trylast=True)  # after -m has chosen
def pytest_collection_modifyitems(config, items):
    """The longest drills come first, so that no worker has one left when the other is done.

    With --thin N one in N of the tests runs: the same ones for each worker, others when tests are added.
    """
    of_file: dict = {}
    for item in items:
        of_file[item.path] = max(minutes(item), of_file.get(item.path, 0))
    items.sort(key=lambda item: -of_file[item.path])
    step = config.getoption("thin")
    if step > 1:
        config.hook.pytest_deselected(items=[item for k, item in enumerate(items) if k % step])
        items[:] = items[::step]


def minutes(item) -> float:
    """What the slow tests of a file take on 2 cores, as its marks say."""
    mark = item.get_closest_marker("slow")
    return mark.kwargs.get("minutes", 0) if mark else 0


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # a failed build's traceback may hold the file


@pytest.fixture
def unchecked():
    """No check of shapes and types: for values that only a configuration or a file could bring."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
