"""data-card.json is Croissant: validated, and read back film by film, by mlcroissant where that is installed."""

import hashlib
import json
import warnings
from dataclasses import replace

import pandas as pd
import pytest

from qcxr.analysis.croissant import CONFORMS, Described, write_croissant
from qcxr.analysis.tablefile import read_table
from qcxr.study.files import write_parquet

from . import manifested
from .test_claims import published_counts


def write(folder, *, demo=True, counts=None, datasets=("nih", "mimic"), attributes=False):
    (folder / "manifest").mkdir(parents=True)
    paths = manifested.write(folder / "manifest", datasets)
    tables = [path.with_name(f"{path.stem}-counts.csv") for path in paths]
    described = [Described(p.stem, read_table(p), p, t) for p, t in zip(paths, tables, strict=True)]
    if attributes:
        beside = [folder / "manifest" / f"{one.name}-attributes.parquet" for one in described]
        for one, path in zip(described, beside, strict=True):
            write_parquet(one.manifest[["image_id", "patient_id", "sex", "age", "view"]], path)
        described = [
            replace(one, attributes=read_table(path), attributes_file=path)
            for one, path in zip(described, beside, strict=True)
        ]
    counted = pd.concat(map(read_table, tables), ignore_index=True) if counts is None else counts
    write_croissant(folder / "data-card.json", described, counted, kinds={"nih": "nih", "mimic": "mimic"}, demo=demo)
    return folder / "data-card.json"


def test_files_are_named_from_its_own_folder_with_their_checksums(tmp_path):
    card = write(tmp_path / "deep" / "results")
    text = card.read_text(encoding="utf-8")
    assert str(tmp_path) not in text and '"/' not in text.replace('"https://', "").replace('"http://', "")
    nodes = json.loads(text)["distribution"]
    files = [node for node in nodes if node["@type"] == "cr:FileObject"]
    assert [node["contentUrl"] for node in files] == [
        "manifest/nih.parquet", "manifest/nih-counts.csv", "manifest/mimic.parquet", "manifest/mimic-counts.csv",
    ]  # fmt: skip
    for node in files:
        content = (card.parent / node["contentUrl"]).read_bytes()
        assert node["sha256"] == hashlib.sha256(content).hexdigest() and node["contentSize"] == f"{len(content)} B"
    sets = {node["@id"]: node["includes"] for node in nodes if node["@type"] == "cr:FileSet"}
    assert sets == {"nih-films.png": ["images_001/**/*.png"], "mimic-films.jpg": ["files/**/*.jpg"]}


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    assert write(tmp_path / "a").read_bytes() == write(tmp_path / "b").read_bytes()


def test_drawn_films_have_neither_licence_nor_citation(tmp_path):
    card = json.loads(write(tmp_path).read_text())
    assert not {"license", "citeAs"} & set(card) and "generated" in card["keywords"]
    assert (
        "drawn by a program" in card["rai:dataCollection"] and "invented" in card["rai:personalSensitiveInformation"][0]
    )


def test_licence_and_citation_are_those_of_official_counts_only(tmp_path):
    official = json.loads(write(tmp_path / "a", demo=False, counts=published_counts()).read_text())
    assert len(official["license"]) == 2 and "PhysioNet" in official["license"][1] and "Wang X" in official["citeAs"]
    assert "mined" in official["rai:dataAnnotationProtocol"][0]
    own = json.loads(write(tmp_path / "b", demo=False).read_text())
    assert not {"license", "citeAs", "rai:dataAnnotationProtocol", "rai:dataCollection"} & set(own)
    assert "say where these films come from" in own["description"]


def test_attributes_beside_the_manifest_are_listed_with_their_records(tmp_path):
    plain = json.loads(write(tmp_path / "a").read_text())
    listed = json.loads(write(tmp_path / "b", attributes=True).read_text())
    added = {
        part: {node["@id"] for node in listed[part]} - {node["@id"] for node in plain[part]}
        for part in ("distribution", "recordSet")
    }
    assert added == {
        "distribution": {"nih-attributes", "mimic-attributes"}, "recordSet": {"nih-by-film", "mimic-by-film"},
    }  # fmt: skip


def test_mlcroissant_takes_it_without_an_error_and_reads_every_film(tmp_path):
    mlc = pytest.importorskip("mlcroissant")
    card = write(tmp_path, attributes=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's, of its own parser
        data = mlc.Dataset(jsonld=card)
        issues = data.metadata.ctx.issues
        assert not issues.errors and all("is recommended" in warning for warning in issues.warnings)
        assert data.metadata.conforms_to == list(CONFORMS)
        assert {records.id for records in data.metadata.record_sets} == {
            "splits", "nih-films", "mimic-films", "nih-by-label", "mimic-by-label", "nih-by-film", "mimic-by-film",
        }  # fmt: skip
        for dataset in ("nih", "mimic"):
            films = pd.DataFrame(data.records(f"{dataset}-films"))
            expected = read_table(tmp_path / "manifest" / f"{dataset}.parquet")
            assert list(films) == [f"{dataset}-films/{'_'.join(column.split())}" for column in expected]
            films.columns = expected.columns
            for column in ("image_id", "patient_id", "path", "split", "view"):
                assert [value.decode() for value in films[column]] == list(expected[column])
            for label in manifested.LABELS:
                assert pd.to_numeric(films[label]).astype("Int8").equals(expected[label])
            assert films["age"].isna().equals(expected["age"].isna())
        counted = pd.DataFrame(data.records("nih-by-label"))
        people = pd.DataFrame(data.records("nih-by-film"))
    expected = read_table(tmp_path / "manifest" / "nih-counts.csv")
    assert list(counted["nih-by-label/n_positive"]) == list(expected["n_positive"])
    expected = read_table(tmp_path / "manifest" / "nih-attributes.parquet")
    assert [value.decode() for value in people["nih-by-film/image_id"]] == list(expected["image_id"])
