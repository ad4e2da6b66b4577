"""Plug-ins: what a file registers is read without being run, decides what uses it, and is refused in one line."""

import sys

import pytest
import yaml

from qcxr.analysis import figures
from qcxr.analysis.inputs import READERS
from qcxr.analysis.metrics import METRICS
from qcxr.cli import main
from qcxr.errors import InputError
from qcxr.study import execution, plugged, slices
from qcxr.study.analysis import FIGURE_NAMES, METRIC_NAMES
from qcxr.study.config import parse
from qcxr.study.hooks import TABLES
from qcxr.study.outline import outline
from qcxr.study.pluginfile import read
from qcxr.study.provenance import read_slice
from tests.study.studies import study
from tests.study.written import FILE

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
    assert {*TABLES, "benchmark", "parameters", "patients"} == READERS.keys()  # what figures may need, and the others


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
