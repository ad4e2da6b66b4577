"""An archive holds what it should, the same bytes each time, nothing of the machine, and only of a finished study."""

import hashlib
import html
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from qcxr.analysis.layout import Layout
from qcxr.analysis.runlist import read_list
from qcxr.archive import bundle, checksums
from qcxr.archive.contents import contents
from qcxr.archive.evaluate import compared, evaluate_archive
from qcxr.archive.masks import Masks, Plain
from qcxr.archive.runlist import runlist
from qcxr.cli import main
from qcxr.errors import InputError
from qcxr.study import config, digests
from qcxr.study.studied import read, studied

from .synthetic import demo, finished

ROOT = Path(__file__).parents[2]
PLUGIN = """
from qcxr.plugins import metric

@metric("highest")
def highest(truth, probability):
    return probability.max()
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to run a study in, as a clone is."""
    (tmp_path / "clone").mkdir()
    for part in ("config", "workflow", "profiles"):
        shutil.copytree(ROOT / part, tmp_path / "clone" / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def archived(raw, out, **choice):
    """Archive the study of this configuration."""
    pytest.importorskip("rocrate", reason="the extra archive")
    from qcxr.archive.write import Choice, write

    return write(config.parse(raw), raw, Path(out), Choice(**choice))


def names(folder):
    return {path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()}


def test_what_belongs_in_it(here):
    raw = demo()
    layout = finished(Path(raw["results"]), config.parse(raw))
    found = contents(layout)
    there = {path.as_posix() for path in found.there}
    assert not found.missing
    assert {"report.html", "tables/means.csv", "runs/cxr8/dqc/seed0/predictions/validation.parquet"} <= there
    assert "figures/circuit.txt" in there and "manifest/drawn-nih-attributes.parquet" in there
    assert not [name for name in there if name.startswith(("packed", "logs", "progress", "cached")) or "/." in name]
    weights = {name for name in there if name.endswith(".safetensors")}
    assert weights == {f"runs/{t}/{h}/seed1/best.safetensors" for t in ("cxr8", "cxr19") for h in ("cdl", "dqc")}
    assert len([p for p in contents(layout, weights="all").there if p.suffix == ".safetensors"]) == 12
    assert not [p for p in contents(layout, weights="none").there if p.suffix == ".safetensors"]
    without = {path.as_posix() for path in contents(layout, films=False).there}
    left = there - without
    assert {name.split("/")[0] for name in left} == {"runs", "manifest", "audit", "leaks"}
    assert not [name for name in without if name.endswith(".parquet")]


@pytest.mark.parametrize("out", ["a.zip", "a"])
def test_a_file_that_is_not_what_was_written_is_not_archived(here, tmp_path, out):
    raw = demo()
    layout = finished(Path(raw["results"]), config.parse(raw))
    table = layout.root / "metrics.csv"
    digests.seal([table], {})
    table.write_text("damaged\n")
    with pytest.raises(InputError, match=r"metrics\.csv is damaged: .*; make it again: rm "):
        archived(raw, tmp_path / out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clone"]


def test_the_same_study_gives_the_same_bytes_and_sums_that_sha256sum_takes(here, tmp_path):
    raw = demo()
    finished(Path(raw["results"]), config.parse(raw))
    sums = []
    for _ in range(2):
        (tmp_path / "again.zip").unlink(missing_ok=True)
        archived(raw, tmp_path / "again.zip", title="A study", authors=["A. Uthor, 0000-0002-1825-0097", "B"])
        sums.append(hashlib.sha256((tmp_path / "again.zip").read_bytes()).hexdigest())
    assert sums[0] == sums[1]
    with zipfile.ZipFile(tmp_path / "again.zip") as packed:
        packed.extractall(tmp_path / "open")
    told = subprocess.run(["sha256sum", "-c", "--strict", checksums.NAME], cwd=tmp_path / "open", capture_output=True)
    assert told.returncode == 0 and told.stdout.count(b": OK") == len(names(tmp_path / "open")) - 1
    crate = json.loads((tmp_path / "open/ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    files = {entity["@id"] for entity in crate if entity["@type"] == "File" or "File" in entity["@type"]}
    assert {
        name for name in names(tmp_path / "open") if name not in (checksums.NAME, "ro-crate-metadata.json")
    } == files
    actions = [entity for entity in crate if entity["@type"] == "CreateAction"]
    assert len(actions) == 13 and all("startTime" in action and "endTime" in action for action in actions)


def test_nothing_of_the_machine_is_in_it(here, tmp_path, monkeypatch):
    home = tmp_path / "users/hidden"
    (home / "films").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    raw = demo()
    raw["results"] = str(tmp_path / "scratch/results")
    raw["data"] = raw["data"] | {"cache": "~/cache/films"}
    layout = finished(Path(raw["results"]), config.parse(raw))
    said = f'<pre>"images": "{home}/films", "results": "{raw["results"]}", {here}/x</pre>'
    (layout.root / "report.html").write_text(said, encoding="utf-8")
    archived(raw, tmp_path / "archive")
    for path in (tmp_path / "archive").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path
    report = (tmp_path / "archive/results/report.html").read_text(encoding="utf-8")
    assert report == '<pre>"images": "home/films", "results": "elsewhere/results", here/x</pre>'
    resolved = json.loads((tmp_path / "archive/config.json").read_text(encoding="utf-8"))
    assert resolved["results"] == "elsewhere/results" and resolved["data"]["cache"] == "elsewhere/films"

    figure = layout.root / "figures/losses.pdf"
    figure.write_bytes(b"%PDF " + str(here).encode())
    with pytest.raises(InputError, match=r"losses\.pdf holds .*clone, a path of this machine.*--paths"):
        archived(raw, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    archived(raw, tmp_path / "kept", paths=True)
    assert (tmp_path / "kept/results/report.html").read_text(encoding="utf-8") == said


def test_masks_spell_paths_as_files_do():
    masks = Masks({"a": ['/x/fi"l&ms', '/x/fi"l&ms/nih', "C:\\data\\nih", "../up/mine.py:head", "plain/relative"]})
    assert masks.text('/x/fi"l&ms/nih/1.png') == "elsewhere/nih/1.png"
    for spelled in (json.dumps('/x/fi"l&ms'), '"' + html.escape('/x/fi"l&ms') + '"'):
        assert masks.text(spelled) == '"elsewhere/fi_l_ms"'
    assert masks.text("C:\\data\\nih") == "elsewhere/nih-2" and masks.text('"C:\\\\data\\\\nih"') == '"elsewhere/nih-2"'
    assert masks.value({"k": ["../up/mine.py", 1, None]}) == {"k": ["elsewhere/mine.py", 1, None]}
    assert masks.text("plain/relative /x/fi") == "plain/relative /x/fi"
    assert Plain().text("/x/films") == "/x/films"


def test_an_unfinished_study_is_refused(here, tmp_path, capsys):
    raw = demo()
    layout = finished(Path(raw["results"]), config.parse(raw))
    (layout.root / "report.html").unlink()
    with pytest.raises(InputError, match=r"report\.html is not there: the study is not finished.*--partial"):
        archived(raw, tmp_path / "a")
    found = archived(raw, tmp_path / "a", partial=True)
    assert [path.name for path in found.missing] == ["report.html"]
    assert "Not finished: 1 of its files" in (tmp_path / "a/README.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="exists and is not empty"):
        archived(raw, tmp_path / "a", partial=True)
    words = ["archive", "--configfile", "config/demo.yaml"]
    assert main([*words[:1], "results-other", *words[1:]]) == 1
    assert "RESULTS must be the results of the configuration, which are results-demo, got" in capsys.readouterr().err


def test_code_of_plugins_runs_only_when_it_is_asked_for(here, tmp_path):
    Path("mine.py").write_text(PLUGIN, encoding="utf-8")
    raw = demo(plugins=["mine.py"])
    raw["analysis"] = raw["analysis"] | {"metrics": ["highest"]}
    layout = finished(Path(raw["results"]), config.parse(raw))
    (layout.root / "manifest/drawn-nih-counts.csv").unlink()
    archived(raw, tmp_path / "a", partial=True)
    assert (tmp_path / "a/study/mine.py").read_text(encoding="utf-8") == PLUGIN
    with pytest.raises(InputError, match=r"own \(highest\), whose code would run; look into its study/ and give --run"):
        evaluate_archive(tmp_path / "a", tmp_path / "out")
    with pytest.raises(InputError, match=r"drawn-nih-counts\.csv is not there: the study was not finished"):
        evaluate_archive(tmp_path / "a", tmp_path / "out", plugins=True)
    assert not (tmp_path / "out").exists()


def test_without_rocrate_it_says_what_to_install(here, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["archive", "--configfile", "config/demo.yaml"]) == 1
    assert capsys.readouterr().err == (
        "error: qcxr archive needs rocrate, which is not installed; pip install -e '.[archive]'\n"
    )


def test_the_list_of_runs_is_one_that_evaluate_takes(here, tmp_path):
    raw = demo(vary={"augment.rotation": [0, 10]})
    layout = Layout(studied(config.parse(raw)), Path(raw["results"]))
    runlist(layout).to_csv(tmp_path / "runs.csv", index=False)
    frame = read_list(tmp_path / "runs.csv")
    assert len(frame) == 2 * 2 * 2 * 3 * 3 and set(frame["variant"]) == {"configuration", "augment.rotation 0.0"}
    assert (frame["predictions"] == frame["truth"]).all()
    assert frame["predictions"][0] == "results/runs/cxr8/cdl/augment.rotation~0.0/seed0/predictions/drawn-nih.parquet"


def test_what_the_analysis_must_know_goes_through_json(here):
    raw = demo(vary={"augment.rotation": [0, 10]})
    study = studied(config.parse(raw))
    assert read(json.loads(study.model_dump_json()), source="x") == study
    for key, wrong in (("tasks", ["../up"]), ("test_on", ["a/b"]), ("seeds", "0")):
        with pytest.raises(InputError, match=rf"archive\.json is none of this version's: {key}"):
            read(json.loads(study.model_dump_json()) | {key: wrong}, source="archive.json")
    given = json.loads(study.model_dump_json())
    given["outline"]["arms"][0]["variant"] = "x~1/../../up"
    with pytest.raises(InputError, match="variant"):
        read(given, source="archive.json")


@pytest.fixture
def whole(tmp_path):
    """A small folder with its list of checksums."""
    root = tmp_path / "archive"
    (root / "results").mkdir(parents=True)
    (root / "results/metrics.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (root / "archive.json").write_text('{"format": 1, "films": false}', encoding="utf-8")
    (root / "config.json").write_text("{}", encoding="utf-8")
    checksums.write(root, checksums.digests(root))
    return root


def test_what_is_damaged_is_named(whole, tmp_path):
    def refused():
        with pytest.raises(InputError) as caught:
            evaluate_archive(whole, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        return str(caught.value)

    assert "holds no predictions (it was written with --without-films)" in refused()
    (whole / "more.txt").write_text("x", encoding="utf-8")
    assert "more.txt is not in SHA256SUMS" in refused()
    (whole / "more.txt").unlink()
    data = bytearray((whole / "results/metrics.csv").read_bytes())
    data[3] ^= 1
    (whole / "results/metrics.csv").write_bytes(data)
    assert "metrics.csv is damaged: SHA256SUMS says otherwise" in refused()
    (whole / "results/metrics.csv").unlink()
    assert "metrics.csv is missing" in refused()
    listed = (whole / checksums.NAME).read_text(encoding="utf-8")
    for line in ("0" * 64 + "  ../up\n", "0" * 64 + "  /etc/passwd\n", "not a sum\n"):
        (whole / checksums.NAME).write_text(line + listed, encoding="utf-8")
        assert "line 1 is no checksum of a file in it" in refused()
    (whole / checksums.NAME).unlink()
    assert "is no archive of qcxr" in refused()
    (whole / "archive.json").write_text('{"format": 2, "written_by": "qcxr 9.0"}', encoding="utf-8")
    checksums.write(whole, checksums.digests(whole))
    assert "format 2, and this version reads 1; evaluate it with qcxr 9.0" in refused()


def test_a_zip_that_is_none_and_one_that_climbs(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    with pytest.raises(InputError, match=r"a\.zip is no whole zip"), bundle.opened(tmp_path / "a.zip"):
        pass
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("../../climbed.txt", "x")
    with bundle.opened(tmp_path / "b.zip") as root:
        assert names(root) == {"climbed.txt"}
    assert not list(tmp_path.rglob("climbed.txt"))


def test_an_archive_takes_no_other_rules(whole, tmp_path, capsys):
    assert main(["evaluate", str(whole), "--out", str(tmp_path / "out"), "--alpha", "0.01"]) == 1
    assert "is evaluated by its own configuration, which no option changes" in capsys.readouterr().err


def test_files_that_differ_are_named(tmp_path):
    for folder, text in (("one", "a"), ("two", "b")):
        (tmp_path / folder).mkdir()
        pd.DataFrame({"x": [1]}).to_csv(tmp_path / folder / "same.csv")
        (tmp_path / folder / "other.csv").write_text(text, encoding="utf-8")
    assert compared(tmp_path / "one", tmp_path / "two").endswith("these are not: other.csv")
    shutil.copy(tmp_path / "one/other.csv", tmp_path / "two")
    assert compared(tmp_path / "one", tmp_path / "two") == "All 2 files are the archive's, byte for byte."
