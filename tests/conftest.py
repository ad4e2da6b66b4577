"""Every test runs on the CPU, with strict dtype and rank promotion and warnings as errors (pyproject.toml)."""

import os
import subprocess

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # a failed build's traceback may hold the file
