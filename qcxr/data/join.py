"""Several training sources as one packed split: an index and a JSON over the arrays that each source has anyway.

Ids get their source's name in front, since two hospitals may both have a patient 1. A label that a source does not
cover is missing (NA) on its films, never 0.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.data.columns import labels_of
from qcxr.data.counts import counts
from qcxr.data.split import open_packed
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_parquet, write_text

# of a packed split's JSON, what the sources must have in common; the last three are of features only
ALIKE = ("format", "split", "dtype", "preprocessing", "backbone", "extractor", "features")


def named(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """The films of a source with its name before their ids: `nih:00000001_000`."""
    ids = {column: f"{source}:" + frame[column].astype(str) for column in ("image_id", "patient_id")}
    return frame.assign(**ids)


def together(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The films of {source: frame}, source by source; a label that one does not have is missing there."""
    labels = list(dict.fromkeys(label for frame in frames.values() for label in labels_of(frame)))
    whole = pd.concat([named(frame, source) for source, frame in frames.items()], ignore_index=True)
    return whole.astype(dict.fromkeys(labels, "Int8"))


def covered(frame: pd.DataFrame) -> list[str]:
    """The labels that some film of a frame has a value of."""
    return [label for label in labels_of(frame) if frame[label].notna().any()]


def join(
    films: Sequence[str | Path], sources: Sequence[str], *, index: str | Path, about: str | Path
) -> dict[str, Any]:
    """Write the index and the JSON of the packed splits `films` (.npy), which lie in one folder, of these sources.

    Returns the JSON's content. Raises InputError for a damaged part, and for parts that are not alike: of another
    preprocessing or backbone.
    """
    frames, facts = {}, {}
    for source, path in zip(sources, films, strict=True):
        _, frames[source], facts[source] = open_packed(Path(path))
    shared = _shared(facts)
    whole = together(frames)
    write_parquet(whole, index)
    labels = labels_of(whole)
    open_ = {source: facts[source]["partial"] for source in sources if facts[source].get("partial")}
    made = {
        **shared,
        "shape": [len(whole), *next(iter(facts.values()))["shape"][1:]],
        "labels": list(labels),
        "covered": {source: covered(frames[source]) for source in sources},
        **({"partial": open_} if open_ else {}),
        **_like([facts[source].get("films") for source in sources]),
        "left_out": [f"{source}:{film}" for source in sources for film in facts[source].get("left_out", [])],
        "joined": list(sources),
        "sha256": {
            "index": hashlib.sha256(Path(index).read_bytes()).hexdigest(),
            **{Path(path).name: facts[source]["sha256"]["images"] for source, path in zip(sources, films, strict=True)},
        },
    }
    write_text(json.dumps(made, indent=1) + "\n", about)
    return made


def write_counts(manifests: Mapping[str, str | Path], out: str | Path, *, dataset: str) -> pd.DataFrame:
    """Write the training and validation films of {source: manifest}, counted together as `counts.counts` does."""
    whole = together({source: pd.read_parquet(path) for source, path in manifests.items()})
    table = counts(whole[whole["split"] != "test"], dataset=dataset)
    write_csv(table, out)
    return table


def _shared(facts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What the JSONs have in common. Raises InputError where they must and do not."""
    (first, one), *others = facts.items()
    for source, other in others:
        for key in ALIKE:
            if _plain(key, one) != _plain(key, other):
                raise InputError(
                    f"packed splits of {first} and {source} cannot be joined: their {key} differs; delete them and run "
                    "the pack step again"
                )
        if one["shape"][1:] != other["shape"][1:]:
            raise InputError(f"packed splits of {first} and {source} cannot be joined: films of different shapes")
    return {key: found for key in ALIKE if (found := _plain(key, one)) is not None}


def _plain(key: str, about: dict[str, Any]) -> Any:
    if key == "features" and key in about:  # but for the films' own hash
        return {name: value for name, value in about[key].items() if name != "films"}
    return about.get(key)


def _like(told: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """What films are like, where each JSON says so (numbers, and the ends of what is usual): usual of any is usual."""
    known = [films for films in told if films]
    if not known or len(known) < len(told):
        return {}

    def both(values: list[Any]) -> Any:
        if isinstance(values[0], list):
            return [min(low for low, _ in values), max(high for _, high in values)]
        return sum(values)

    return {"films": {key: both([films[key] for films in known]) for key in known[0]}}
