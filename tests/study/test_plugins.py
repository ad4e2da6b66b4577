"""Plug-ins: what a file registers is read without being run, decides what uses it, and is refused in one line."""

import sys

import pytest
import yaml

from qcxr.analysis import figures
from qcxr.analysis.metrics import METRICS
from qcxr.cli import main
from qcxr.errors import InputError
from qcxr.study import execution, plugged, slices
from qcxr.study.analysis import FIGURE_NAMES, METRIC_NAMES
from qcxr.study.config import OURS, parse
from qcxr.study.function import lies_beside
from qcxr.study.outline import outline
from qcxr.study.pluginfile import read
from qcxr.study.provenance import read_slice
from tests.study.studies import study

FILE = '''
"""Mine."""
from qcxr.models.layers import Linear
from qcxr.plugins import figure, head, loss, metric

LEVEL = 0.95


@head("wide")
def wide(n_features, n_labels, *, key, hidden: int = 8, gains: list[float] | None = None):
    return helper(Linear)


@loss("mine")
def mine(targets, *, temperature: float = 1.0):
    return LEVEL


@metric("level")
def level(truth, probability, *, threshold):
    return 0.5


@figure("dots", needs=["metrics"], by=("task",), caption="Dots.")
def dots(metrics, task):
    return level


def helper(x):
    return x
'''
NAMED = {"analysis__metrics": ["level"], "analysis__figures": ["dots"], "train__loss": "mine"}


@pytest.fixture(autouse=True)
def none_after():
    yield
    plugged.use([])
    plugged.offer([])


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """`mine.py` where the study runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    return tmp_path / "mine.py"


def own(**changes):
    return study(plugins=["mine.py"], heads=["cdl", {"big": {"kind": "wide", "hidden": 16}}], **changes)


def texts(cfg):
    return {arm.path: slices.training(made, cfg.labels("cxr8")) for arm, made in cfg.arms.items()}


def test_names_of_ours_are_those_of_the_registries():
    assert (*METRICS, "loss") == METRIC_NAMES
    assert (*figures.FIGURES, "circuit") == FIGURE_NAMES


def test_planning_runs_nothing_of_it(mine):
    """Not even its imports: it is text to a plan."""
    sys.modules.pop("plugin_mine", None)
    mine.write_text(FILE + "\nraise SystemExit('it was run')\n")
    cfg = parse(own(**NAMED))
    assert cfg.recipe("big").options() == {"hidden": 16, "gains": None}
    assert "dots-cxr8" in figures.names(tasks=["cxr8"], datasets=["nih"], heads=cfg.names, own=cfg.analysis.figures)
    assert "plugin_mine" not in sys.modules


def test_a_plugin_that_is_listed_and_not_used_changes_nothing(mine):
    plain = study(heads=["cdl", "mlp"])
    assert texts(parse(plain)) == texts(parse(plain | {"plugins": ["mine.py"]}))


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


def test_a_head_is_in_its_own_runs_slice_and_a_loss_in_those_of_its_runs(mine):
    heads = ["cdl", {"big": {"kind": "wide"}}, {"tempered": {"kind": "cdl", "train": {"loss": "mine"}}}]
    cfg = parse(own() | {"heads": heads})
    made = {path: read_slice(text) for path, text in texts(cfg).items()}
    assert {path: list(told.get("plugins", ())) for path, told in made.items()} == {
        "cdl": [],
        "big": ["head"],
        "tempered": ["loss"],
    }
    assert made["big"]["head_options"] == {} and made["tempered"]["train"]["loss_options"] == {"temperature": 1.0}
    assert set(made["big"]["plugins"]["head"]) == {"digest", "code"}  # of ours it imports a layer
    elsewhere = mine.parent / "elsewhere"
    elsewhere.mkdir()
    mine.rename(elsewhere / "yours.py")
    assert texts(parse(own() | {"heads": heads, "plugins": ["elsewhere/yours.py"]})) == texts(cfg)
    assert dict(outline(cfg)["heads"])["big"] == "wide"


def test_options_are_those_of_the_signature(mine):
    laid = {"head": {"wide": {"gains": [1, "1e-1"]}}, "vary": {"head.hidden": [4, 8]}}
    cfg = parse(own() | {"heads": ["cdl", {"big": {"kind": "wide"}}]} | laid)
    assert [made.options()["hidden"] for made in cfg.arms.values() if made.kind == "wide"] == [4, 8]
    assert cfg.recipe("big").options()["gains"] == [1.0, 0.1]
    assert parse(own()).recipe("big").options()["hidden"] == 16
    for wrong, said in {
        "width": "heads.big.width is not a configuration key; allowed here: hidden, gains",
        "plugin": "heads.big.plugin is not a configuration key; allowed here: hidden, gains",
        "hidden": "heads.big.hidden: input should be a valid integer, got 'much'",
    }.items():
        with pytest.raises(InputError, match=said):
            parse(own() | {"heads": [{"big": {"kind": "wide", wrong: "much"}}]})
    with pytest.raises(
        InputError, match="train.loss_options.gamma is not a configuration key; allowed here: temperature"
    ):
        parse(own(train__loss="mine", train__loss_options={"gamma": 1}))
    space = {"trials": 2, "space": {"head.plugin": {"choice": [1, 2]}}}
    with pytest.raises(InputError, match="search.space.head.plugin: none of the heads compared here has it"):
        parse(own() | {"search": space})
    with pytest.raises(InputError, match="head.wide.hidden: input should be a valid integer"):
        parse(own(head={"wide": {"hidden": 1.5}}))


def test_what_was_listed_for_another_configuration_is_not_in_force(mine):
    parse(own())
    with pytest.raises(InputError, match="heads.big.kind must be one of cdl, dqc, .*, circuit, got wide"):
        parse(study(heads=["cdl", {"big": {"kind": "wide"}}]))


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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plugins": ["gone.py"]}, "gone.py does not exist; set plugins to files that do, from where the study runs"),
        ({"plugins": ["a\0.py"]}, "a\0.py does not exist; set plugins to files that do"),
        ({"plugins": ["~nobody-here/m.py"]}, "plugins: the home of ~nobody-here/m.py must be known, got no such user"),
        ({"plugins": ["mine"]}, "plugins must be Python files .* or package:NAME, got mine; correct plugins"),
        (
            {"plugins": ["package:no-such-thing"]},
            "plugins: package:no-such-thing is not installed; pip install no-such",
        ),
        (
            {"plugins": ["package:pydantic"]},
            "plugins: package:pydantic must have an entry point qcxr.plugins, got none",
        ),
        ({"plugins": ["mine.py", "mine.py"]}, "plugins must not repeat, got "),
        ({"plugins": "mine.py"}, "plugins: input should be a valid list, got 'mine.py'"),
        ({"analysis__metrics": ["auroc"]}, "analysis.metrics must be metrics of plug-ins, which are level, got auroc"),
        ({"analysis__figures": ["dots", "dots"]}, "analysis.figures must not repeat"),
        ({"train__loss": "yours"}, "train.loss must be one of bce, .*, or a loss of a plug-in, got 'yours'"),
        ({"heads": ["wider"]}, "heads must be among cdl, .*, circuit, wide, or have a kind that is, got wider"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_is_one_line(mine, changes, said):
    with pytest.raises(InputError, match=said) as caught:
        parse(own() | study(**{"plugins": ["mine.py"], **changes}))
    assert "\n" not in str(caught.value)


def test_an_installed_package_is_read_by_its_entry_point_and_only_where_it_is_listed(tmp_path, monkeypatch):
    package, about = tmp_path / "radiomics", tmp_path / "radiomics_qcxr-1.0.dist-info"
    (package / "inner").mkdir(parents=True)
    about.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it was run')\n")
    (package / "inner/heads.py").write_text(FILE.replace("LEVEL = 0.95", "from radiomics.inner import LEVEL"))
    (package / "inner/__init__.py").write_text("LEVEL = 0.95\n")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: radiomics-qcxr\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[qcxr.plugins]\nall = radiomics.inner.heads\n")
    monkeypatch.syspath_prepend(tmp_path)
    listed = {"plugins": ["package:radiomics-qcxr"]}
    before = texts(parse(own() | listed))
    with pytest.raises(InputError, match="got wide"):
        parse(own() | {"plugins": []})
    (package / "inner/__init__.py").write_text("LEVEL = 0.95  # much\n")
    assert texts(parse(own() | listed)) == before
    (package / "inner/__init__.py").write_text("LEVEL = 0.90\n")
    after = texts(parse(own() | listed))
    assert after["big"] != before["big"] and after["cdl"] == before["cdl"]
    (package / "__init__.py").write_text("")
    parse(own() | listed)
    assert execution.load(plugged.get("head", "wide")).__module__ == "radiomics.inner.heads"


def test_what_a_run_was_made_with_is_found_again_or_named(mine):
    (one,) = [one for one in read(mine) if one.hook == "head"]
    recorded = {"listed": "mine.py", "digest": one.digest}
    assert plugged.recorded("head", "wide", **recorded).digest == one.digest
    kept = mine.rename(mine.parent / "kept.py")
    with pytest.raises(
        InputError, match=r"mine.py must have the head wide of this run, got mine.py does not exist.*--plugin"
    ):
        plugged.recorded("head", "wide", **recorded)
    plugged.offer(["kept.py"])
    assert plugged.recorded("head", "wide", **recorded).file == kept.relative_to(mine.parent)
    kept.write_text(FILE.replace("helper(Linear)", "Linear"))
    said = rf"kept.py:9: head wide must be what it was \(digest {one.digest}\), got [0-9a-f]+; give the file that made"
    with pytest.raises(InputError, match=said):
        plugged.recorded("head", "wide", **recorded)


def test_check_lists_them(mine, capsys):
    (mine.parent / "config").mkdir()
    (mine.parent / "config/config.yaml").write_text(yaml.safe_dump(own()))
    main(["check"])
    said = capsys.readouterr().err
    assert "mine.py:9: head wide (digest " in said and "mine.py:24: figure dots (digest " in said
