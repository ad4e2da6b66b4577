"""Films and patients on both sides of a study's splits: what a model is judged by must not be what it learned from.

Four signs, of the splits that the study uses (train and val of what is trained on, test of what is tested on):

- film: the same file; or the same image id in two sources with the same picture, compressed or scaled anew or not;
- pixels: what the network would see of two films is the same (films of one gray level apart, which tell nothing);
- picture: two sources hold the same pictures under other names, a hundredth of the later films at least
  (`qcxr.data.pictures`);
- patient: the same patient id but for leading zeros, a decimal `.0`, case and surrounding space (`00000211`, `211`).
  Of two sources it counts only where they show the same hospital: their films lie in the same folders, or they have a
  film in common. Otherwise both may count their patients, and their films, from 1.
"""

import hashlib
import os
from collections.abc import Mapping, Set
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from qcxr.data import pictures
from qcxr.data.columns import SPLITS
from qcxr.data.entry import unpack_entry
from qcxr.data.films import Films, said_corrupt
from qcxr.data.store import open_store
from qcxr.errors import InputError
from qcxr.study.files import write_csv

COLUMNS = ("film", "other", "kind", "where")
KINDS = ("film", "pixels", "picture", "patient")  # the stronger sign first


def normalised(ids: pd.Series) -> pd.Series:
    """Ids as they compare: no surrounding space, leading zeros or decimal `.0`, all in one case."""
    plain = ids.astype(str).str.strip().str.casefold().str.replace(r"\.0+$", "", regex=True)
    return plain.str.replace(r"^0+(?=.)", "", regex=True)


def used(frame: pd.DataFrame, source: str, *, images: str | Path) -> pd.DataFrame:
    """Films of a source's manifest as `leaks` takes them: columns source, split, image_id, patient_id, file, folder.

    folder: the one below the image root in which the film lies, at any depth.
    """
    root = os.path.realpath(images)
    films = frame[["split", "image_id", "patient_id"]].astype(str).reset_index(drop=True)
    films["file"] = [os.path.normpath(f"{root}/{path}") for path in frame["path"]]
    films["folder"] = [f"{root}/{path.partition('/')[0]}" if "/" in path else root for path in frame["path"]]
    return films.assign(source=source)


def with_pixels(films: pd.DataFrame, paths: pd.Series, where: Films) -> pd.DataFrame:
    """The films with columns digest and thumbnail, of their preprocessed pixels in the cache.

    Both are missing for a film of one gray level, and for one that is not cached. Raises InputError for a corrupt
    entry.
    """
    found: list[tuple[str | None, bytes | None]] = []
    with open_store(where.cache) as store:
        for path in paths:
            key = where.key(store, path)
            blob = None if key is None else store.get(key)
            if blob is None:
                found.append((None, None))
                continue
            with said_corrupt(path):
                pixels = unpack_entry(blob, crop=where.preprocessing.crop)
            found.append(_seen(pixels))
    seen = pd.DataFrame(found, columns=["digest", "thumbnail"], index=films.index, dtype=object)
    return films.join(seen)


def leaks(films: pd.DataFrame) -> pd.DataFrame:
    """Films of different splits that are one film, or one patient's: columns `COLUMNS`, a row per film of the later.

    films: of all sources and splits, as of `used`, or of `with_pixels`. Of a patient the first film of each split
    stands for the others.
    """
    order = films["split"].map({split: i for i, split in enumerate(SPLITS)})
    films = films.assign(order=order, person=normalised(films["patient_id"]))
    films = films.sort_values(["order", "source", "image_id"], ignore_index=True)
    for column in ("digest", "thumbnail"):
        if column not in films:
            films[column] = None
    films["name"] = _named_alike(films)
    seen = _pictures(films)
    hospital = films["source"].map(_hospitals(films, seen))
    parts = [
        _pairs(films, films["file"], "film"),
        _pairs(films, films["name"], "film"),
        _pairs(films, films["digest"], "pixels"),
        seen,
        _pairs(films, hospital + "\n" + films["person"], "patient"),
    ]
    found = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    return found.drop_duplicates(["film", "other"], ignore_index=True)


def refuse(found: pd.DataFrame, *, listed: str | Path | None, allowed: bool = False) -> None:
    """Write the leaks to `listed` and raise InputError if there are any that are not allowed."""
    if listed is not None and len(found):
        write_csv(found, listed)
    if found.empty or allowed:
        return
    first = found.iloc[0]
    where = "" if listed is None else f", all are listed in {listed}"
    raise InputError(
        f"training, validation and test films must be of different patients, got {said(found)}, first {first['film']} "
        f"and {first['other']} ({first['where']}: the same {first['kind']}){where}; correct the label files, or set "
        "data.leaks to allow, which the report will say"
    )


def said(found: pd.DataFrame) -> str:
    """How many leaks there are, by what is the same: `3 leaks (2 film, 1 patient)`."""
    counts = found["kind"].value_counts()
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if kind in counts)
    return f"{len(found)} leak{'s' * (len(found) > 1)} ({kinds})"


def _seen(pixels: UInt8[np.ndarray, "height width"]) -> tuple[str | None, bytes | None]:
    """A digest and a thumbnail."""
    if pixels.min() == pixels.max():
        return None, None
    return hashlib.blake2b(pixels.tobytes(), digest_size=16).hexdigest(), pictures.thumbnail(pixels)


def _named_alike(films: pd.DataFrame) -> pd.Series:
    """The image id of films that have it, and the picture, in common with a film of another source; else missing."""
    ids = films["image_id"].str.strip().str.casefold()
    known = films[films["thumbnail"].notna() & (films.groupby(ids)["source"].transform("nunique") > 1)]
    alike = pd.Series(None, films.index, dtype=object)
    if known.empty:
        return alike
    vectors = pictures.units(known["thumbnail"])
    place = pd.Series(np.arange(len(known)), known.index)
    first = place.groupby(ids[known.index]).transform("first").to_numpy()
    same = (vectors * vectors[first]).sum(1) >= pictures.NAMED
    alike[known.index[same]] = ids[known.index[same]]
    return alike


def _pairs(films: pd.DataFrame, key: pd.Series, kind: str) -> pd.DataFrame:
    """A row for each film that shares its key with a film of an earlier split (of patients: for each split)."""
    known = films[key.notna()].assign(key=key[key.notna()])
    known = known[known.groupby("key")["split"].transform("nunique") > 1]
    if kind == "patient":
        known = known.drop_duplicates(["key", "source", "split"])
    first = known.groupby("key")[["source", "split", "image_id"]].transform("first")
    later = known["split"] != first["split"]
    first, known = first[later], known[later]
    return _rows(first, known, kind)


def _pictures(films: pd.DataFrame) -> pd.DataFrame:
    """A row for each film that looks like one of another source and an earlier split."""
    parts = [pd.DataFrame(columns=list(COLUMNS))]
    for later, earlier in pictures.alike(films):
        first, known = (films.loc[rows].reset_index(drop=True) for rows in (earlier, later))
        parts.append(_rows(first, known, "picture"))
    return pd.concat(parts, ignore_index=True)


def _rows(first: pd.DataFrame, known: pd.DataFrame, kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "film": first["source"] + ":" + first["image_id"],
            "other": known["source"] + ":" + known["image_id"],
            "kind": kind,
            "where": first["source"] + " " + first["split"] + " / " + known["source"] + " " + known["split"],
        }
    )


def _hospitals(films: pd.DataFrame, seen: pd.DataFrame) -> Mapping[str, str]:
    """Source -> the first source that shows the same hospital: films in the same folders, or a film in both.

    seen: films of two sources that look alike, rows of `COLUMNS`.
    """
    by = films.groupby("source", sort=False)
    folders = {source: set(part) for source, part in by["folder"]}
    known = {source: {*part["file"], *part["digest"].dropna(), *part["name"].dropna()} for source, part in by}
    for film, other in {
        (a.partition(":")[0], b.partition(":")[0]) for a, b in zip(seen["film"], seen["other"], strict=True)
    }:
        known[film].add(f"{film}:{other}")
        known[other].add(f"{film}:{other}")
    found: dict[str, str] = {}
    for source in sorted(folders):
        near = (o for o in found if _nested(folders[source], folders[o]) or not known[source].isdisjoint(known[o]))
        found[source] = source if (other := next(near, None)) is None else found[other]
    return found


def _nested(some: Set[str], others: Set[str]) -> bool:
    """Whether a folder of one is a folder of the other, or lies below one, at any depth."""
    return _within(some, others) or _within(others, some)


def _within(folders: Set[str], others: Set[str]) -> bool:
    # not pair by pair: a set may have a folder for each of its patients
    return any(above in others for folder in folders for above in accumulate(folder.split("/"), "{}/{}".format))
