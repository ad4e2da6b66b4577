"""The slice's text and the code's hash change when, and only when, the result may."""

import os
import random
from pathlib import Path

import pytest

from qcxr.study.provenance import NEUTRAL, PACKAGE, code_hash, read_slice, slice_text, sources
from qcxr.study.sections import Train


def package(tmp_path: Path, **modules: str) -> Path:
    root = tmp_path / f"copy{random.random()}" / "pkg"
    root.mkdir(parents=True)
    (root / "__init__.py").write_text("")
    for name, text in modules.items():
        (root / f"{name}.py").write_text(text)
    return root


A = 'import pkg.b\n\ndef f(x):\n    """Doc."""\n    return pkg.b.g(x)  # why\n'
B = "def g(x):\n    return x + 1\n"


@pytest.fixture
def base(tmp_path):
    return code_hash("pkg.a", package=package(tmp_path, a=A, b=B))


def test_comments_docstrings_and_layout_do_not_count(tmp_path, base):
    same = A.replace("Doc.", "Another text.").replace("# why", "# because").replace("return", "\n    return")
    assert code_hash("pkg.a", package=package(tmp_path, a=same, b=B)) == base


def test_code_counts_in_the_module_and_in_what_it_imports(tmp_path, base):
    assert code_hash("pkg.a", package=package(tmp_path, a=A.replace("g(x)", "g(-x)"), b=B)) != base
    assert code_hash("pkg.a", package=package(tmp_path, a=A, b=B.replace("+ 1", "+ 2"))) != base


def test_from_imports_of_modules_and_of_names_are_followed(tmp_path):
    for text in ("from pkg import b\n", "from pkg.b import g\n"):
        first = code_hash("pkg.a", package=package(tmp_path, a=text, b=B))
        assert first != code_hash("pkg.a", package=package(tmp_path, a=text, b=B.replace("1", "2")))


def test_an_import_inside_a_function_is_not_followed(tmp_path):
    lazy = "def f():\n    import pkg.b\n"
    first = code_hash("pkg.a", package=package(tmp_path, a=lazy, b=B))
    assert first == code_hash("pkg.a", package=package(tmp_path, a=lazy, b=B.replace("1", "2")))


def test_relative_imports_are_refused_so_that_no_hash_is_incomplete(tmp_path):
    with pytest.raises(ImportError, match="write it absolutely"):
        code_hash("pkg.a", package=package(tmp_path, a="from . import b\n", b=B))


def test_every_module_of_ours_can_be_hashed():
    root = Path(__file__).parents[2] / "qcxr"
    names = [".".join(("qcxr", *path.relative_to(root).with_suffix("").parts)) for path in root.rglob("*.py")]
    assert len(names) > 40
    hashes = {name: code_hash(name.removesuffix(".__init__")) for name in names}
    assert all(len(value) == 16 for value in hashes.values())


def test_a_hash_that_was_asked_for_before_follows_the_files(tmp_path):
    root = package(tmp_path, a=A, b=B)
    before = code_hash("pkg.a", package=root)
    assert code_hash("pkg.a", package=root) == before
    (root / "b.py").write_text(B.replace("+ 1", "+ 2"))
    os.utime(root / "b.py", ns=(1, 1))  # whatever the clock's grain
    after = code_hash("pkg.a", package=root)
    assert after != before and after == code_hash("pkg.a", package=package(tmp_path, a=A, b=B.replace("+ 1", "+ 2")))


def test_training_depends_on_its_rooms_and_not_on_the_analysis():
    names = {Path(source.path).relative_to(PACKAGE).as_posix() for source in sources("qcxr.training.fit").values()}
    assert {"training/step.py", "models/resnet.py", "models/heads.py", "data/augment.py", "training/losses.py"} <= names
    study = {name for name in names if name.startswith("study/")}
    assert not any(name.startswith(("analysis/", "circuits/", "bench/")) for name in names)
    # a new key, a reworded description or refusal retrains nothing; how files are written and labels ordered may
    assert study <= {"study/files.py", "study/labels.py"}


def test_the_slice_does_not_depend_on_the_order_of_keys():
    assert slice_text(a=1, b={"x": 1, "y": 2}) == slice_text(b={"y": 2, "x": 1}, a=1)
    assert slice_text(Train(epochs=3)) == slice_text(Train(epochs=3, patience=5))
    assert slice_text(Train(epochs=3)) != slice_text(Train(epochs=4))
    assert read_slice(slice_text(Train(epochs=3), labels=("A",)))["train"]["epochs"] == 3


def test_all_of_the_study_is_neutral_but_what_decides_bytes():
    """A new key, a reworded description or refusal retrains nothing; how files are written and labels ordered may."""
    modules = {f"qcxr.study.{path.stem}" for path in (PACKAGE / "study").glob("*.py")} - {"qcxr.study.__init__"}
    assert modules - NEUTRAL == {"qcxr.study.files", "qcxr.study.labels"}
