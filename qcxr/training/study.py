"""The pieces of work of one study, from its configuration: count the models' parameters, train a run.

The workflow's scripts and the command line call these; everything below takes explicit arguments.
"""

from __future__ import annotations

from pathlib import Path

import jax
import pandas as pd

from qcxr.data import split
from qcxr.models import backbones, classifier, groups, parameters
from qcxr.study.config import Config
from qcxr.study.files import write_csv
from qcxr.training import frozen
from qcxr.training.fit import fit
from qcxr.training.losses import check_loss
from qcxr.training.optimizers import of_protocol


def counted(cfg: Config) -> dict[tuple[str, str], dict[str, int]]:
    """Parameters of each part of the model for every (task, head) of the study.

    Every model is built once, so a head, an engine, a backbone, a loss or an optimizer that cannot
    work is an `InputError` here, seconds into the study, not hours.
    """
    section = cfg.backbone.model_dump(include={"name", "weights", "config"})
    local = section["weights"] is not None and section["weights"].startswith((".", "~", "/"))
    if section["weights"] is not None and section["name"] not in (None, "resnet") and not local:
        plain = {"name": section["name"]}  # a known shape needs no look at the checkpoint
    else:
        plain = backbones.describe(section).section
    check_loss(cfg.train.loss, cfg.train.loss_options)
    of_protocol(cfg.train, steps_per_epoch=1)
    counts = {}
    for task in cfg.tasks:
        for head in cfg.heads:
            architecture = classifier.Architecture(plain, head, len(cfg.labels(task)), cfg.head.get(head, {}))
            net = classifier.build(architecture, seed=0)
            groups.trained_prefixes(net, cfg.backbone.trainable)
            jax.eval_shape(net.head, jax.ShapeDtypeStruct((1, net.backbone.n_features), "float32"))
            counts[task, head] = parameters.count(net)
    return counts


def count_parameters(cfg: Config, out: Path | str) -> pd.DataFrame:
    """Write Table II as CSV: task, head, one column per part, total; also makes sure that the weights are there."""
    backbones.describe(cfg.backbone.model_dump(include={"name", "weights", "config"}))
    rows = [
        {"task": task, "head": head, **parts, "total": sum(parts.values())}
        for (task, head), parts in counted(cfg).items()
    ]
    table = pd.DataFrame(rows)
    write_csv(table, out)
    return table


def pack_features(cfg: Config, *, films: Path | str, out: Path | str, training: bool, code: str) -> None:
    """Write a frozen backbone's features of one packed split: `backbone.views` views of training films, else one."""
    frozen.pack_features(
        films, out, backbone=cfg.backbone, image=cfg.image, augment=cfg.augment, precision=cfg.train.precision,
        views=cfg.backbone.views if training else 1, cache=cfg.data.cache, code=code,
    )  # fmt: skip


def train(
    cfg: Config, *, task: str, head: str, seed: int, train_films: Path | str, val_films: Path | str, out: Path | str,
    work: Path | str, progress: Path | str | None, slice_text: str, code: str, cards: list[str],
) -> None:  # fmt: skip
    """Train one run from packed films, to the files that `fit` names; resumable under the fingerprint of its inputs."""
    labels = cfg.labels(task)
    films = split.load(train_films, labels, training=True)
    validation = split.load(val_films, labels, training=True)
    device = jax.devices()[0]
    kind = device.device_kind if cfg.train.devices == 1 else f"{cfg.train.devices} x {device.device_kind}"
    where = kind if not cards else f"{kind} ({', '.join(cards)})"
    fingerprint = {
        "task": task,
        "head": head,
        "seed": seed,
        "config": slice_text,
        "code_hash": code,
        "data_hash": ["-".join(sorted(part.about["sha256"].values())) for part in (films, validation)],
        "device_kind": device.device_kind,
    }
    fit(
        train=films, validation=validation, run={"task": task, "head": head, "seed": seed, "labels": list(labels)},
        backbone=cfg.backbone, head_options=cfg.head.get(head, {}), image=cfg.image, augment=cfg.augment,
        protocol=cfg.train, resources=cfg.resources, out=Path(out), work=Path(work),
        progress_file=Path(progress) if progress else None, fingerprint=fingerprint, device=where,
    )  # fmt: skip
