"""A cache build in a process of its own, to be killed, raced or starved: `python builder.py MANIFEST IMAGES CACHE`."""

import sys
from pathlib import Path

from qcxr.data.cache import build
from qcxr.data.manifest import read_manifest
from qcxr.errors import InputError

if __name__ == "__main__":
    manifest, images, cache_dir, workers, wait = sys.argv[1:]
    Path(cache_dir + ".started").touch()
    try:
        report = build(
            read_manifest(manifest), images, cache_dir, resize=72, crop=64, workers=int(workers), wait=wait == "wait",
            progress=False,
        )  # fmt: skip
    except InputError as error:
        print(f"error: {error}")
        sys.exit(1)
    print(f"built {report.n_built} cached {report.n_cached}")
