"""One training run, from packed films to the best weights: the paper's protocol (III-F), resumable at any step."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qcxr.data.split import Split
from qcxr.errors import InputError
from qcxr.models import backbones, classifier, features, groups, heads, parameters
from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training import record
from qcxr.training.checkpoint import work_folder
from qcxr.training.inputs import reading
from qcxr.training.keeper import Keeper
from qcxr.training.loop import Loop
from qcxr.training.losses import make_loss
from qcxr.training.mesh import Layout
from qcxr.training.optimizers import of_protocol
from qcxr.training.progress import Progress
from qcxr.training.signals import stop_requests
from qcxr.training.step import TrainState, make_steps

log = logging.getLogger("qcxr.train")


def fit(
    *, train: Split, validation: Split, run: dict[str, Any], backbone: Backbone, head_options: dict[str, Any],
    image: Image, augment: Augment, protocol: Train, resources: Resources, out: Path, work: Path,
    progress_file: Path | None, fingerprint: dict[str, Any], device: str = "cpu",
) -> None:  # fmt: skip
    """Train one (task, head, seed) and write `best.safetensors`, `history.csv`, `steps.csv` and `run.json` to `out`.

    `run` has task, head, seed and labels. Resumes from `work` if a checkpoint with an equal `fingerprint` lies there.
    SIGTERM, SIGINT and SIGUSR1 save at the next step and exit with 128 + the signal's number. Raises `InputError`.
    """
    started, seed = time.perf_counter(), run["seed"]
    chosen = backbone.model_dump(include={"name", "weights", "config"})
    own = backbones.describe(chosen)
    image = image.model_copy(update={"mean": list(image.mean or own.mean), "std": list(image.std or own.std)})
    if protocol.permute_labels:
        # The control that must end at AUROC 0.5. Validation too, or the best epoch would be chosen by true labels; each
        # label by itself, or all would lean the way in which "abnormal" happens to be learned (LOG.md).
        rng = np.random.default_rng([seed, 0x9E37])
        train, validation = (replace(part, targets=rng.permuted(part.targets, axis=0)) for part in (train, validation))
    targets = train.targets
    layout = Layout(protocol.devices)
    architecture = classifier.Architecture(
        backbone=chosen,
        head=run["head"],
        n_labels=len(run["labels"]),
        head_options=head_options,
        batch_norm=backbone.batch_norm,
        precision=protocol.precision,
        remat=backbone.remat,
    )
    net = classifier.build(architecture, seed=seed)
    if protocol.prior_bias:
        heads.start_at_prevalence(net.head, targets)
    log.info("%s", groups.table(net, backbone.trainable))
    counts = parameters.count(net)
    started_from = features.fingerprint(net)
    if backbone.views is not None:
        for part in (train, validation):
            features.check(net, part.about)
    network, inputs = reading(net, views=backbone.views, mean=image.mean, std=image.std, augment=augment)
    graphdef, trained, frozen, statistics = groups.split(network, backbone.trainable)
    per_epoch = -(-len(train) // protocol.batch_size)
    if protocol.accumulate > (at_most := per_epoch * protocol.epochs):
        raise InputError(
            f"train.accumulate must be at most the run's {at_most} steps, or nothing is ever updated, "
            f"got {protocol.accumulate}; lower it"
        )
    optimizer = of_protocol(protocol, steps_per_epoch=per_epoch)
    loss = make_loss(protocol.loss, protocol.loss_options, targets)
    steps = make_steps(graphdef, optimizer=optimizer, loss=loss, inputs=inputs, whole=layout.whole, films=layout.films)
    state = TrainState(trained, statistics, optimizer.init(trained))
    going = Loop(train=train, validation=validation, seed=seed, state=state, frozen=frozen, graphdef=graphdef,
                steps=steps, protocol=protocol, residency=resources.residency, layout=layout)  # fmt: skip

    folder = work_folder(work, fingerprint, make=layout.writes)
    names = {**{key: run[key] for key in ("task", "head", "seed")}, "device": device}
    progress = Progress(
        progress_file if layout.writes else None, run=names, steps=per_epoch, epochs=protocol.epochs,
        tensorboard=resources.tensorboard,
    )  # fmt: skip
    keeper = Keeper(folder, progress, every_minutes=resources.checkpoint_minutes, writes=layout.writes)
    keeper.restore(going)
    out.mkdir(parents=True, exist_ok=True)
    best = folder / "best.safetensors"
    with stop_requests() as request:

        def pause(loop: Loop, settle: Any) -> None:
            stop = request.signum is not None and layout.writes  # of several hosts the first stops, and so all do
            if stop or keeper.due():
                settle()
                keeper.save(loop)
            if stop:
                progress.event("stopped", epoch=loop.epoch, step=loop.step)
                log.info("stopped at epoch %d, step %d and saved; start again to resume", loop.epoch + 1, loop.step)
                raise request.exit()

        try:
            while going.finished is None:
                going.run_epoch(progress, pause)
                if going.history[-1]["best"] and layout.writes:
                    classifier.save(best, going.classifier(net), metadata=record.about(run, image))
        except InputError as error:
            progress.event("failed", reason=str(error))
            raise
    if not layout.writes:
        return
    wall = round(keeper.seconds_before + time.perf_counter() - started, 1)
    run = {**run, "parameters": counts, "backbone_sha256": started_from, "device": device, "wall_seconds": wall}
    record.write(going, out, best, run=run, fingerprint=fingerprint)
    progress.event("done", epoch=going.epoch, best_epoch=going.best_epoch, best_val_loss=going.best_loss)
    keeper.clear()
