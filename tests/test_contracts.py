"""The contracts of imports can fail: each is broken in a copy of the package, and import-linter says so."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BREAKS = {
    "a room imports one above it": ("qcxr/data/batches.py", "from qcxr.models import heads\n", "Rooms"),
    "inside a function too": ("qcxr/study/job.py", "def late() -> None:\n    import qcxr.data.split\n", "Rooms"),
    "analysis imports JAX": ("qcxr/analysis/names.py", "import jax\n", "Statistics"),
    "data knows the phantom": ("qcxr/data/sources.py", "import qcxr.phantom.demo\n", "Drawn films"),
    "a circle of two files": ("qcxr/models/layers.py", "import qcxr.models.resnet\n", "No circles"),
    "a module outside every room": ("qcxr/helpers.py", "", "Rooms"),
}


@pytest.mark.parametrize(("path", "text", "contract"), BREAKS.values(), ids=BREAKS)
def test_a_broken_contract_is_found(tmp_path, path, text, contract):
    shutil.copytree(ROOT / "qcxr", tmp_path / "qcxr", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with open(tmp_path / path, "a") as file:
        file.write(text)
    code = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    done = subprocess.run([sys.executable, "-c", code, "--no-cache"], cwd=tmp_path, capture_output=True, text=True)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1, said
    if path == "qcxr/helpers.py":
        assert "qcxr.helpers" in said and contract in said, said
        return
    verdicts = dict(re.findall(r"(Rooms|Statistics|Drawn films|No circles)\b.*? (KEPT|BROKEN)", said))
    assert verdicts.pop(contract) == "BROKEN" and len(verdicts) == 3, said
