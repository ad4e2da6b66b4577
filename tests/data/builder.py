"""A cache build in a process of its own, to be killed, raced or starved: `python builder.py MANIFEST IMAGES CACHE`."""

import sys
from pathlib import Path

from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.manifest import read_manifest
from qcxr.errors import InputError

if __name__ == "__main__":
    manifest, images, cache_dir, workers, wait = sys.argv[1:]
    Path(cache_dir + ".started").touch()
    try:
        films = Films(images, cache_dir, Preprocessing(resize=72, crop=64))
        report = build(read_manifest(manifest), films, workers=int(workers), wait=wait == "wait", progress=False)
    except InputError as error:
        print(f"error: {error}")
        sys.exit(1)
    print(f"built {report.n_built} cached {report.n_cached}")
