"""Where a run stands, on disk: Orbax checkpoints in a work folder that is not a rule's output.

Snakemake deletes a job's outputs before it starts the job again, so what a killed run is resumed from lies elsewhere,
and carries a fingerprint (configuration slice, code hash, data hash): only an equal one is resumed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qcxr.errors import InputError, one_line
from qcxr.study.files import said_plainly, write_json
from qcxr.training.named import STAMP, name_of

log = logging.getLogger("qcxr.checkpoint")
KEPT = 2  # the last one, and the one before in case the last is truncated


def work_folder(base: Path, fingerprint: dict[str, Any], *, make: bool = True) -> Path:
    """The folder of this fingerprint below `base`, made if need be; says which others it does not resume, and why.

    `make` False: of several hosts one makes it for all.
    """
    folder = base / name_of(fingerprint)
    if base.is_dir():
        for other in sorted(base.iterdir()):
            if other == folder or (theirs := _stamp(other)) is None:
                continue
            differs = [key for key in fingerprint if theirs.get(key) != fingerprint[key]]
            log.info("%s is not resumed: its %s differ(s) from this run's", other, ", ".join(differs))
    found = _stamp(folder)
    if found is not None and found != json.loads(json.dumps(fingerprint)):
        raise InputError(f"{folder} holds another run's checkpoints (its fingerprint.json differs); remove the folder")
    if make:
        _make(folder)
        write_json(fingerprint, folder / STAMP)
    return folder


def _make(folder: Path) -> None:
    """Make the folder while other runs that end remove the parents that they share with it and find empty."""
    with said_plainly(folder):
        for _ in range(1000):
            with contextlib.suppress(FileNotFoundError):
                folder.mkdir(parents=True, exist_ok=True)
                return


def _stamp(folder: Path) -> dict[str, Any] | None:
    """The fingerprint that lies in a work folder; None if none does, or a damaged one.

    A folder's name is the hash of its fingerprint, and each checkpoint has a digest: without a stamp nothing is lost.
    """
    try:
        found = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        pass
    log.warning("%s is damaged; the folder is known by its name all the same", folder / STAMP)
    return None


class Checkpoints:
    """The checkpoints of one run: arrays by name, and the position as JSON, saved together or not at all."""

    def __init__(self, folder: Path):
        import orbax.checkpoint as ocp  # here: it takes seconds, and a short run saves nothing

        self._ocp = ocp
        self._folder = folder / "checkpoints"
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT, enable_async_checkpointing=False, create=False, multiprocessing_options=_alone(ocp)
        )
        names = ("arrays", "position")
        try:
            self._manager = ocp.CheckpointManager(self._folder.absolute(), options=options, item_names=names)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # what Orbax notes of each step, its time for one: it goes on without; what is restored has its own digest
            log.warning("what Orbax noted of the checkpoints in %s is damaged (%s): removed", folder, one_line(error))
            for noted in self._folder.glob("*/_CHECKPOINT_METADATA"):
                noted.unlink()
            self._manager = ocp.CheckpointManager(self._folder.absolute(), options=options, item_names=names)

    def save(self, step: int, arrays: dict[str, np.ndarray], position: dict[str, Any]) -> None:
        """Save at a step (steps grow). Orbax writes elsewhere, then renames: a kill leaves the old ones whole.

        Raises `InputError` where there is no room.
        """
        args = self._ocp.args
        content = {**position, "digest": _digest(arrays, position)}
        with _whole_or_said(self._folder):
            self._manager.save(
                step, args=args.Composite(arrays=args.StandardSave(arrays), position=args.JsonSave(content)), force=True
            )
            self._manager.wait_until_finished()

    def restore(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest checkpoint that is whole, or None. A damaged one is named, removed and passed over."""
        args = self._ocp.args
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # Orbax warns that no target tree is given; names are ours to match
                    found = self._manager.restore(
                        step, args=args.Composite(arrays=args.StandardRestore(), position=args.JsonRestore())
                    )
                arrays = {name: np.asarray(value) for name, value in found.arrays.items()}
                position = dict(found.position)
                if position.pop("digest") != _digest(arrays, position):
                    raise ValueError("its arrays do not match their digest, or its position does not")
                return arrays, position
            except Exception as error:
                reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
                log.warning("checkpoint of step %d is damaged (%s): falling back to the one before", step, reason)
                shutil.rmtree(self._folder / str(step), ignore_errors=True)
                self._manager.reload()
        return None

    def close(self) -> None:
        self._manager.close()


@contextlib.contextmanager
def _whole_or_said(folder: Path) -> Iterator[None]:
    """A save that fails leaves nothing; for want of room it is an `InputError`, of which Orbax makes a ValueError."""
    loud = logging.getLogger("absl")
    level = loud.level
    loud.setLevel(logging.CRITICAL)  # it logs each of its threads' tracebacks
    try:
        yield
    except Exception as error:
        for part in folder.glob("*.orbax-checkpoint-tmp*"):
            shutil.rmtree(part, ignore_errors=True)
        reasons = map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EROFS))
        if reason := next((reason for reason in reasons if reason in str(error)), None):
            raise InputError(f"{folder} cannot be written ({reason}); free space or choose another folder") from None
        raise
    finally:
        loud.setLevel(level)


def _alone(ocp: Any) -> Any:
    """Orbax's options for a process that saves without waiting for others: every host holds the whole state."""
    if jax.process_count() == 1:
        return ocp.options.MultiprocessingOptions()
    own = jax.process_index()
    return ocp.options.MultiprocessingOptions(
        primary_host=own, active_processes={own}, barrier_sync_key_prefix=f"host{own}"
    )


def _digest(arrays: dict[str, np.ndarray], position: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(position, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
