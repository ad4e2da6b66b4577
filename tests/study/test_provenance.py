"""The slice's text and the code's hash change when, and only when, the result may."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from qcxr.study import networks, slices
from qcxr.study.heads import KINDS
from qcxr.study.provenance import NEUTRAL, PACKAGE, code_hash, read_slice, slice_text, sources, versions
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Train


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
    assert {"training/step.py", "models/layers.py", "data/augment.py", "training/losses.py"} <= names
    assert not names & {f"models/{name}.py" for name in ("resnet", "vit", "densenet", "efficientnet")}
    assert not any(name.startswith("models/families/") and "__init__" not in name for name in names)
    assert {name for name in names if name.startswith("models/heads")} == {"models/heads/create.py"}
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
    decide = {"qcxr.study.files", "qcxr.study.formulas", "qcxr.study.labels", "qcxr.study.values"}
    assert modules - NEUTRAL == decide


EDITED = {  # a module, and the kinds of head whose results an edit of it changes
    "models/heads/cdl.py": {"cdl"},
    "models/heads/dqc.py": {"dqc", "random"},
    "models/heads/mlp.py": {"mlp"},
    "models/heads/product.py": {"product"},
    "models/heads/bottleneck.py": {"bottleneck"},
    "models/heads/random.py": {"random"},
    "models/heads/permuted.py": {"permuted"},
    "models/heads/fourier.py": {"fourier"},
    "models/heads/mps.py": {"mps"},
    "models/heads/circuit.py": {"circuit"},
    "models/heads/dressed.py": set(KINDS) - {"cdl", "bottleneck"},
    "models/initial.py": set(KINDS) - {"cdl", "bottleneck"},
    "circuits/chain.py": {"dqc", "random", "permuted", "circuit"},
    "circuits/pennylane.py": {"dqc", "random", "permuted", "circuit"},
    "circuits/traced.py": {"circuit"},
    "circuits/tapes/exact.py": {"circuit"},
    "study/function.py": set(),
    "models/heads/create.py": set(KINDS),
    "models/contracts.py": set(KINDS),
    "study/heads.py": set(),
}


SECTIONS = (Backbone(name="resnet50"), Image(), Augment(), Train())


@pytest.fixture
def edited(monkeypatch):
    """A function: a module -> the kinds whose hashes change with it, and what else of what builds heads does."""
    import qcxr.study.provenance as provenance

    def hashes() -> dict[str, tuple[str, str]]:
        made = {kind: Recipe(kind, {}, *SECTIONS) for kind in KINDS}
        return {kind: (slices.training_code(it), slices.prediction_code(it)) for kind, it in made.items()}

    def frozen() -> str:
        return slices.features_code(Recipe("cdl", {}, *SECTIONS))

    before, features = hashes(), frozen()
    read = provenance._read

    def after(module: str) -> tuple[set[str], bool]:
        path = PACKAGE / module
        assert path.is_file()
        monkeypatch.setattr(provenance, "_known", {})
        monkeypatch.setattr(
            provenance,
            "_read",
            lambda name, p, mtime: read(name, p, mtime)._replace(**({"fingerprint": "edited"} if p == path else {})),
        )
        changed = {kind for kind, both in hashes().items() if set(both).isdisjoint(before[kind])}
        same = {kind for kind, both in hashes().items() if both == before[kind]}
        assert changed | same == set(KINDS)
        return changed, frozen() != features

    return after


def test_every_module_of_heads_is_in_the_table_of_edits():
    modules = {path.name for path in (PACKAGE / "models/heads").glob("*.py")} - {"__init__.py"}
    assert {name.removeprefix("models/heads/") for name in EDITED if name.startswith("models/heads/")} == modules
    assert {kind: KINDS[kind].module.split(".")[-1] for kind in KINDS} == {kind: kind for kind in KINDS}


@pytest.mark.parametrize("module", EDITED)
def test_an_edit_of_a_heads_code_changes_the_hash_of_its_own_kind_and_never_the_features(module, edited):
    assert edited(module) == (EDITED[module], False)


def test_an_edit_of_a_backbone_changes_every_kind_and_the_features(edited):
    """So the table above could have failed."""
    for module in ("models/resnet.py", "models/features.py"):
        assert edited(module) == (set(KINDS), True)


OTHERS = ("efficientnet", "imagenet", "vit", "transformer", "positions", "densenet", "torchfile")


def test_an_edit_of_another_backbone_changes_nothing_of_a_resnets_run(edited):
    families = {f"models/families/{path.name}" for path in (PACKAGE / "models/families").glob("*.py")}
    others = families - {"models/families/resnet.py", "models/families/__init__.py"}
    for module in (*(f"models/{name}.py" for name in OTHERS), *sorted(others)):
        assert edited(module) == (set(), False), module


def test_the_code_of_a_checkpoint_is_its_own_familys_where_that_is_known(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "dinov2"}')
    vit, resnet = "qcxr.models.families.vit", "qcxr.models.families.resnet"
    for section, modules in (
        ({"weights": str(tmp_path)}, (vit,)),
        ({"name": "vit", "weights": "microsoft/rad-dino"}, (vit,)),
        ({"name": "resnet50", "weights": "microsoft/resnet-50"}, (resnet,)),
        ({"weights": "microsoft/resnet-50", "library": "jax"}, (resnet, vit)),  # only its config.json on the hub tells
        ({"name": "xrv-resnet50", "weights": "a.pt"}, ("qcxr.models.families.xrv",)),
    ):
        assert slices.backbone_code(Backbone(**section)) == modules


def test_what_torch_computes_is_in_no_other_runs_code():
    """An edit of `qcxr.models.hub` retrains nothing that JAX computes, with features or without."""
    torch = Backbone(weights="a/b", library="torch", trainable="head")
    assert slices.backbone_code(torch) == (networks.OUTSIDE,)
    families = [family.module for family in networks.FAMILIES.values()]
    for job in ("fit", "predict", "frozen", "preflight"):
        followed = sources(f"qcxr.training.{job}", *families)
        assert {"qcxr.training.backbone", "qcxr.models.features"} & set(followed)
        assert not {networks.OUTSIDE, "qcxr.models.hubmodel"} & set(followed), job


def test_the_code_of_a_study_is_that_of_its_own_heads():
    assert slices.studied_code("qcxr.bench.steps", ["cdl"]) != slices.studied_code("qcxr.bench.steps", ["cdl", "dqc"])
    assert slices.studied_code("qcxr.bench.steps", []) == code_hash("qcxr.bench.steps")


def test_versions_name_what_computes_and_decodes_installed_or_not():
    found = versions()
    assert {"jax", "torch", "transformers", "scikit-learn", "pydicom", "pylibjpeg-libjpeg"} <= set(found)
    assert found["numpy"] == np.__version__ and all(found.values())
