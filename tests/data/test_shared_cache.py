"""Two users with one cache: what their group and umask let them share, and what is said where they do not."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.store import open_store

from . import films

GROUP = 61_000
ALICE, BOB = 61_001, 61_002

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")


@pytest.fixture
def study():
    """Films and a group's folder (its files inherit the group), where other users can get at them, unlike tmp_path."""
    folder = Path(tempfile.mkdtemp(prefix="qcxr-two-users-"))
    paths = films.nih(folder / "nih")
    frame = films.manifest_of("nih", paths, folder / "m.parquet")
    (folder / "cache").mkdir()
    os.chown(folder / "cache", 0, GROUP)
    (folder / "cache").chmod(0o2770)
    folder.chmod(0o755)
    yield frame, Films(paths["images"], folder / "cache", Preprocessing(resize=24, crop=20)), folder / "m.parquet"
    shutil.rmtree(folder)


AS_USER = f"""
import os, sys
import pandas as pd
from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.errors import InputError

manifest, images, cache, first, user, umask = sys.argv[1:]
where = Films(images, cache, Preprocessing(resize=24, crop=20))
frame = pd.read_parquet(manifest).head(int(first))
os.umask(int(umask))
os.setgroups([])
os.setgid({GROUP})
os.setuid(int(user))
try:
    report = build(frame, where, progress=False)
    print(report.n_built, "built,", report.n_cached, "cached")
except InputError as error:
    print("error:", error)
"""


def as_user(user, umask, study, first=100) -> str:
    """What a user's build of the first films says: those that it decoded and found, or its error."""
    _, where, manifest = study
    # a process of its own, and not a fork of this one: JAX may have threads here
    words = map(str, (manifest, where.images, where.cache, first, user, umask))
    done = subprocess.run([sys.executable, "-c", AS_USER, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_members_of_a_group_fill_one_cache_together(study):
    frame, where, _ = study
    assert as_user(ALICE, 0o002, study, first=7) == "7 built, 0 cached"
    assert as_user(BOB, 0o002, study) == "5 built, 7 cached"
    assert as_user(ALICE, 0o002, study) == "0 built, 12 cached"
    with open_store(where.cache) as store:
        assert all(where.key(store, path) in store for path in frame["path"])


def test_a_cache_that_is_another_users_alone_is_one_line(study):
    where = study[1]
    assert as_user(ALICE, 0o022, study, first=7) == "7 built, 0 cached"
    said = as_user(BOB, 0o022, study)
    assert said.startswith(f"error: cache directory {where.cache} ") and "set data.cache" in said and "\n" not in said
