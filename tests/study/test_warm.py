"""Warm jobs: a script run by a fork server's child is the process that it would have been, and nothing outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qcxr.study import warm

SCRIPT = """
import json, os, pathlib, signal, sys, threading, time
from qcxr.study import warm
warm.start("colorsys", *os.environ.get("MODULES", "").split())
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs start warm on Linux only")


class Workflow:
    """A process that stands for Snakemake's, and jobs that belong to it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.process = subprocess.Popen(["sleep", "600"])
        self.born = warm.starttime(self.process.pid)

    def start(self, code: str, *arguments: str, **environment: str) -> subprocess.Popen:
        script = self.folder / f"job{len(list(self.folder.iterdir()))}.py"
        script.write_text(SCRIPT + code)
        own = {"PYTHONPATH": str(Path.cwd()), warm.WORKFLOW: f"{self.process.pid} {self.born}", "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, script, *arguments],
            cwd=self.folder,
            env={**os.environ, **own, **environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, code: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
        job = self.start(code, *arguments, **environment)
        out, err = job.communicate(timeout=60)
        return job.returncode, out, err

    def servers(self) -> list[int]:
        """The fork servers of this workflow, and their children."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"qcxr.study.forkserver" in words and str(self.process.pid).encode() in words:
                found.append(int(pid))
        return found


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    yield from living(Workflow(tmp_path_factory.mktemp("workflow")))


@pytest.fixture
def doomed(tmp_path):
    yield from living(Workflow(tmp_path))


def living(workflow):
    yield workflow
    workflow.process.kill()
    workflow.process.wait()
    until(lambda: not workflow.servers())


def until(condition, seconds=30.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "nothing happened"
        time.sleep(0.01)


TELL = """
print(json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "there": os.environ.get("THERE"), "path": sys.path,
    "name": __name__, "parent": os.getppid(), "threads": len(os.listdir("/proc/self/task")),
    "colorsys": "colorsys" in sys.modules, "files": len(os.listdir("/proc/self/fd")),
    "signals": [str(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1)],
    "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, []))}))
print(sys.stdin.read(), file=sys.stderr)
"""


def test_a_warm_job_is_the_process_that_it_would_have_been(workflow):
    told = {}
    for way in ("0", "1"):
        extra = {} if way == "1" else {warm.WORKFLOW: "0 0"}  # no such process: it starts no server
        job = workflow.start(TELL, "a b", "--c", THERE="é", **extra)
        told[way] = json.loads(job.communicate(timeout=60)[0])
        told[way]["client"] = job.pid
    cold, hot = told["0"], told["1"]
    assert cold["parent"] == os.getpid() and hot["parent"] in workflow.servers()
    assert not cold.pop("colorsys") and hot.pop("colorsys")
    for key in ("parent", "client"):
        cold.pop(key), hot.pop(key)
    assert hot.pop("files") == cold.pop("files") + 1  # its client's socket
    assert hot == cold


def test_jobs_of_one_workflow_share_a_server_and_no_random_numbers(workflow):
    code = "import numpy\nprint(os.getppid(), numpy.random.random(), os.getpid())"
    told = [workflow.run(code)[1].split() for _ in range(3)]
    assert len({server for server, *_ in told}) == 1
    assert len({number for _, number, _ in told}) == len({pid for *_, pid in told}) == 3
    other = workflow.run(code, OMP_NUM_THREADS="2")[1].split()[0]
    assert other != told[0][0] and {int(other), int(told[0][0])} <= set(workflow.servers())  # another environment


@pytest.mark.parametrize(
    "code, status, said",
    [
        ("sys.exit(7)", 7, ""),
        ("sys.exit('refused')", 1, "refused"),
        ("raise ValueError('this')", 1, "ValueError: this"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV, ""),
        ("threading.Thread(target=lambda: (time.sleep(0.3), print('late'))).start()", 0, ""),
    ],
)
def test_it_ends_as_its_job_ends(workflow, code, status, said):
    ended, out, err = workflow.run(code)
    assert ended == status and said in err
    assert ("late" in out) == ("Thread" in code)


POLITE = """
asked = []
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
    signal.signal(number, lambda number, _: asked.append(number))
print("ready", flush=True)
while not asked:
    time.sleep(0.01)
pathlib.Path("saved").write_text(str(asked[0]))
sys.exit(128 + asked[0])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_job(workflow, number):
    job = workflow.start(POLITE)
    assert job.stdout.readline() == "ready\n"
    job.send_signal(number)
    job.communicate(timeout=30)
    assert job.returncode == 128 + number and (workflow.folder / "saved").read_text() == str(int(number))


@pytest.mark.parametrize("what", ["job", "workflow", "server"])
def test_whatever_is_killed_the_job_stops_politely_and_nothing_is_left(doomed, what):
    job = doomed.start(POLITE)
    assert job.stdout.readline() == "ready\n"
    server = min(doomed.servers())
    os.kill({"job": job.pid, "workflow": doomed.process.pid, "server": server}[what], signal.SIGKILL)
    saved = doomed.folder / "saved"
    until(lambda: saved.exists() and saved.read_text() == str(int(signal.SIGTERM)))
    err = job.communicate(timeout=30)[1]
    assert job.returncode == {"job": -9, "workflow": 143, "server": 1}[what]
    assert ("the process that ran this job was lost" in err) == (what == "server")
    if what != "job":
        doomed.process.wait() if what == "workflow" else None
        until(lambda: not doomed.servers())


def test_what_cannot_start_warm_runs_here(workflow, monkeypatch):
    here = "print(os.getppid())"
    assert workflow.run(here, **{warm.WORKFLOW: f"{workflow.process.pid} 1"})[1].split() == [str(os.getpid())]
    monkeypatch.setenv("QCXR_WARM", "0")
    monkeypatch.setenv(warm.WORKFLOW, "1 1")  # of a Snakemake that runs this one
    warm.offer(local=True)
    assert warm.WORKFLOW not in os.environ
    monkeypatch.delenv("QCXR_WARM")
    warm.offer(local=False)
    assert warm.WORKFLOW not in os.environ
    warm.offer(local=True)
    assert os.environ.pop(warm.WORKFLOW) == f"{os.getpid()} {warm.starttime(os.getpid())}"
    warm.start("json")  # nothing was offered: it returns


def test_a_module_that_cannot_be_imported_is_the_jobs_to_say(workflow):
    ended, _, err = workflow.run("import nothing_of_this_name", MODULES="nothing_of_this_name")
    assert ended == 1 and "No module named 'nothing_of_this_name'" in err


def test_a_server_that_cannot_fork_safely_lets_jobs_run_by_themselves(workflow):
    module = workflow.folder / "threaded.py"
    module.write_text("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n")
    path = os.pathsep.join([str(Path.cwd()), str(workflow.folder)])
    ended, out, _ = workflow.run("print(os.getppid())", MODULES="threaded", PYTHONPATH=path)
    assert ended == 0 and out.split() == [str(os.getpid())]
