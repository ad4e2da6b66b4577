"""A study small enough for tests, in a folder of its own with its own copy of the package and the workflow."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "profiles", "qcxr")

# the demo's rules and sources with fewer, smaller films, one epoch and one task
TINY = {
    "results": "results",
    "tasks": ["cxr8"],
    "seeds": [0, 1],
    "generate": {"out": "demo", "seed": 3, "size": 64, "train": 40, "val": 20, "test": 24, "mimic": 20},
    "image": {"resize": 36, "crop": 32},
    "backbone": {
        "name": "resnet",
        "config": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
    },
    "train": {"epochs": 1, "batch_size": 8},
    "analysis": {"bootstrap": 100},
    "timed_steps": 2,
}


def shared(folder: Path) -> Path:
    """What the tests of a test run share, whichever worker has them."""
    return next((parent for parent in folder.parents if re.fullmatch(r"pytest-\d+", parent.name)), folder)


def finished(folder: Path, config: dict | None = None) -> Study:
    """A study that has run to its end, in `folder`: a copy of the one that the first test to ask for it has made."""
    text = yaml.safe_dump(TINY if config is None else config)
    made = shared(folder) / "finished" / hashlib.sha256(text.encode()).hexdigest()[:12]
    made.mkdir(parents=True, exist_ok=True)
    with open(made.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "end").exists():
            (made / "end.log").write_text(Study(made, config).snakemake())
            (made / "end.log").rename(made / "end")
    shutil.copytree(made, folder, dirs_exist_ok=True)  # with its times
    return Study(folder, config, fresh=False)


class Study:
    """A folder in which `snakemake` runs the workflow; `write` lays a configuration over the demo's.

    programs: the folder of compiled programs, by default that of all studies of the test run. fresh: the package and
    the workflow are not in the folder yet.
    """

    def __init__(self, folder: Path, config: dict | None = None, *, root: Path = ROOT, fresh: bool = True):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS if fresh else ():
            source = root / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        self.programs = shared(folder) / "programs"
        self.config: dict = {}
        self.write(TINY if config is None else config)

    def write(self, config: dict) -> None:
        """Lay `config` over the demo's configuration."""
        self.config = config
        (self.folder / "tiny.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def snakemake(
        self, *words: str, check: bool = True, overlay: bool = True, cores: int | None = 2, **environment: str
    ) -> str:
        """Run snakemake; its output. Fails the test with that output if it ends with another status than 0."""
        done = self.start(*words, overlay=overlay, cores=cores, **environment)
        text = done.communicate(timeout=900)[0]
        if check:
            assert done.returncode == 0, text
        else:
            assert done.returncode != 0, text
        return text

    def start(self, *words: str, overlay: bool = True, cores: int | None = 2, **environment: str) -> subprocess.Popen:
        """Start snakemake with standard output and error in one pipe."""
        configs = ["--configfile", "config/demo.yaml", "tiny.yaml"] if overlay else []
        threads = {"OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(self.folder)}
        threads["JAX_COMPILATION_CACHE_DIR"] = str(self.programs)
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *(["--cores", str(cores)] if cores else []), *words, *configs],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that a drill can kill it with all its jobs
            env={**os.environ, **threads, **environment},
        )

    def planned(self) -> dict[str, int]:
        """What a dry run would do: rule -> number of jobs, without `all`."""
        text = self.snakemake("-n")
        if "Nothing to be done" in text:
            return {}
        table = text.split("Job stats:")[1].split("total")[0]
        jobs = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, flags=re.MULTILINE)}
        jobs.pop("all", None)
        return jobs

    def planned_runs(self) -> set[str]:
        """The training runs that a dry run would do, as `task with head, seed n`."""
        return set(re.findall(r"Train (\S+ with \S+, seed \d+)", self.snakemake("-n")))
