"""Two users with one cache: what their group and umask let them share, and what is said where they do not."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.store import open_store
from qcxr.errors import InputError

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
    yield frame, Films(paths["images"], folder / "cache", Preprocessing(resize=24, crop=20))
    shutil.rmtree(folder)


def as_user(user, umask, frame, where) -> str:
    """What a user's build says: the films that it decoded and found, or its error."""
    reads, writes = os.pipe()
    if (child := os.fork()) == 0:
        said = "no answer"
        try:
            os.umask(umask)
            os.setgroups([])
            os.setgid(GROUP)
            os.setuid(user)
            report = build(frame, where, progress=False)
            said = f"{report.n_built} built, {report.n_cached} cached"
        except InputError as error:
            said = f"error: {error}"
        finally:
            os.write(writes, said.encode())
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def test_members_of_a_group_fill_one_cache_together(study):
    frame, where = study
    assert as_user(ALICE, 0o002, frame.head(7), where) == "7 built, 0 cached"
    assert as_user(BOB, 0o002, frame, where) == "5 built, 7 cached"
    assert as_user(ALICE, 0o002, frame, where) == "0 built, 12 cached"
    with open_store(where.cache) as store:
        assert all(where.key(store, path) in store for path in frame["path"])


def test_a_cache_that_is_another_users_alone_is_one_line(study):
    frame, where = study
    assert as_user(ALICE, 0o022, frame.head(7), where) == "7 built, 0 cached"
    said = as_user(BOB, 0o022, frame, where)
    assert said.startswith(f"error: cache directory {where.cache} ") and "set data.cache" in said and "\n" not in said
