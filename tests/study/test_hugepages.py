"""Large pages: what is asked for, that the system grants it, and that a program starts again once."""

import os
import subprocess
import sys

import pytest

from qcxr.study import hugepages
from qcxr.study.hugepages import HUGE, SETTING, TUNABLES

GRANTED = SETTING.is_file() and "[madvise]" in SETTING.read_text()
# what libc's own malloc gave of 256 MB, in kB of large pages
TOLD = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
size = 256 * 2**20
ctypes.memset(libc.malloc(size), 1, size)
lines = open("/proc/self/smaps_rollup").read().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages")))
"""


@pytest.mark.parametrize(
    ("setting", "given", "expected"),
    [
        ("always [madvise] never\n", {}, {TUNABLES: f"{HUGE}=1"}),
        ("always [madvise] never\n", {TUNABLES: "glibc.malloc.check=1"}, {TUNABLES: f"glibc.malloc.check=1:{HUGE}=1"}),
        ("always [madvise] never\n", {TUNABLES: f"{HUGE}=0"}, {}),  # the user's word
        ("[always] madvise never\n", {}, {}),
        ("always madvise [never]\n", {}, {}),
        (None, {}, {}),
    ],
)
def test_asked_for_only_where_it_does_something(setting, given, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(hugepages, "SETTING", tmp_path / "enabled")
    if setting is not None:
        (tmp_path / "enabled").write_text(setting)
    assert hugepages.environment(given) == expected


def run(code, **environment):
    inherited = {key: value for key, value in os.environ.items() if key != TUNABLES}
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(not GRANTED, reason="this system has no large pages for those who ask")
def test_the_system_grants_them():
    assert int(run(TOLD)[0]) < 50_000
    granted = int(run(TOLD, **hugepages.environment({}))[0])
    if not granted:
        pytest.skip("glibc is older than 2.35, or no large page is free")
    assert granted > 200_000


@pytest.mark.skipif(not GRANTED, reason="this system has no large pages for those who ask")
def test_a_program_starts_again_once_as_the_same_process():
    said = run(
        "import os; print(os.getpid(), flush=True); from qcxr.study.hugepages import restart; restart(); print('on')"
    )
    assert said[0] == said[1] and said[2:] == ["on"]


@pytest.mark.skipif(not GRANTED, reason="this system has no large pages for those who ask")
def test_commands_that_compute_start_with_them_and_others_as_they_are():
    def said(*command):
        code = f"""
import os, sys
os.execv = lambda program, words: (print("again with", os.environ["{TUNABLES}"]), sys.exit(0))
sys.argv = ["qcxr", *{command!r}]
from qcxr.cli import main
sys.exit(main())
"""
        return " ".join(run(code))

    for command in (("train", "cxr8", "cdl", "0"), ("predict", "weights", "films"), ("bench", "pages", "--check")):
        assert said(*command) == f"again with {HUGE}=1"
    assert "again with" not in said("config", "--schema")
