"""A file of plug-ins as it is read: what each of its things depends on, and what cannot be, with its line."""

import pytest

from qcxr.errors import InputError
from qcxr.study import plugged
from qcxr.study.config import OURS
from qcxr.study.function import lies_beside
from qcxr.study.pluginfile import read
from tests.study.written import FILE

FROM = "from qcxr.plugins import "
KIND = FROM + "data_kind\n@data_kind('x')\ndef f(*, images, a: {}): 0"
REFUSED = {  # what is written in place of what (all, if of nothing), the line that is named, and how the rest begins
    "syntax": ("return LEVEL", "return (", 16, "must be Python, got "),
    "an unknown hook": ("import figure", "import figures", 4, "qcxr.plugins has the hooks head, loss, data_kind"),
    "of the module": ("", "import qcxr.plugins as q\n\n@q.heads('x')\ndef f(): ...", 3, "qcxr.plugins has the hooks"),
    "a name of ours": ('"wide"', '"dqc"', 9, "head dqc is qcxr's own already; give it another name"),
    "a name twice": ("return LEVEL", "return 1\n\n@loss('mine')\ndef f(targets): 0", 18, "loss mine is registered"),
    "no name": ('@loss("mine")', "@loss", 14, '@loss needs a name, got none; write @loss("name")'),
    "a computed name": ('"mine"', "str(LEVEL)", 14, "what @loss is given must be written out, since the file is read"),
    "a name with a space": ('"mine"', '"my loss"', 14, "@loss needs a name of letters, digits and _, got 'my loss'"),
    "inside another": ("", f"{FROM}head\ndef f():\n  @head('x')\n  def g(): ...", 3, "@head must stand over a func"),
    "a call": ("", f"{FROM}loss\nx = loss('a')(print)", 2, "loss(...) must stand over its function; write @loss"),
    "nothing": ("", "x = 1", 1, "must register something, got none of @head, @loss, @data_kind, "),
    "from beside": ("LEVEL =", "import beside\nLEVEL =", 6, "must stand alone, so that its digest is complete, got an"),
    "no key": ("*, key, hidden", "*, hidden", 10, "head wide must take key behind a star, by which its first wei"),
    "other arguments": ("n_features, n_labels, *", "features, *", 10, "head wide must take n_features, n_labels an"),
    "no type of YAML's": ("hidden: int", "hidden: Linear", 10, "option hidden must be of bool, int, float, str, list["),
    "a path": ("hidden: int", "hidden: Path", 10, "option hidden must be no Path, since what lies there is "),
    "a kind without images": ("", f"{FROM}data_kind\n@data_kind('x')\ndef f(*, a: int): 0", 3, "data_kind x must take"),
    "a computed default": ("= 1.0", "= LEVEL", 15, "the default of temperature must be written out, got LEVEL; w"),
    "a name of pydantic's": ("hidden: int", "copy: int", 10, "an option must not be called copy; give it another na"),
    "a metric's options": ("*, threshold", "*, level", 20, "metric level may take threshold behind a star and no mor"),
    "a table not taken": ("dots(metrics,", "dots(", 25, "figure dots must take what it asks for, got no argument metr"),
    "a table not asked for": ("dots(metrics,", "dots(metrics, runs,", 25, "figure dots is given heads, metrics, "),
    "by something": ('by=("task",)', 'by=["head"]', 24, "by of figure dots may hold task and dataset, got head; corr"),
    "no caption": (', caption="Dots."', "", 24, "@figure must be given what docs/plugins.md says, got missing a "),
    "no such table": ('needs=["metrics"]', 'needs=["scores"]', 24, "needs of figure dots may hold metrics, tests, "),
    "by what its tables lack": ('needs=["metrics"]', 'needs=["counts"]', 24, "figure dots by task needs one of metric"),
    "by twice": ('by=("task",)', 'by=["task", "task"]', 24, "by of @figure must not repeat, got ['task', 'task']; rem"),
    "needs of no list": ('needs=["metrics"]', "needs=5", 24, "needs of @figure must be a list of texts, got 5; correc"),
    "a caption of no text": ('"Dots."', "3", 24, "caption of @figure must be a text, got 3; correct it"),
    "attributes": ("", f"{FROM}data_kind\n@data_kind('x', attributes=1)\ndef f(): 0", 2, "attributes of @data_kind mu"),
    "what cannot be hashed": ('"mine"', "{[]: 1}", 14, "what @loss is given must be written out, since the file is"),
    "an option called plugin": ("hidden: int", "plugin: int", 10, "an option must not be called plugin; give it anoth"),
    "a quoted path": ("hidden: int", "hidden: 'Path'", 10, "option hidden must be no Path, since what lies there is "),
    "a mapping of paths": ("", KIND.format("dict[str, Path]"), 3, "option a must be Path or list[Path], or None, got"),
    "a path or a number": ("", KIND.format("int | 'Path'"), 3, "option a must be Path or list[Path], or None, got int"),
    "bytes": ("= 1.0", "= b'1'", 15, "the default of temperature must be what YAML has (numbers, texts, lists, mappin"),
    "a set": ("temperature: float = 1.0", "temperature={1, 2}", 15, "the default of temperature must be what YAML has"),
    "no type": ("hidden: int", "hidden: 'int or'", 10, "option hidden must be of bool, int, float, str, list[...], "),
    "a Literal of a name": ("hidden: int", "hidden: Literal[A]", 10, "option hidden must be of bool, int, float, str,"),
    "a Literal of nothing": ("hidden: int", "hidden: Literal[()]", 10, "option hidden must be of bool, int, float, "),
    "a list of nothing": ("hidden: int", "hidden: list[()]", 10, "option hidden must be of bool, int, float, str, lis"),
    "too deep": ("LEVEL = 0.95", f"LEVEL = {'-' * 3000}1", 1, "must nest less deeply than Python can read; write it"),
}  # fmt: skip


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """`mine.py` where the study runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    yield tmp_path / "mine.py"
    plugged.use([])


@pytest.mark.parametrize(
    ("edit", "heads", "losses", "metrics", "drawn"),
    [
        (('"""Mine."""', '"""Yours."""  # a remark'), False, False, False, False),
        (("helper(Linear)", "helper(helper)"), True, False, False, False),
        (("hidden: int = 8", "hidden: int = 4"), True, False, False, False),
        (("return LEVEL", "return 2 * LEVEL"), False, True, False, False),
        (("return 0.5", "return 0.6"), False, False, True, True),  # the figure names the metric's function
        (("Dots.", "Points."), False, False, False, True),
        (("LEVEL = 0.95", "LEVEL = 0.9"), True, True, True, True),  # anything may use what nothing registers
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_an_edit_of_one_thing_changes_that_one_only(mine, edit, heads, losses, metrics, drawn):
    def digests():
        plugged.use(["mine.py"])
        return {one.hook: one.digest for one in plugged.every()}

    before = digests()
    mine.write_text(FILE.replace(*edit))
    now = digests()
    assert {hook: now[hook] != before[hook] for hook in now} == {
        "head": heads,
        "loss": losses,
        "metric": metrics,
        "figure": drawn,
    }


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_is_one_line_with_its_line(mine, name):
    old, new, line, said = REFUSED[name]
    (mine.parent / "beside.py").write_text("")
    mine.write_text(FILE.replace(old, new) if old else new)
    with pytest.raises(InputError) as caught:
        plugged.use(["mine.py"], ours=OURS)
    assert str(caught.value).startswith(f"mine.py:{line}: {said}") and "\n" not in str(caught.value)


def test_inside_a_function_a_name_may_mean_something_else(mine):
    mine.write_text(FILE.replace("    return helper(Linear)", "    head = lambda x: x\n    return head(Linear)"))
    plugged.use(["mine.py"])
    assert plugged.names("head") == ["wide"]


def test_what_lies_where_the_study_runs_lies_beside_a_file_too(mine):
    """Also a folder without `__init__.py`, unless an installed package is found before it."""
    below = mine.parent / "plugins/mine.py"
    for folder in ("plugins", "plugins/nets", "tools", "yaml"):
        (mine.parent / folder).mkdir()
    for name in ("beside.py", "qcxr.py"):  # the latter is the package, checked out
        (mine.parent / name).write_text("")
    found = {name for name in ("nets", "tools", "beside", "yaml", "qcxr", "json") if lies_beside(below, name)}
    assert found == {"nets", "tools", "beside"}


def test_options_that_are_paths_are_tables_also_in_quotes(mine):
    kinds = {"a": "Path", "b": "'Path'", "c": "'list[Path] | None' = None", "d": "Literal['Path'] = 'Path'"}
    told = ", ".join(f"{name}: {kind}" for name, kind in kinds.items())
    mine.write_text(f"{FROM}data_kind\n@data_kind('x')\ndef f(*, images, {told}): ...")
    (one,) = read(mine)
    assert one.section.tables == ("a", "b", "c")
