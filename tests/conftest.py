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
    """With --thin N one in N of the tests runs: the same ones for each worker, others when tests are added."""
    step = config.getoption("thin")
    if step > 1:
        config.hook.pytest_deselected(items=[item for k, item in enumerate(items) if k % step])
        items[:] = items[::step]


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
