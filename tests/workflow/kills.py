"""Kill Snakemake, one of its jobs, or both, at random moments; the same command again must end with the same bits.

    python -m tests.workflow.kills --folder FOLDER --times 100 --seed 0

A small study goes from films to a run's predictions. It is killed, started again, killed again, until it ends before
its next kill; then every file is compared with those of an undisturbed study, and it begins anew without any results.
One line a kill and one a comparison go to FOLDER/kills.jsonl. The same command goes on where it was, up to --times;
exit status 1 if a comparison fails.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from tests.workflow.compare import differences
from tests.workflow.study import ROOT, TINY, Study

RUN = "results/runs/cxr8/dqc/seed0"
TARGET = f"{RUN}/predictions/drawn-nih.parquet"
CONFIG = TINY | {
    "train": {"epochs": 20, "batch_size": 2, "patience": 20},
    "resources": {"checkpoint_minutes": 0.005, "train_threads": 1},
}
WHOM = ("snakemake", "job", "both")


def jobs(study: Study, script: str = ".py") -> list[int]:
    """Process ids of the study's jobs: those that run one of its scripts, and those that these wait for."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            folder = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue
        named = [word for word in command if word.startswith(str(study.folder)) and word.endswith(script)]
        if named or (script == ".py" and folder == str(study.folder) and "qcxr.study.forkserver" in command):
            found.append(int(pid))
    return found


def trainers(study: Study) -> list[int]:
    """Process ids of the study's training jobs."""
    return jobs(study, "train.py")


class Drill:
    """The studies and the list of kills in a folder."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.seed, self.kills = folder, seed, folder / "kills.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        lines = self.kills.read_text().splitlines() if self.kills.exists() else []
        self.seen = [json.loads(line) for line in lines]

    def count(self, kind: str) -> int:
        """How many kills, or comparisons, there have been."""
        return sum(kind in line for line in self.seen)

    def say(self, **line) -> None:
        """One line more, on the terminal too."""
        self.seen.append(line)
        with open(self.kills, "a") as out:
            print(json.dumps(line), file=out)
        print(json.dumps(line), flush=True)

    def calm(self) -> Path:
        """The results of the undisturbed study, run if they are not there."""
        study = self.study("calm")
        if not (end := study.folder / "end").exists():
            self.again(study)
            started = time.monotonic()
            with open(self.folder / "last.log", "w") as log:
                assert study.start(TARGET, stdout=log).wait() == 0, (self.folder / "last.log").read_text()
            end.write_text(str(time.monotonic() - started))
        return study.folder / "results"

    def study(self, name: str) -> Study:
        """A study of the drill; one that is there goes on, with the code that the first one had."""
        fresh, calm = not (self.folder / name).is_dir(), self.folder / "calm"
        study = Study(self.folder / name, CONFIG, fresh=fresh, root=ROOT if name == "calm" else calm)
        study.programs = self.folder / "programs"
        return study

    def victim(self) -> Study:
        """The study to be killed: with the calm one's films and nothing else."""
        study = self.study("killed")
        if not (study.folder / "demo").is_dir():
            made = study.folder / "demo.tmp"
            shutil.rmtree(made, ignore_errors=True)
            shutil.copytree(self.folder / "calm/demo", made)
            made.rename(study.folder / "demo")
        return study

    def again(self, study: Study) -> None:
        """Whoever started the study before us is gone: unlock it, as Snakemake's message says."""
        locks = study.folder / ".snakemake/locks"
        if locks.is_dir() and any(locks.iterdir()):
            study.snakemake("--unlock")

    def kill(self) -> None:
        """Start the study once, and kill at a random moment; if it ended before, compare it."""
        n = self.count("kill")
        chance = random.Random(f"{self.seed}-{n}-{len(self.seen)}")
        whom, duration = chance.choice(WHOM), float((self.folder / "calm/end").read_text())
        study = self.victim()
        self.again(study)
        moment, started = chance.uniform(0, duration), time.monotonic()
        with open(self.folder / "last.log", "w") as log:
            snakemake = study.start(TARGET, stdout=log)
        while snakemake.poll() is None:
            late = time.monotonic() - started
            alive = jobs(study) if late >= moment else []
            if late >= moment and (alive or whom != "job"):
                break
            time.sleep(0.02)
        else:
            self.compare(study, snakemake.returncode)
            return
        self.say(kill=n, whom=whom, after=round(late, 2), doing=doing(alive))
        if whom == "job":
            strike([chance.choice(alive)])
            snakemake.wait()
            if snakemake.returncode == 0:  # the study needed nothing of it any more
                self.compare(study, 0)
        else:
            strike([snakemake.pid, *(jobs(study) if whom == "both" else [])])
            snakemake.wait()  # orphans live on beside the next start

    def compare(self, study: Study, status: int) -> None:
        """Compare a study that has ended; the next one begins without results."""
        lines = differences(self.folder / "calm/results", study.folder / "results") if status == 0 else []
        lines = [line for line in lines if not line.startswith("cached/")]  # they count what they found
        if status:
            lines = [f"ended with status {status}", *(self.folder / "last.log").read_text().splitlines()[-20:]]
        files = sum(path.is_file() for path in (study.folder / "results").rglob("*"))
        since = next((k for k, line in enumerate(reversed(self.seen)) if "compared" in line), len(self.seen))
        self.say(compared=files, kills=since, different=lines)
        for attempt in range(100):  # an orphan may still be writing
            shutil.rmtree(study.folder / "results", ignore_errors=attempt < 99)
            if not (study.folder / "results").exists():
                break
            time.sleep(0.1)
        for part in ("demo", ".snakemake"):
            shutil.rmtree(study.folder / part)


def doing(pids: list[int]) -> list[str]:
    """The scripts that processes run, sorted."""
    found = set()
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        found |= {Path(word).stem.split(".")[-1] for word in words if word.endswith(".py")}
    return sorted(found)


def strike(pids: list[int]) -> None:
    """Kill processes; those that are gone by now are."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def main() -> int:
    """Kill until there are --times kills and the last chain of them is compared."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so many, to go on another time")
    given = parser.parse_args()
    drill, started = Drill(given.folder.resolve(), given.seed), time.monotonic()
    drill.calm()
    while drill.count("kill") < given.times and time.monotonic() - started < given.minutes * 60:
        drill.kill()
    if drill.seen and "kill" in drill.seen[-1]:
        study = drill.victim()
        drill.again(study)
        with open(drill.folder / "last.log", "w") as log:
            drill.compare(study, study.start(TARGET, stdout=log).wait())
    failed = [line for line in drill.seen if line.get("different")]
    whom = Counter(line["whom"] for line in drill.seen if "kill" in line)
    print(f"{drill.count('kill')} kills ({dict(whom)}), {drill.count('compared')} comparisons, {len(failed)} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
