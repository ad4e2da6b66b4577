"""Cache builds that are killed, raced, out of space or not allowed to write: nothing lost, nothing half-written."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qcxr.bench.memory import process_tree
from qcxr.data import manifest
from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.pack import PackedFiles, pack
from qcxr.data.store import contains, open_store, reading
from qcxr.data.verify import verify
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_parquet

from . import films

SMALL = Preprocessing(resize=72, crop=64)
N = 160


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("hard")
    paths = films.nih(root / "nih", n=N, height=400, width=380)
    films.manifest_of("nih", paths, root / "m.parquet")
    return root / "m.parquet", paths["images"]


def start(source, cache_dir: Path, *, workers: int = 1, wait: str = "wait") -> subprocess.Popen:
    command = [sys.executable, str(Path(__file__).with_name("builder.py")), *map(str, source), str(cache_dir)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, str(workers), wait], **pipes, start_new_session=True)


def entries(cache_dir: Path) -> int:
    if not (cache_dir / "cache.db").is_file():
        return 0
    try:
        database = f"{(cache_dir / 'cache.db').as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM Cache WHERE key LIKE 'entry:%'").fetchone()[0]
    except sqlite3.OperationalError:  # the tables are not there yet
        return 0


def until(condition, *, seconds: float = 60.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.005)


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_while_caching(source, tmp_path, workers):
    cache_dir = tmp_path / "cache"
    child = start(source, cache_dir, workers=workers)
    try:
        until(lambda: entries(cache_dir) >= 32 or child.poll() is not None)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
    kept = entries(cache_dir)
    assert 32 <= kept < N
    frame = manifest.read_manifest(source[0])
    looked = verify(frame, Films(source[1], cache_dir, SMALL), repair=False, progress=False)
    assert set(looked.problems["issue"]) == {"not cached"}  # unfinished, but nothing wrong in what is there
    assert len(looked.problems) == N - kept
    report = build(frame, Films(source[1], cache_dir, SMALL), progress=False)
    assert (report.n_cached, report.n_built) == (kept, N - kept)
    assert verify(frame, Films(source[1], cache_dir, SMALL), progress=False).problems.empty


def test_a_killed_worker_is_said(source, tmp_path):
    cache_dir = tmp_path / "cache"
    child = start(source, cache_dir, workers=2)
    until(lambda: entries(cache_dir) >= 16 or child.poll() is not None)
    workers = [pid for pid in process_tree(child.pid) if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 1, err
    assert out.startswith("error: a decoding worker was killed (out of memory?); what is cached is kept: run again")
    kept = entries(cache_dir)
    report = build(manifest.read_manifest(source[0]), Films(source[1], cache_dir, SMALL), progress=False)
    assert (report.n_cached, report.n_built) == (kept, N - kept)


def test_two_builds_at_once_do_the_work_once(source, tmp_path):
    children = [start(source, tmp_path / "cache") for _ in range(2)]
    said = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    assert sorted(out.strip() for out, _ in said) == [f"built 0 cached {N}", f"built {N} cached 0"]
    assert sum("waiting for the build that is writing" in err for _, err in said) == 1


def test_a_second_build_may_refuse_instead(source, tmp_path):
    first = start(source, tmp_path / "cache")
    try:
        until(lambda: entries(tmp_path / "cache") > 0 or first.poll() is not None)
        os.killpg(first.pid, signal.SIGSTOP)
        second = start(source, tmp_path / "cache", wait="no")
        out, err = second.communicate(timeout=60)
        assert second.returncode == 1, err
        assert re.match(r"error: another build is writing .*; wait for it, or stop it first\n$", out)
    finally:
        os.killpg(first.pid, signal.SIGCONT)
        first.communicate(timeout=120)
    assert first.returncode == 0


def test_disk_full_while_caching(source, small_disk, tmp_path):
    frame = manifest.read_manifest(source[0])
    cache_dir = small_disk / "cache"
    with pytest.raises(InputError) as caught:
        build(frame, Films(source[1], cache_dir, SMALL), progress=False)
    assert str(caught.value) == (
        f"no space left for the cache {cache_dir}; what is cached is kept: free space and run again"
    )
    kept = entries(cache_dir)
    assert 0 < kept < N
    subprocess.run(["mount", "-o", "remount,size=20M", small_disk], check=True)
    looked = verify(frame, Films(source[1], cache_dir, SMALL), repair=False, progress=False)
    assert set(looked.problems["issue"]) == {"not cached"}
    report = build(frame, Films(source[1], cache_dir, SMALL), progress=False)
    assert (report.n_cached, report.n_built) == (kept, N - kept)


def test_no_room_even_for_an_empty_cache(source, small_disk):
    (small_disk / "filling").write_bytes(bytes((1 << 20) - 8192))
    with pytest.raises(InputError, match=r"no space left for the cache|cannot be written \(No space left on device\)"):
        build(manifest.read_manifest(source[0]), Films(source[1], small_disk / "cache", SMALL), progress=False)


def test_disk_full_while_packing(source, small_disk, tmp_path):
    frame = manifest.read_manifest(source[0])
    where = Films(source[1], tmp_path / "cache", SMALL)
    build(frame, where, progress=False)
    (small_disk / "filling").write_bytes(bytes(900_000))
    out = PackedFiles(*(small_disk / f"nih-train.{kind}" for kind in ("npy", "index", "json")))
    with pytest.raises(InputError, match=r"nih-train.npy cannot be written \(No space left on device\); free space or"):
        pack(frame, where, split="train", out=out)
    assert [path.name for path in small_disk.iterdir()] == ["filling"]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_disk_full_while_writing_a_table(small_disk, write):
    (small_disk / "filling").write_bytes(bytes(900_000))
    table = pd.DataFrame({"x": np.random.default_rng(0).random(200_000)})
    with pytest.raises(InputError, match=r"table cannot be written \(No space left on device\)"):
        write(table, small_disk / "table")
    assert [path.name for path in small_disk.iterdir()] == ["filling"]


def test_read_only_cache_directory(source, tmp_path):
    cache_dir = tmp_path / "cache"
    cache_dir.mkdir()
    if os.geteuid() == 0:  # root may write anywhere, but not on a read-only mount
        options = ["-t", "tmpfs", "-o", "ro,size=1M", "tmpfs"]
        if subprocess.run(["mount", *options, cache_dir], capture_output=True).returncode:
            pytest.skip("root needs the right to mount a tmpfs")
    else:
        cache_dir.chmod(0o500)
    try:
        for folder in (cache_dir, cache_dir / "below"):
            with pytest.raises(InputError, match=r"cannot be written \((Read-only|Permission).*set data.cache"):
                build(manifest.read_manifest(source[0]), Films(source[1], folder, SMALL), progress=False)
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", cache_dir], check=True)
        else:
            cache_dir.chmod(0o700)
    assert list(cache_dir.iterdir()) == []


def test_workers_see_what_the_writer_committed(tmp_path):
    with open_store(tmp_path) as store, reading(tmp_path) as worker:
        store.set("entry:a", b"1")
        with store.transact():
            store.set("entry:b", b"2")
            assert not contains(worker, "entry:b")
        assert contains(worker, "entry:a")
        assert contains(worker, "entry:b")
        assert not contains(worker, "entry:c")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            worker.execute("DELETE FROM Cache")
