"""All cards of a study at once, from the files that the workflow has."""

import hashlib
import json

import pandas as pd
import pytest

from qcxr.analysis.facts import Study
from qcxr.analysis.portfolio import Folder, write_portfolio
from qcxr.analysis.results import read_results
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError
from qcxr.study.files import write_parquet

from . import manifested

CONFIG = {
    "data": {
        "train_on": "nih", "test_on": ["nih", "mimic"], "sources": {"nih": {"kind": "nih"}, "mimic": {"kind": "mimic"}},
    },
    "analysis": {"head_over": 20, "tail_under": 5, "quantiles": [0.2, 0.8], "alpha": 0.05},
}  # fmt: skip


def write(study, folder, *, without="", **changes):
    manifests = manifested.write(folder)
    counts = [path.with_name(f"{path.stem}-counts.csv") for path in manifests]
    files = {"metrics": study.metrics, "tests": study.tests, "runs": study.folders, "counts": counts}
    results = read_results({kind: files[kind] for kind in files if kind != without})
    out = Folder(folder / "model.md", folder / "data.md", folder / "data.json", folder / "checklist.md")
    write_portfolio(out, results, Study(CONFIG, demo=True), manifests=manifests, **changes)
    return [path.read_text(encoding="utf-8") for path in (out.model, out.data, out.croissant, out.checklist)]


def test_the_same_study_gives_the_same_cards_without_a_path_of_the_machine(study, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    cards = write(study, tmp_path / "a")
    assert cards == write(study, tmp_path / "b")
    assert not [text for text in cards if str(tmp_path) in text or str(study.root) in text]
    model, data, croissant, checklist = cards
    assert "above the 80 % quantile of the task's training counts" in model
    assert "at or below the 20 % quantile of all training counts" in data
    for text in (data, croissant, checklist):
        assert "MIMIC-CXR-LT: left out: 2 LATERAL." in text
    assert "MIMIC-CXR-LT does not cover Pleural Thickening" in checklist


def test_sex_and_age_may_stand_beside_the_manifest(study, tmp_path):
    films = manifested.manifest("mimic", facts=False)[["image_id", "patient_id"]]
    attributes = films.assign(sex="F", age=pd.array([50.0] * len(films), dtype="Float32"), view="AP")
    write_parquet(attributes, tmp_path / "mimic-attributes.parquet")
    _, data, croissant, checklist = write(study, tmp_path, attributes=[tmp_path / "mimic-attributes.parquet"])
    assert "| 50 (50 to 50) | F 100 % " in data and "age 50 (50 to 50), sex F 100 %, view AP 100 %" in checklist
    assert not read_table(tmp_path / "mimic.parquet")["sex"].notna().any()
    listed = json.loads(croissant)
    (file,) = [node for node in listed["distribution"] if node["name"] == "mimic-attributes.parquet"]
    content = (tmp_path / "mimic-attributes.parquet").read_bytes()
    assert file["sha256"] == hashlib.sha256(content).hexdigest() and "nih-attributes" not in croissant
    (records,) = [node for node in listed["recordSet"] if node["@id"] == "mimic-by-film"]
    assert {f["source"]["extract"]["column"] for f in records["field"]} == set(attributes)
    assert {f["source"]["fileObject"]["@id"] for f in records["field"]} == {file["@id"]}
    ids = [node["@id"] for part in ("distribution", "recordSet") for node in listed[part]]
    assert len(ids) == len(set(ids))


def test_what_the_audit_flagged_is_said(study, tmp_path):
    (tmp_path / "nih-issues.csv").write_text("image_id,path,issue,detail\na,x,colour,\n")
    for text in write(study, tmp_path, audits=[tmp_path / "nih-issues.csv"])[1:]:
        assert "NIH-CXR-LT: 1 film flagged by the audit: 1 colour." in text


@pytest.mark.parametrize("kind", ["counts", "runs"])
def test_cards_need_counts_and_runs(study, tmp_path, kind):
    with pytest.raises(InputError, match="cards need counts of the manifests and runs, got none; give both"):
        write(study, tmp_path, without=kind)


def test_joined_sources_are_no_data_set_of_their_own_and_unknown_patients_are_said(study, tmp_path):
    """Rows of far+nih stand beside those of the two: counted, not described."""
    manifests = manifested.write(tmp_path)
    counts = [path.with_name(f"{path.stem}-counts.csv") for path in manifests]
    for name in ("far+nih", "far"):
        read_table(counts[0]).assign(dataset=name).to_csv(tmp_path / f"{name}-counts.csv", index=False)
        counts.append(tmp_path / f"{name}-counts.csv")
    files = {
        "metrics": study.metrics,
        "tests": study.tests,
        "runs": study.folders,
        "counts": [counts[2], *counts[:2], counts[3]],
    }
    out = Folder(tmp_path / "model.md", tmp_path / "data.md", tmp_path / "data.json", tmp_path / "checklist.md")
    told = Study(CONFIG, patientless=["mimic"])
    write_portfolio(out, read_results(files), told, manifests=manifests)
    data, checklist = out.data.read_text(encoding="utf-8"), out.checklist.read_text(encoding="utf-8")
    assert data.startswith("# Data card: NIH-CXR-LT, MIMIC-CXR-LT, far\n") and "far+nih: say where" not in data
    said = "Which films of MIMIC-CXR-LT are of one patient is not known: each film counts as a patient of its own."
    assert said in data and said in checklist
    assert "no patient is in two of them" not in data and "no patient of a data set is in two" not in checklist
