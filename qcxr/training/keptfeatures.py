"""Features that lie in the cache for all studies (`qcxr.models.features`): records of them, as of a study's own files.

Must not import JAX.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from qcxr.study import digests
from qcxr.study.provenance import digest_file


def check(cache: Path | str, films: str) -> None:
    """Compare the kept features of the packed films with this digest with their records.

    Raises `InputError` for the first file that is not what was written.
    """
    folder = Path(cache, "features")
    for record in sorted((folder / digests.FOLDER).glob("features-*.json")):
        path = folder / record.name.removesuffix(".json")
        if not path.is_file():
            digests.forget([path])  # it will be computed again, on whatever machine
        elif (said := digests.recorded(path)) is not None and films in said.made_of.values():
            digests.check([path])


def seal(cache: Path | str, about: Path | str, made_of: Mapping[str, str]) -> None:
    """Write the record of the kept features that have just been copied to a study: those of the digest in `about`."""
    made = json.loads(Path(about).read_text(encoding="utf-8"))["sha256"]["images"]
    size = Path(about).with_suffix(".npy").stat().st_size
    for path in sorted(Path(cache, "features").glob("features-*.npy")):
        new = not digests.record_file(path).is_file()
        if new and path.stat().st_size == size and digest_file(path) == made:
            digests.seal([path], made_of)
