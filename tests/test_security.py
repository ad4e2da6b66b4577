"""Nothing of ours executes what a file says: no pickle, no unsafe YAML, no code but plug-ins that are named."""

import ast
import os
import socket
from pathlib import Path

import pytest

import qcxr
from tests.workflow.study import ROOT

PACKAGE = Path(qcxr.__file__).parent
FILES = [*sorted(PACKAGE.rglob("*.py")), *sorted((ROOT / "workflow/scripts").glob("*.py"))]
# what makes objects, or code, of a file's bytes; by the last names of a call
LOADERS = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "cPickle.load", "dill.load", "dill.loads"),
    *("cloudpickle.load", "cloudpickle.loads", "joblib.load", "marshal.load", "marshal.loads", "shelve.open"),
    *("pd.read_pickle", "pandas.read_pickle", "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load"),
    *("yaml.Loader", "yaml.FullLoader", "yaml.UnsafeLoader", "jsonpickle.decode", "numpy.lib.format.read_array"),
    *(
        "eval",
        "exec",
        "compile",
        "__import__",
        "execfile",
        "os.system",
        "os.popen",
        "runpy.run_path",
        "runpy.run_module",
    ),
    *("serialize_executable.deserialize_and_load", "torch.jit.load", "torch.hub.load", "trust_remote_code"),
}
# a user's plug-in and own circuit, named in the configuration; a job's script, which Snakemake has written
ALLOWED = {
    "study/execution.py": {"exec", "compile"},
    "circuits/own.py": {"exec", "compile"},
    "study/forkserver.py": {"runpy.run_path"},
}
# where a module is imported by a name that is not written there: tables of ours, and the two above
BY_NAME = {
    *("study/execution.py", "study/forkserver.py", "data/sources.py", "models/backbones.py", "models/heads/create.py"),
    *("analysis/figures/entry.py", "cli/bench.py", "bench/pieces/__main__.py", "bench/peers/__main__.py"),
}


def named(node: ast.expr) -> str:
    """`a.b.c` of a name or of attributes of one; `?.c` of an attribute of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{named(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def found(text: str) -> list[tuple[int, str]]:
    """Line and name of whatever executes what it reads, in a file's text."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            lines += [(node.lineno, name) for one in node.names if (name := f"{node.module}.{one.name}") in LOADERS]
        if not isinstance(node, ast.Call):
            continue
        name, given = named(node.func), {word.arg: word.value for word in node.keywords}
        said = {key: value.value for key, value in given.items() if isinstance(value, ast.Constant)}
        unsafe = (
            name in LOADERS
            or (name == "torch.load" and said.get("weights_only") is not True)
            or (name in ("np.load", "numpy.load") and "allow_pickle" in given and said["allow_pickle"] is not False)
            or said.get("trust_remote_code") is True
            or (name.startswith("subprocess.") and said.get("shell") is True)
        )
        lines += [(node.lineno, name)] * unsafe
    return lines


@pytest.mark.parametrize(
    "text",
    [
        *(
            "import pickle; pickle.load(f)",
            "from pickle import loads",
            "torch.load(p)",
            "np.load(p, allow_pickle=True)",
        ),
        *("yaml.load(t, yaml.Loader)", "eval(t)", "m.from_pretrained(p, trust_remote_code=True)", "exec(t)"),
        "subprocess.run(t, shell=True)",
    ],
)
def test_the_search_would_find(text):
    assert found(text)


def test_no_file_of_ours_executes_what_it_reads():
    wrong = []
    for path in FILES:
        inside = path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else path.name
        for line, name in found(path.read_text(encoding="utf-8")):
            if name not in ALLOWED.get(inside, ()):
                wrong.append(f"{path}:{line}: {name}")
    assert not wrong, wrong
    assert len(FILES) > 300


def test_modules_are_imported_by_name_only_where_the_names_are_ours_or_a_plug_ins():
    places = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and named(node.func).rpartition(".")[2] == "import_module"
    }
    assert places == BY_NAME


def test_what_others_must_not_read_is_made_for_this_user_alone(tmp_path):
    """A folder that is there already stays as it was shared."""
    from qcxr.study.folders import private

    before = os.umask(0o022)
    try:
        assert private(tmp_path / "a/cache").stat().st_mode & 0o777 == 0o700
        (tmp_path / "shared").mkdir(mode=0o770)
        (tmp_path / "shared").chmod(0o2770)
        assert private(tmp_path / "shared").stat().st_mode & 0o7777 == 0o2770
    finally:
        os.umask(before)


PLUGIN = """
from pathlib import Path
from qcxr.plugins import loss
Path(__file__).with_suffix(".ran").touch()
@loss("mine")
def mine(targets):
    return lambda logits, targets: (logits - targets) ** 2
"""


def test_a_plug_in_is_run_only_when_it_is_named_and_needed(tmp_path):
    from qcxr.study import execution, plugged
    from qcxr.study.config import parse
    from tests.study.studies import study

    file, ran = tmp_path / "mine.py", tmp_path / "mine.ran"
    file.write_text(PLUGIN)
    parse(study())
    assert plugged.find("loss", "mine") is None
    parse(study(plugins=[str(file)], train__loss="mine"))
    assert not ran.exists()  # a configuration and a plan read it only
    execution.load(plugged.get("loss", "mine"))
    assert ran.exists()
    parse(study())
    assert plugged.find("loss", "mine") is None


def test_warm_jobs_are_of_this_user_alone(monkeypatch):
    """Their address is on no disk; each end looks whose process the other is."""
    from qcxr.study import forkserver, warm

    address = f"\0qcxr-test-{os.getpid()}"
    assert warm._address().startswith("\0")
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        assert warm.same_user(ours)
        warm._connect(address).close()
        somebody = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: somebody)
        assert not warm.same_user(ours)
        with pytest.raises(ValueError, match="another user's"):
            forkserver._receive(ours)
        with pytest.raises(ConnectionRefusedError):
            warm._connect(address)
