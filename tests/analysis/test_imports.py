"""The analysis room starts fast: no JAX anywhere in it, and heavy libraries only where they are used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import qcxr.analysis

ROOT = Path(qcxr.analysis.__file__).parent
MODULES = sorted(
    ".".join(["qcxr", "analysis", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
)


def loaded(code):
    script = f"{code}\nimport sys, json; print(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_no_module_imports_jax():
    code = "".join(f"import {name}\n" for name in MODULES)
    assert loaded(code) & {"jax", "jaxlib", "flax", "torch", "pennylane"} == set()


@pytest.mark.parametrize("name", ["metrics", "statistics", "figures", "tables", "bootstrap", "report"])
def test_heavy_libraries_are_imported_where_used(name):
    assert loaded(f"import qcxr.analysis.{name}") & {"matplotlib", "sklearn"} == set()


def test_the_workflows_plan_asks_for_names_without_pandas():
    assert loaded("import qcxr.analysis.figures") & {"pandas", "numpy", "jaxtyping"} == set()
