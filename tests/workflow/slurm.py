"""A real Slurm of one node and four pretended cards, all of it in one folder: Debian's slurm-wlm and munge, as root."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo", "sacct", "sacctmgr", "sshare")
CONF = """
ClusterName=drill
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmdPort={node}
AuthType=auth/munge
CredType=cred/munge
# a job that is put back may start again after as many seconds; two minutes otherwise
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# more processors than the machine has
SlurmdParameters=config_overrides
GresTypes=gpu
MinJobAge=3600
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=node NodeAddr=127.0.0.1 NodeHostname={host} CPUs=8 RealMemory=1000000 Gres=gpu:4
PartitionName=ordinary Nodes=node Default=YES PriorityTier=1
PartitionName=urgent Nodes=node PriorityTier=2
"""


class Slurm:
    """Its commands are in `bin`: sbatch writes down what it was asked, in `submitted`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.bin, self.submitted = folder / "bin", folder / "submitted"
        for part in ("bin", "state", "spool"):
            (folder / part).mkdir(parents=True)
        for number in range(4):  # each is /dev/null by another name
            os.mknod(folder / f"card{number}", 0o600 | 0o020000, os.makedev(1, 3))
        (folder / "munge.key").touch(mode=0o600)
        (folder / "munge.key").write_bytes(os.urandom(128))
        text = CONF.format(host=socket.gethostname(), control=free_port(), node=free_port(), folder=folder)
        (folder / "slurm.conf").write_text(text)
        (folder / "gres.conf").write_text(f"Name=gpu File={folder}/card[0-3]\n")
        for command in COMMANDS:  # not by SLURM_CONF in the environment: the plugin takes SLURM_* out of it
            notes = f'printf "%s " "$@" >> {self.submitted}; echo >> {self.submitted}\n' if command == "sbatch" else ""
            path = self.bin / command
            path.write_text(f'#!/bin/sh\n{notes}SLURM_CONF={folder}/slurm.conf exec {shutil.which(command)} "$@"\n')
            path.chmod(0o755)

    def __call__(self, command: str, *words: str) -> str:
        """What a command of Slurm says."""
        return subprocess.run(
            [self.bin / command, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        ).stdout

    def daemons(self) -> Iterator[list[str]]:
        """The command lines of the three, each to be started when the one before runs."""
        options = [f"--{option}-file={self.folder}/munge.{option}" for option in ("key", "pid", "log", "seed")]
        yield ["munged", "-F", "--force", f"--socket={self.folder}/munge.socket", *options]
        yield ["slurmctld", "-D", "-c", "-f", f"{self.folder}/slurm.conf"]
        yield ["slurmd", "-D", "-N", "node", "-f", f"{self.folder}/slurm.conf"]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """A Slurm that is up. Skips the test, with the reason, where there can be none."""
    missing = [command for command in (*DAEMONS, *COMMANDS) if not shutil.which(command)]
    if missing:
        pytest.skip(f"no {missing[0]} here; apt-get install slurm-wlm munge")
    if os.getuid() != 0:
        pytest.skip("starting munged and slurmd takes root")
    try:
        slurm = Slurm(folder)
    except PermissionError as error:
        pytest.skip(f"no device files can be made here, which stand for cards: {error}")
    with contextlib.ExitStack() as stack:
        for command in slurm.daemons():
            out = stack.enter_context((folder / f"{command[0]}.out").open("w"))
            daemon = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            stack.callback(end, daemon)
            if command[0] == "munged":
                wait_for(lambda: (folder / "munge.socket").exists(), daemon, folder)
        wait_for(lambda: "idle" in slurm("sinfo", "-h", "-o", "%t"), daemon, folder)
        stack.callback(lambda: slurm("scancel", "--user=root"))
        yield slurm


def wait_for(condition, daemon: subprocess.Popen, folder: Path, seconds: float = 60.0) -> None:
    """Skip the test if a daemon ends, as where the machine's cgroups are none that Slurm knows."""
    ends = time.monotonic() + seconds
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):  # not up yet
            if condition():
                return
        if daemon.poll() is not None or time.monotonic() > ends:
            said = [path.read_text().strip().rpartition("\n")[2] for path in sorted(folder.glob("*.out"))]
            pytest.skip(f"Slurm does not start here: {'; '.join(said)}")
        time.sleep(0.1)


def end(daemon: subprocess.Popen) -> None:
    daemon.terminate()
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()
