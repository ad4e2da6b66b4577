"""SIGTERM to Snakemake, and to no other process: its job is asked to stop and may save before Snakemake ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SNAKEFILE = """
from qcxr.study import stopping


rule work:
    output:
        "out.txt",
    script:
        "work.py"


onstart:
    stopping.on_sigterm()
"""
JOB = """
import signal
import sys
import time
from pathlib import Path


def save(number, frame):
    time.sleep(0.5)  # Snakemake has to wait for it
    Path("saved").touch()
    sys.exit(143)


signal.signal(signal.SIGTERM, save)
Path("running").touch()
time.sleep(600)
"""


def test_sigterm_to_snakemake_reaches_its_job(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "work.py").write_text(JOB)
    snakemake = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    ends = time.monotonic() + 300
    while not (tmp_path / "running").exists():
        assert snakemake.poll() is None and time.monotonic() < ends, snakemake.communicate()[0]
        time.sleep(0.05)
    snakemake.terminate()
    said = snakemake.communicate(timeout=300)[0]
    assert snakemake.returncode == 1 and (tmp_path / "saved").exists(), said
    locks = tmp_path / ".snakemake/locks"
    assert not locks.exists() or not any(locks.iterdir())  # no --unlock is needed
