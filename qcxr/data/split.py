"""A packed split, opened for a task: images memory-mapped, targets in the task's order.

Of several sources that are trained on together (`qcxr.data.join`) there is an index and a JSON but no array: the JSON
names the sources' own, which are read as one.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, UInt8

from qcxr.data.columns import labels_of
from qcxr.data.joined import Joined
from qcxr.errors import InputError, one_line
from qcxr.study.labels import canonical


@dataclass(frozen=True)
class Split:
    """images: memory-mapped, read-only; a frozen backbone's features where the split was packed as such.

    targets: 0 where not covered. covered: False where the source says nothing about the label.
    about: the packed split's JSON.
    """

    images: UInt8[np.ndarray, "films height width"] | Float32[np.ndarray, "films views features"] | Joined
    image_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    labels: tuple[str, ...]
    targets: Float32[np.ndarray, "films labels"]
    covered: Bool[np.ndarray, "films labels"]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def truth(self) -> Float32[np.ndarray, "films labels"]:
        """The targets, NaN where a film's source does not cover the label."""
        return self.targets if self.covered.all() else np.where(self.covered, self.targets, np.float32("nan"))

    def require_covered(self) -> None:
        """For training: every film must cover every label; of several sources, all films of one source or none.

        A label that its source leaves open on purpose (the JSON's `partial`) need be on some film only. Raises
        InputError that names the labels that are lacking.
        """
        if "joined" in self.about:
            self._require_covered_by_sources()
            return
        open_ = self.about.get("partial", [])
        films = dict(zip(self.labels, self.covered.T, strict=True))
        lacking = [label for label, on in films.items() if not (on.any() if label in open_ else on.all())]
        if lacking:
            raise InputError(
                f"training needs every label of the task on every film; split {self.about.get('split')} does not "
                f"cover {', '.join(lacking)}: choose a task it covers, or label files of the right release"
            )

    def _require_covered_by_sources(self) -> None:
        sources, name = self.about["joined"], self.about.get("split")
        lacking = [label for label, on in zip(self.labels, self.covered.T, strict=True) if not on.any()]
        if lacking:
            raise InputError(
                f"training needs every label of the task in one of its sources at least; split {name} of "
                f"{', '.join(sources)} does not cover {', '.join(lacking)}: choose a task they cover, or add a source "
                "to data.train_on"
            )
        owner = np.array([image_id.partition(":")[0] for image_id in self.image_ids])
        for source in sources:
            films, open_ = self.covered[owner == source], self.about.get("partial", {}).get(source, [])
            some = films.any(0) & ~films.all(0)
            if lacking := [label for label, on in zip(self.labels, some, strict=True) if on and label not in open_]:
                raise InputError(
                    f"training needs every label of the task on all films of a source or on none; {source} covers "
                    f"{', '.join(lacking)} on part of its films of split {name}: complete its label files, or choose "
                    "another task"
                )


def load(npy: str | Path, labels: Sequence[str], *, training: bool = False, verify: bool = False) -> Split:
    """Open a packed split; its index (.parquet) and JSON lie beside the .npy under the same stem.

    npy: any of the three. A split joined of several sources has no .npy of its own.
    labels: the task's labels, in order; one that the source lacks is not covered for any film.
    training: refuse labels that are not covered (`Split.require_covered`). verify: compare the sha256 of both files.

    Raises InputError: a file is absent, of another shape than the JSON says (truncated, or of another run), or not
    the one whose checksum was written.
    """
    npy = Path(npy).with_suffix(".npy")
    if not labels:
        raise InputError("labels of a split must not be empty")
    images, index, about = open_packed(npy, verify=verify)
    names = tuple(canonical(label) for label in labels)
    values = pd.DataFrame({name: index.get(name, pd.NA) for name in names}, index=index.index)
    covered = values.notna().to_numpy()
    split = Split(
        images=images,
        image_ids=tuple(index["image_id"]),
        patient_ids=tuple(index["patient_id"]),
        labels=names,
        targets=values.fillna(0).to_numpy(dtype=np.float32),
        covered=covered,
        about=about,
    )
    if training:
        split.require_covered()
    return split


def drawn(patient_ids: Sequence[str], fraction: float, seed: int) -> Bool[np.ndarray, " films"]:
    """Which films are of the part of the patients that a seed draws: see `of_patients`."""
    ids = np.asarray(patient_ids, dtype=str)
    patients = np.unique(ids)
    kept = np.random.default_rng([seed, 0x5A3B]).permutation(patients)[: math.ceil(fraction * len(patients))]
    return np.isin(ids, kept)


def of_patients(split: Split, fraction: float, seed: int) -> Split:
    """The films of a part of the patients, in their order: `fraction` of them, at least one, drawn by the seed.

    With the same seed a smaller part lies inside a larger one. The whole split comes back as it is.
    """
    if fraction == 1:
        return split
    rows = np.flatnonzero(drawn(split.patient_ids, fraction, seed))
    return replace(
        split,
        images=np.ascontiguousarray(split.images[rows]),
        image_ids=tuple(split.image_ids[row] for row in rows),
        patient_ids=tuple(split.patient_ids[row] for row in rows),
        targets=split.targets[rows],
        covered=split.covered[rows],
    )


def open_packed(npy: Path, *, verify: bool = False) -> tuple[np.ndarray | Joined, pd.DataFrame, dict[str, Any]]:
    """(images, index, JSON) of a packed split, images memory-mapped. Raises InputError as `load` does."""
    index_path, json_path = npy.with_suffix(".parquet"), npy.with_suffix(".json")
    again = "delete it and run the pack step again"
    for path in (json_path, index_path):
        if not path.is_file():
            raise InputError(f"packed split {path} does not exist; run the pack step first")
    path = json_path
    try:
        about = json.loads(json_path.read_text(encoding="utf-8"))
        shape, digests, dtype = tuple(about["shape"]), dict(about["sha256"]), np.dtype(about.get("dtype", "uint8"))
        parts = _parts(npy, about)
        path = index_path
        index = pd.read_parquet(index_path)
        _check_index(index)
    except Exception as error:  # what their readers raise depends on where a file is damaged
        raise _damaged(npy, path, error) from None
    for path in parts:
        if not path.is_file():
            raise InputError(f"packed split {path} does not exist; run the pack step first")
    try:
        maps = []
        for path in parts:
            maps.append(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:
        raise _damaged(npy, path, error) from None
    images = Joined(maps) if "joined" in about else maps[0]
    if len(shape) != 3 or images.shape != shape or images.dtype != dtype or len(index) != shape[0]:
        raise InputError(
            f"packed split {npy} must be {dtype} {shape}, got {images.dtype} {images.shape} with {len(index)} index "
            f"rows; {again}"
        )
    if verify:
        named = [(part, digests.get("images" if part == npy else part.name)) for part in parts]
        for path, digest in (*named, (index_path, digests.get("index"))):
            if sha256(path) != digest:
                raise InputError(f"packed file {path} does not have the checksum of {json_path}; {again}")
    return images, index, about


def _parts(npy: Path, about: dict[str, Any]) -> list[Path]:
    """The arrays of a packed split: its own, or those of the sources it is joined of, which lie beside it."""
    if "joined" not in about:
        return [npy]
    return [npy.with_name(f"{source}-{about['split']}.npy") for source in about["joined"]]


def _damaged(npy: Path, path: Path, error: Exception) -> InputError:
    reason = f"lacks {error}" if isinstance(error, KeyError) else one_line(error)
    return InputError(f"packed split {npy} is damaged ({path.name}: {reason}); delete it and run the pack step again")


def _check_index(index: pd.DataFrame) -> None:
    for column in ("image_id", "patient_id"):
        if not index[column].map(lambda value: isinstance(value, str)).all():
            raise ValueError(f"{column} must be text")
    for label in labels_of(index):
        if not index[label].dropna().isin([0, 1]).all():
            raise ValueError(f"label {label} must be 0, 1 or missing")


def sha256(path: str | Path) -> str:
    """sha256 of a file, hex, read in pieces."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
