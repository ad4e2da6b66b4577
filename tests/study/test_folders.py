"""What a study writes lies apart from what it reads, and can be written."""

import os
import re
import subprocess

import pytest

from qcxr.errors import InputError
from qcxr.study import folders
from qcxr.study.config import load, parse
from qcxr.study.obstacles import obstacles
from tests.study.studies import ROOT, refusal, study


@pytest.mark.parametrize(
    ("results", "key"),
    [
        ("data/nih", "data.sources.nih.images"),
        ("./data//nih/", "data.sources.nih.images"),
        ("data/nih/results", "data.sources.nih.images"),
        ("data", "data.sources.nih.images"),
        (".", "data.sources.nih.images"),
        ("data/mimic/labels", "data.sources.mimic.images"),
        ("cache", "data.cache"),
        ("cache/study", "data.cache"),
    ],
)
def test_results_among_data_or_in_the_cache_are_refused(results, key):
    said = refusal(results=results)
    assert said.startswith(f"results must lie apart from {key} (") and said.endswith(
        f"got {results}; set results in the config to a folder of its own"
    )


def test_tables_that_lie_elsewhere_count_too():
    said = refusal(data__sources__nih__labels="labels", results="labels")
    assert said.startswith("results must lie apart from data.sources.nih.labels (labels/miccai2023_nih-cxr-lt_labels_t")
    assert "data.sources.nih.entries (r/e.csv)" in refusal(data__sources__nih__entries="r/e.csv", results="r")


def test_a_cache_in_results_is_fine_where_no_rule_writes():
    assert parse(study(data__cache="results/cache")).data.cache == "results/cache"
    for made in ("results", "results/tables", "results/runs/cache"):
        assert "results must lie apart from data.cache" in refusal(data__cache=made)


def test_drawn_films_may_lie_in_results_and_others_may_not():
    demo = {"nih": {"kind": "nih", "images": "results/demo/nih", "labels": "results/demo/nih/labels"}}
    changes = {"data__sources": demo, "data__test_on": ["nih"]}
    assert parse(study(**changes, generate={"out": "results/demo"})).results == "results"
    assert "results must lie apart from data.sources.nih.images" in refusal(**changes)


def test_a_link_is_followed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "big").mkdir()
    os.symlink("big", tmp_path / "link")
    assert "results must lie apart" in refusal(data__sources__nih__images="big", results="link/study")


def test_shipped_configurations_lie_apart():
    for names in (["demo"], ["transfer"], ["transfer", "finetune"]):
        load(*(ROOT / f"config/{name}.yaml" for name in ["config", *names]))


def test_what_rules_make_is_known():
    """The folders below results of every rule and run, read off the rules' text."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    made = set(re.findall(r"\{results\}/(?:\{kind\}/)?([A-Za-z_]+)(?=/)", "\n".join(texts)))
    runs = (ROOT / "qcxr/study/runs.py").read_text(encoding="utf-8")
    made |= set(re.findall(r'cfg\.results, "(\w+)"', runs))
    made |= set(re.findall(r'directory\(f"\{results\}/(\w+)"\)', "\n".join(texts)))
    assert made - {"kind"} == set(folders.MADE)


@pytest.mark.parametrize("key", ["results", "data__cache"])
@pytest.mark.parametrize("path", ["file", "file/below/it"])
def test_a_file_in_a_folders_place_is_named(tmp_path, monkeypatch, key, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    said = refusal(**{key: path})
    assert said.startswith(f"{key.replace('__', '.')} must be a folder, got {path} where ") and "file is a file" in said


def test_a_folder_that_cannot_be_written_is_an_obstacle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        for path in ("disk", "disk/below/it"):
            assert (
                f"results must be a folder that can be written, got {path}; set results in the config to another"
                in obstacles(parse(study(results=path)))
            )
        assert not any("results" in line for line in obstacles(parse(study(results="other"))))
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("path", ["", "{x}", "a/{b}/c"])
def test_braces_and_nothing_are_no_paths(path):
    said = "must be a path without braces (Snakemake's wildcards) and not empty"
    assert refusal(results=path) == f"results {said}, got {path!r}; set results in the config"
    assert refusal(data__cache=path).startswith(f"data.cache {said}")
    assert refusal(data__sources__nih__labels=["a_train.csv", path]).startswith(f"data.sources.nih.labels.1 {said}")
    assert refusal(generate={"out": path}).startswith(f"generate.out {said}")


def test_a_local_checkpoint_that_is_not_there_is_an_obstacle(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def said(weights):
        lines = obstacles(parse(study(backbone={"weights": weights, "library": "jax"})))
        return [line for line in lines if "backbone.weights" in line]

    assert said("./none") == [
        "./none does not exist; set backbone.weights to a folder that does, or to a name like microsoft/resnet-50"
    ]
    assert said("checkpoint") and not said("microsoft/resnet-50")
    (tmp_path / "checkpoint").mkdir()
    assert not said("checkpoint")


def test_refused_by_the_loader_too(tmp_path):
    overlay = tmp_path / "x.yaml"
    overlay.write_text("results: cache\n", encoding="utf-8")
    with pytest.raises(InputError, match="results must lie apart from data.cache"):
        load(ROOT / "config/config.yaml", overlay)
