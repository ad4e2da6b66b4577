"""A packed split, opened for a task: images memory-mapped, targets in the task's order."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.errors import InputError
from qcxr.study.labels import canonical


@dataclass(frozen=True)
class Split:
    """images: uint8 (N, H, W), memory-mapped, read-only; of a split of features float32 (N, V, F).

    targets: float32 (N, L); 0 where not covered.

    covered: bool (N, L), False where the source says nothing about the label. about: the packed split's JSON.
    """

    images: np.ndarray
    image_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    labels: tuple[str, ...]
    targets: np.ndarray
    covered: np.ndarray
    about: dict

    def __len__(self) -> int:
        return len(self.image_ids)

    def require_covered(self) -> None:
        """For training: every film must cover every label. Raises InputError that names the labels that some lack."""
        if not self.covered.all():
            lacking = [label for label, all_ in zip(self.labels, self.covered.all(axis=0), strict=True) if not all_]
            raise InputError(
                f"training needs every label of the task on every film; split {self.about.get('split')} does not "
                f"cover {', '.join(lacking)}: choose a task it covers, or label files of the right release"
            )


def load(npy: str | Path, labels: Sequence[str], *, training: bool = False, verify: bool = False) -> Split:
    """Open a packed split; its index (.parquet) and JSON lie beside the .npy under the same stem.

    labels: the task's labels, in order; one that the source lacks is not covered for any film.
    training: refuse labels that are not covered (`Split.require_covered`). verify: compare the sha256 of both files.

    Raises InputError: a file is absent, of another shape than the JSON says (truncated, or of another run), or not
    the one whose checksum was written.
    """
    npy = Path(npy)
    index_path, json_path = npy.with_suffix(".parquet"), npy.with_suffix(".json")
    for path in (npy, index_path, json_path):
        if not path.is_file():
            raise InputError(f"packed split {path} does not exist; run the pack step first")
    if not labels:
        raise InputError("labels of a split must not be empty")
    again = "delete it and run the pack step again"
    try:
        about = json.loads(json_path.read_text(encoding="utf-8"))
        shape, digests, dtype = tuple(about["shape"]), about["sha256"], np.dtype(about.get("dtype", "uint8"))
        images = np.load(npy, mmap_mode="r", allow_pickle=False)
        index = pd.read_parquet(index_path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"packed split {npy} is damaged ({' '.join(str(error).split())[:160]}); {again}") from None
    if images.shape != shape or images.dtype != dtype or len(index) != shape[0]:
        raise InputError(
            f"packed split {npy} must be {dtype} {shape}, got {images.dtype} {images.shape} with {len(index)} index "
            f"rows; {again}"
        )
    if verify:
        for path, digest in ((npy, digests["images"]), (index_path, digests["index"])):
            if sha256(path) != digest:
                raise InputError(f"packed file {path} does not have the checksum of {json_path}; {again}")
    labels = tuple(canonical(label) for label in labels)
    values = pd.DataFrame({label: index.get(label, pd.NA) for label in labels}, index=index.index)
    covered = values.notna().to_numpy()
    split = Split(
        images=images,
        image_ids=tuple(index["image_id"]),
        patient_ids=tuple(index["patient_id"]),
        labels=labels,
        targets=values.fillna(0).to_numpy(dtype=np.float32),
        covered=covered,
        about=about,
    )
    if training:
        split.require_covered()
    return split


def sha256(path: str | Path) -> str:
    """sha256 of a file, hex, read in pieces."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
