"""A peer's process, seen from outside: started, waited for, told to step, ended."""

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from qcxr.bench.memory import process_tree
from qcxr.study import hugepages

PACKAGE = str(Path(__file__).parents[2])  # other environments find this package there, and in it nothing of ours

# several peers wait on one card, each with what it needs and no more
SHARED = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "JAX_TRACEBACK_FILTERING": "off",  # else the last line of what a process says before it ends is a note about frames
}


# the last line of a traceback: the error's name, behind the modules it is of
RAISED = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception)\b)")


class Gone(Exception):
    """The process ended, or was ended since it took too long; the text says why, in a line."""


class Process:
    """`python -m qcxr.bench.peers` for one peer and one case; results are in the file `out` once it is ready."""

    def __init__(self, kind: str, name: str, case: Path, out: Path, *, python: str = sys.executable) -> None:
        self.out = out
        self.said: queue.Queue[str] = queue.Queue()
        self.complaints = open(out.with_suffix(".log"), "w+")  # noqa: SIM115  (closed by `end`)
        environment = {**SHARED, **os.environ, **hugepages.environment(), "PYTHONPATH": PACKAGE}
        self.process = subprocess.Popen(
            [python, "-m", "qcxr.bench.peers", kind, name, str(case), str(out)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            env=environment,
            start_new_session=True,  # what it starts ends with it
        )
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None  # said to mypy
        for line in self.process.stdout:
            self.said.put(line)
        self.said.put("")

    def ready(self, seconds: float) -> dict[str, Any]:
        """What the process says of itself when it has taken its first step; raises Gone."""
        return dict(self._answer(seconds))

    def step(self, seconds: float) -> float:
        """Seconds of one step; raises Gone."""
        assert self.process.stdin is not None  # said to mypy
        try:
            self.process.stdin.write("step\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # `_answer` says why
        return float(self._answer(seconds))

    def _answer(self, seconds: float) -> Any:
        try:
            line = self.said.get(timeout=seconds)
        except queue.Empty:
            self.end()
            raise Gone(f"not done in {seconds:g} s") from None
        if not line:
            raise Gone(self._reason())
        return json.loads(line)

    def _reason(self) -> str:
        code = self.process.wait()
        self.complaints.seek(0)
        said = [line.strip() for line in self.complaints if line.strip()]
        if code < 0 or not said:
            return f"ended by signal {-code}, as when memory runs out" if code < 0 else f"ended with {code}"
        named = [line for line in said if RAISED.match(line)]  # what an error says may go on over lines
        return RAISED.sub(r"\1", named[-1] if named else said[-1])[:200]

    def end(self) -> None:
        """End it, with all that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
        self.process.wait()
        self.listener.join(10)
        for file in (self.process.stdin, self.process.stdout, self.complaints):
            with contextlib.suppress(BrokenPipeError):  # a word that it was not there to read
                file.close()  # type: ignore[union-attr]  # pipes, all three


def end_tree(pid: int) -> None:
    """End a process and its descendants, whatever sessions they are in, itself last (Linux)."""
    for one in reversed(process_tree(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, 9)
