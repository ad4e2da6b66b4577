"""Where else a training's progress may go: Weights & Biases and MLflow, as files on this disk; nothing is sent.

Both are given the events of the run's JSONL file as it has them, and take from that file what they must know of a run
that goes on. Nothing of theirs decides anything, and one that fails is left out with a word. `qcxr.training.single`
turns them on, around the training, so that no finished run depends on them.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from qcxr.training import progress
from qcxr.training.status import events

log = logging.getLogger("qcxr.train")

Line = Mapping[str, Any]
KEYS = ("task", "head", "kind", "variant", "seed", "device", "epochs")  # of a line, what tells one run from another
MEASURED = ("train_loss", "val_loss", "films_per_second")  # of an epoch's
ENDED = {"done": ("FINISHED", 0), "failed": ("FAILED", 1), "stopped": ("KILLED", 1)}


@runtime_checkable
class Sink(Protocol):
    """What is given every event of one run."""

    def event(self, line: Line) -> None:
        """One line of the progress file."""

    def close(self) -> None:
        """The process ends with the run."""


class WeightsAndBiases:
    """Offline runs in `wandb/` of the run's folder below progress/: `wandb sync` sends them, where one wants that."""

    silent: ClassVar = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}

    def __init__(self, file: Path):
        self._file = file
        self._run: Any = None

    def event(self, line: Line) -> None:
        """Begin, go on with, or end a run; an epoch is a step."""
        if line["state"] in ("started", "resumed"):
            self._run = self._begin(line)
        elif self._run is not None and line["state"] == "epoch":
            self._run.log({key: line[key] for key in MEASURED}, step=line["epoch"])
        elif self._run is not None and line["state"] in ENDED:
            for key in ("best_epoch", "best_val_loss"):
                self._run.summary[key] = line.get(key)
            self._run.finish(exit_code=ENDED[line["state"]][1])
            self._run = None

    def _begin(self, line: Line) -> Any:
        os.environ.update(self.silent)  # read when it is imported
        import wandb  # an extra; it takes a second

        folder = self._file.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(console="off", silent=True, disable_git=True, save_code=False, x_disable_stats=True)
        about = {"config": {key: line[key] for key in KEYS if key in line}, "dir": str(folder), "settings": settings}
        return wandb.init(project="qcxr", name=named(line), id=identity(self._file, line), mode="offline", **about)

    def close(self) -> None:
        """A run that nobody ended was cut off."""
        if self._run is not None:
            self._run.finish(exit_code=1)


class Mlflow:
    """A run in `mlruns/` of the study's progress/: `mlflow ui --backend-store-uri results/progress/mlruns` shows it."""

    # its file store must be asked for by name since 3.17; telemetry goes over the network
    silent: ClassVar = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

    def __init__(self, file: Path):
        self._file, self._id = file, ""
        self._client: Any = None

    def event(self, line: Line) -> None:
        """Begin, go on with, or end a run; an epoch is a step."""
        if line["state"] in ("started", "resumed"):
            self._begin(line)
        elif self._client is not None and line["state"] == "epoch":
            for key in MEASURED:
                self._client.log_metric(self._id, key, line[key], timestamp=_when(line), step=line["epoch"])
        elif self._client is not None and line["state"] in ENDED:
            for key in ("best_epoch", "best_val_loss"):
                if line.get(key) is not None:
                    self._client.log_metric(self._id, key, line[key], timestamp=_when(line))
            self._client.set_terminated(self._id, ENDED[line["state"]][0])
            self._client = None

    def _begin(self, line: Line) -> None:
        os.environ.update(self.silent)
        from mlflow.tracking import MlflowClient  # an extra; it takes seconds

        store = self._file.parents[2 + ("variant" in line)] / "mlruns"
        self._client = client = MlflowClient(tracking_uri=store.absolute().as_uri())
        tag = identity(self._file, line)
        if known := client.search_runs(["0"], f"tags.qcxr = '{tag}'"):
            self._id = known[0].info.run_id
            client.update_run(self._id, status="RUNNING")
            return
        made = client.create_run("0", start_time=_when(line), run_name=named(line), tags={"qcxr": tag})
        self._id = made.info.run_id
        for key in KEYS:
            if key in line:
                client.log_param(self._id, key, line[key])

    def close(self) -> None:
        """A run that nobody ended was cut off."""
        if self._client is not None:
            self._client.set_terminated(self._id, "KILLED")


SINKS: dict[str, type[WeightsAndBiases] | type[Mlflow]] = {"wandb": WeightsAndBiases, "mlflow": Mlflow}


@contextlib.contextmanager
def following(file: Path | None, wanted: Sequence[str]) -> Iterator[None]:
    """While the block lasts the sinks of these names (of `SINKS`) are given every event that goes to `file`."""
    sinks = [_Careful(name, SINKS[name](file)) for name in wanted] if file is not None else []
    with contextlib.ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
            stack.enter_context(progress.listening(sink.event))
        yield


class _Careful:
    """A sink that says once what went wrong with it, and then is silent: a training does not fail by it."""

    def __init__(self, name: str, sink: Sink):
        self._name, self._sink = name, sink
        self._well = True

    def event(self, line: Line) -> None:
        self._try(lambda: self._sink.event(line))

    def close(self) -> None:
        self._try(self._sink.close)

    def _try(self, call: Any) -> None:
        if not self._well:
            return
        try:
            call()
        except Exception as error:
            self._well = False
            log.warning("resources.%s is left out from here on: %s", self._name, " ".join(str(error).split()))


def named(line: Line) -> str:
    """A run as people call it."""
    return "/".join(str(line[key]) for key in ("task", "head", "variant") if key in line) + f"/seed{line['seed']}"


def identity(file: Path, line: Line) -> str:
    """What stays the same while a run goes on, and is another when it is done anew: of its name, and when it began."""
    began = [event["time"] for event in events(file) if event.get("state") == "started"]
    if line["state"] == "started" or not began:
        began.append(line["time"])
    text = f"{named(line)} {began[-1]}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _when(line: Line) -> int:
    return int(1000 * line["time"])
