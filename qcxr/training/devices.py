"""Which card a job may use: a lease per card slot, held by the process and freed by the kernel when it dies.

`snakemake --resources gpu=4` only counts jobs; it does not say which card is whose. Each job takes a lock (flock) on
one slot of one card before JAX is imported. Must not import JAX.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from qcxr.errors import InputError, one_line
from qcxr.study.folders import private
from qcxr.study.locks import lockless

log = logging.getLogger("qcxr.devices")
CARD = r"\d+|(GPU|MIG)-[0-9A-Za-z/-]+"


def visible_cards() -> list[str]:
    """Cards this process may use, best evidence first.

    CUDA_VISIBLE_DEVICES (from Slurm or the user: narrowed, never widened), then QCXR_CARDS (a comma-separated list, to
    set cards aside), then what `nvidia-smi` lists; empty on a machine without a card. Raises `InputError` if
    QCXR_CARDS is no list of cards.
    """
    inherited = os.environ.get("CUDA_VISIBLE_DEVICES")
    if inherited is not None:
        return [card.strip() for card in inherited.split(",") if card.strip() not in ("", "-1", "NoDevFiles")]
    chosen = os.environ.get("QCXR_CARDS")
    if chosen is not None:
        cards = [card.strip() for card in chosen.split(",") if card.strip()]
        for card in cards:
            if not re.fullmatch(CARD, card):
                raise InputError(
                    f"QCXR_CARDS must be a list of card numbers like 0,1 (or GPU-, MIG- identifiers), got {chosen}; "
                    "correct or unset it"
                )
        return cards
    if not shutil.which("nvidia-smi"):
        return []
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("nvidia-smi does not answer (%s): running on the CPU", error)
        return []
    return re.findall(r"^GPU (\d+):", listed, flags=re.MULTILINE)


def lease_folder() -> Path:
    """Where the lock files lie: one folder per user and machine, outside any results folder.

    A Slurm job has one of its own: Slurm has given it its cards, and where it confines jobs to them (cgroups), every
    job on a node calls its first card 0. Raises `InputError` if somebody else has made the folder, among the temporary
    files, where anyone could.
    """
    job = f"slurm-{os.environ['SLURM_JOB_ID']}" if "SLURM_JOB_ID" in os.environ else ""
    if given := os.environ.get("QCXR_LEASES"):
        folder = Path(given, job)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir(), f"qcxr-leases-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o022:
        raise InputError(f"{folder} must be a folder that only you can write; set QCXR_LEASES to one that is")
    (folder / job).mkdir(mode=0o700, exist_ok=True)
    return folder / job


@contextlib.contextmanager
def lease(
    count: int = 1, *, slots: int = 1, poll_seconds: float = 1.0, timeout_seconds: float | None = None
) -> Iterator[list[str]]:
    """Hold `count` cards, at most `slots` processes a card, while the block runs; yields them ([] means the CPU).

    Sets CUDA_VISIBLE_DEVICES and, with several slots, this process's share of the card's memory. Waits for a free card.
    A lease of no card hides them all. Raises `InputError` if the machine has fewer than `count` cards, or after
    `timeout_seconds`.
    """
    if count == 0:
        log.info("running on the CPU, as the study says (resources.gpu)")
        with _environment({"CUDA_VISIBLE_DEVICES": ""}):
            yield []
        return
    cards = visible_cards()
    if not cards:
        log.info("no GPU here: running on the CPU")
        yield []
        return
    if count > len(cards):
        raise InputError(
            f"a lease must be of at most the {len(cards)} cards visible here ({', '.join(cards)}), got {count}; "
            "ask for fewer or widen CUDA_VISIBLE_DEVICES"
        )
    _refuse_lockless(lease_folder())
    held: dict[str, int] = {}
    started, told = time.monotonic(), False
    # All or nothing: a job that waits for a second card while it holds a first can deadlock with its twin.
    while len(held := _try(cards, count, slots)) < count:
        for handle in held.values():
            os.close(handle)
        if timeout_seconds is not None and time.monotonic() - started > timeout_seconds:
            raise InputError(
                f"no free card among {', '.join(cards)} within {timeout_seconds:g} s; see who holds {lease_folder()}"
            )
        if not told:
            log.info("waiting for a free card among %s", ", ".join(cards))
            told = True
        time.sleep(poll_seconds)
    share = {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{0.9 / slots:.3f}"} if slots > 1 else {}
    log.info("card %s is ours", ", ".join(held))
    try:
        with _environment({"CUDA_VISIBLE_DEVICES": ",".join(held), **share}):
            yield list(held)
    finally:
        for handle in held.values():
            os.close(handle)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables of the environment, as they were before when the block is left."""
    before = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _refuse_lockless(folder: Path) -> None:
    if why := lockless(folder):
        raise InputError(
            f"QCXR_LEASES must be a folder on a file system with locks, got {folder} ({why}); set it to one of this "
            "machine's own"
        )


def _try(cards: list[str], count: int, slots: int) -> dict[str, int]:
    held: dict[str, int] = {}
    for slot in range(slots):  # spread over cards before doubling up on one
        for card in cards:
            if card in held or len(held) == count:
                continue
            name = re.sub(r"[^A-Za-z0-9-]", "_", card)
            handle = os.open(
                lease_folder() / f"card-{name}-slot-{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                continue
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            held[card] = handle
    return held


def hosts() -> int:
    """How many processes one run has: the tasks of the `srun` step that started this one, else 1."""
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) if "SLURM_PROCID" in os.environ else 1


def is_first_host() -> bool:
    """Whether this process is the one of an `srun` step's that writes; True for a single one."""
    return hosts() == 1 or os.environ["SLURM_PROCID"] == "0"


def join_hosts() -> None:
    """Let the processes of one `srun` step find each other (Slurm's environment); nothing to do for a single one.

    After this `jax.devices()` are the devices of all hosts. Call it before anything else asks JAX for its devices.
    """
    if hosts() > 1:
        import jax  # here: this file must not import it, see above

        jax.distributed.initialize(cluster_detection_method="slurm")
        log.info("host %d of %d", jax.process_index() + 1, jax.process_count())


def confirm(cards: Sequence[str]) -> None:
    """Make sure that JAX computes on the cards that are held: it goes on without a word on the CPU where one is gone.

    On purpose (JAX_PLATFORMS=cpu) it may, and JAX without CUDA cannot do otherwise: that is said. Raises `InputError`.
    """
    if not cards:
        return
    import jax  # here: this file must not import it, see above

    named = f"card{'s' if len(cards) > 1 else ''} {', '.join(cards)}"
    ways_out = "look at nvidia-smi, set such a card aside (QCXR_CARDS), or run on the CPU with JAX_PLATFORMS=cpu"
    try:
        platform, seen = jax.devices()[0].platform, len(jax.local_devices())
    except RuntimeError as error:
        raise InputError(f"{named} cannot be used ({one_line(error)}); {ways_out}") from None
    if platform == "cpu" and (_asked() or "").startswith("cpu"):
        return
    if platform == "cpu" and not _has_cuda():
        log.warning("%s is not used: JAX is installed without CUDA (pip install -e '.[cuda13]')", named)
    elif platform == "cpu" or seen < len(cards):
        told = "none" if platform == "cpu" else f"only {seen}"
        raise InputError(f"{named} must be visible to JAX, which sees {told} of them; {ways_out}")


def _asked() -> str | None:
    """What JAX_PLATFORMS said when JAX was imported."""
    import jax  # here: this file must not import it, see above

    return getattr(jax.config, "jax_platforms", None)  # which jax does not declare


def _has_cuda() -> bool:
    return any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))


def configure(threads: int | None, compilation_cache: str | os.PathLike | None, *, deterministic: bool = False) -> None:
    """Set what JAX reads when it is imported: one thread if that is all we have, the persistent compilation cache.

    `deterministic`: XLA takes no GPU kernel whose sums come in another order each time (a CPU has none). In a warm job
    (`qcxr.study.warm`) JAX is imported already: it is told. XLA's flags and the cards it reads with its first array.
    """
    if deterministic:
        _add_flags("--xla_gpu_deterministic_ops=true")
    if threads == 1:
        _add_flags("--xla_cpu_multi_thread_eigen=false")
        for key in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ.setdefault(key, "1")
    if compilation_cache is not None:
        with contextlib.suppress(OSError):  # JAX says that it goes on without
            private(private(Path(compilation_cache).parent) / Path(compilation_cache).name)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(compilation_cache).absolute()))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # many short runs: each counts
        if (jax := sys.modules.get("jax")) is not None:
            jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
            seconds = float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
            jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)


def _add_flags(flags: str) -> None:
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
