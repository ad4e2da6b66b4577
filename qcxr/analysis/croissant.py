"""A study's data as Croissant 1.0 (Akhtar et al. 2024; mlcommons.org/croissant), JSON-LD beside the data card.

The record sets are the manifests: where films lie is said as patterns below a data set's own folder, so that no path
of the machine is in it. Licence and citation are those of official data sets, and of no other.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from qcxr import __version__
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name
from qcxr.analysis.origin import CITATIONS, LICENCES, official, origins
from qcxr.study.files import write_text
from qcxr.study.provenance import digest_file

Node = dict[str, Any]
# column of a manifest -> its type and meaning; every other column is a label
FACTS = {
    "image_id": ("sc:Text", "Name of the film, unique in its data set."),
    "patient_id": ("sc:Text", "Number of the patient, a pseudonym of the data set's makers."),
    "path": ("sc:Text", "File of the film, relative to the data set's folder of images."),
    "split": ("sc:Text", "train, val or test."),
    "view": ("sc:Text", "Projection, as the data set names it; may be missing."),
    "age": ("sc:Float", "Age of the patient in years; may be missing."),
    "sex": ("sc:Text", "Sex of the patient, as the data set names it; may be missing."),
}
CONFORMS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0")
SPLITS = {"train": "cr:TrainingSplit", "val": "cr:ValidationSplit", "test": "cr:TestSplit"}
FORMATS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
CONTEXT: Node = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


@dataclass(frozen=True)
class Described:
    """One data set. manifest, attributes: what was read of the files of those names. counts_file: of its counts.

    attributes: sex, age and view by film, None where they are in the manifest or not known. Files are named relative to
    the folder of the JSON-LD.
    """

    name: str
    manifest: pd.DataFrame
    manifest_file: Path
    counts_file: Path
    attributes: pd.DataFrame | None = None
    attributes_file: Path | None = None


def write_croissant(
    out: str | Path,
    described: Sequence[Described],
    counts: pd.DataFrame,
    *,
    kinds: Mapping[str, str] | None = None,
    demo: bool = False,
    notes: Sequence[str] = (),
) -> None:
    """Write the description of all data sets of a study to `out` (JSON-LD).

    counts, kinds, demo: as for `qcxr.analysis.cards.data_card`. notes: sentences about films left out. Files must lie
    below the folder of `out`. The same inputs give the same bytes.
    """
    folder = Path(out).parent
    found = {data.name: official(counts, data.name) for data in described}
    names = listed([dataset_name(data.name) for data in described])
    origin = origins(counts, kinds or {}, demo=demo)
    text: Node = {"@context": CONTEXT, "@type": "sc:Dataset", "name": f"Films of a qcxr study: {names}"}
    text |= {"description": " ".join([*origin, *notes]), "conformsTo": list(CONFORMS)}
    text |= {"version": "1.0.0", "sdVersion": __version__, "keywords": _keywords(demo)}
    text |= _terms(list(found.values())) | _responsible(list(found.values()), demo=demo)
    text["distribution"] = [node for data in described for node in _distribution(data, folder)]
    text["recordSet"] = [_splits(), *(_films(data) for data in described), *(_counts(data) for data in described)]
    text["recordSet"] += [_attributes(data) for data in described if data.attributes is not None]
    write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", out)


def _keywords(demo: bool) -> list[str]:
    return ["chest X-ray", "multi-label classification", "long tail", *["generated"] * demo]


def _terms(found: Sequence[str | None]) -> Node:
    """Licence and citation, where every data set is an official one."""
    known = list(dict.fromkeys(origin for origin in found if origin))
    if not known or len(known) < len(set(found)):
        return {}
    return {"license": [LICENCES[name] for name in known], "citeAs": " ".join(CITATIONS[name] for name in known)}


def _responsible(found: Sequence[str | None], *, demo: bool) -> Node:
    """Properties of Croissant's extension for responsible AI, those that are known."""
    said: Node = {
        "rai:dataImputationProtocol": "None: a label that a data set does not cover is missing, never 0.",
        "rai:dataUseCases": ["Research on classifier heads and long-tailed multi-label learning. No use in care."],
    }
    if demo:
        said["rai:dataCollection"] = "The films were drawn by a program."
        said["rai:dataAnnotationProtocol"] = ["Labels are the generator's: they name the findings that were drawn."]
        said["rai:dataLimitations"] = ["The films show no patient: results on them say nothing about patients."]
        said["rai:personalSensitiveInformation"] = ["None: ages and sexes were invented with the films."]
    elif found and all(found):
        said["rai:dataAnnotationProtocol"] = ["Labels are mined from radiology reports by text tools."]
        said["rai:dataBiases"] = ["An absent label means that the report does not name it; labels err both ways."]
        said["rai:personalSensitiveInformation"] = ["Health data of patients, de-identified by the data sets' makers."]
    return said


def _distribution(data: Described, folder: Path) -> list[Node]:
    files = {"manifest": data.manifest_file, "counts": data.counts_file}
    if data.attributes_file is not None:
        files["attributes"] = data.attributes_file
    mimes = {".parquet": "application/x-parquet", ".csv": "text/csv"}
    nodes: list[Node] = []
    for what, path in files.items():
        nodes.append(
            {
                "@type": "cr:FileObject",
                "@id": f"{data.name}-{what}",
                "name": path.name,
                "description": f"The {what} of {dataset_name(data.name)}.",
                "contentUrl": path.relative_to(folder).as_posix(),
                "contentSize": f"{path.stat().st_size} B",
                "encodingFormat": mimes[path.suffix],
                "sha256": digest_file(path),
            }
        )
    for suffix, patterns in _patterns(data.manifest["path"]).items():
        nodes.append(
            {
                "@type": "cr:FileSet",
                "@id": f"{data.name}-films{suffix}",
                "name": f"{data.name} films ({suffix})",
                "description": f"The films of {dataset_name(data.name)}, below its own folder of images; the "
                "manifest's path says which are used.",
                "encodingFormat": FORMATS.get(suffix, "application/octet-stream"),
                "includes": patterns,
            }
        )
    return nodes


def _patterns(paths: pd.Series) -> dict[str, list[str]]:
    """Suffix -> glob patterns, one for each folder at the top of the films' root."""
    found: dict[str, dict[str, None]] = {}
    for path in map(PurePosixPath, sorted(paths)):
        top = f"{path.parts[0]}/**/*" if len(path.parts) > 2 else f"{path.parts[0]}/*" if len(path.parts) > 1 else "*"
        found.setdefault(path.suffix.lower(), {})[top + path.suffix] = None
    return {suffix: list(patterns) for suffix, patterns in found.items()}


def _splits() -> Node:
    field = {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}
    url = {"@type": "cr:Field", "@id": "splits/url", "name": "url", "dataType": "sc:URL"}
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "By patient. train trains, val stops training early and sets thresholds, test gives results.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [field, url],
        "data": [{"splits/name": name, "splits/url": role} for name, role in SPLITS.items()],
    }


def _films(data: Described) -> Node:
    name = f"{data.name}-films"
    fields = []
    for column in data.manifest.columns:
        kind, meaning = FACTS.get(column, ("sc:Integer", f"{column}: 1 positive, 0 not, missing where not covered."))
        field = _field(name, column, kind, meaning, file=f"{data.name}-manifest")
        if column == "split":
            field["references"] = {"field": {"@id": "splits/name"}}
        fields.append(field)
    described = f"One record per film of {dataset_name(data.name)}: {len(data.manifest):,} films of "
    described += f"{data.manifest['patient_id'].nunique():,} patients."
    return _records(name, described, fields, key="image_id")


def _counts(data: Described) -> Node:
    name = f"{data.name}-by-label"
    columns = {
        "split": ("sc:Text", "train, val or test, or total for all of them."),
        "label": ("sc:Text", "The finding."),
        "n": ("sc:Integer", "Films that cover the label."),
        "n_positive": ("sc:Integer", "Films with the finding."),
    }
    fields = [_field(name, column, *about, file=f"{data.name}-counts") for column, about in columns.items()]
    return _records(name, f"Positive films per split and label of {dataset_name(data.name)}.", fields)


def _attributes(data: Described) -> Node:
    """Of films of the manifest, by their names."""
    name, columns = f"{data.name}-by-film", [] if data.attributes is None else list(data.attributes.columns)
    fields = [_field(name, column, *FACTS[column], file=f"{data.name}-attributes") for column in columns]
    return _records(
        name, f"Who is on the films of {dataset_name(data.name)}, as far as is known.", fields, key="image_id"
    )


def _records(name: str, description: str, fields: list[Node], *, key: str | None = None) -> Node:
    node: Node = {"@type": "cr:RecordSet", "@id": name, "name": name, "description": description}
    return node | ({"key": {"@id": f"{name}/{key}"}} if key else {}) | {"field": fields}


def _field(records: str, column: str, kind: str, meaning: str, *, file: str) -> Node:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{'_'.join(column.split())}",  # mlcroissant takes no blank in an @id
        "name": column,
        "description": meaning,
        "dataType": kind,
        "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
    }
