"""Timed training steps of every task and head of a study (the paper's Table III), with the step that its runs take.

As in the paper (section III-E): one batch of zeros, resident on the device, warm-up steps first. The cases take turns
step by step, so that what else the machine does falls on all of them alike. The step includes augmentation and
normalisation, which the paper's did not; the loss is BCE, whatever the study trains with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd
from tqdm import tqdm

from qcxr.data.feed import Batch
from qcxr.models import backbones, classifier, groups
from qcxr.study.files import write_csv
from qcxr.study.recipe import Recipe
from qcxr.training.backbone import normalisation, section
from qcxr.training.inputs import reading
from qcxr.training.losses import bce
from qcxr.training.optimizers import make_optimizer
from qcxr.training.step import TrainState, make_steps

WARM_UP = 10


class Case(NamedTuple):
    """One model of a study: the head of a task with so many labels, and how it is made and trained."""

    task: str
    head: str
    n_labels: int
    recipe: Recipe


def time_steps(cases: Iterable[Case], out: Path | str, *, steps: int, warm_up: int = WARM_UP) -> pd.DataFrame:
    """Write a CSV with a row per timed step: task, head, framework (`jax`), seconds; `steps` rows per case."""
    ready = {(case.task, case.head): training_step(case.n_labels, case.recipe) for case in cases}
    rows = []
    for turn in tqdm(range(warm_up + steps), desc="steps", disable=None):
        for (task, head), step in ready.items():
            started = time.perf_counter()
            step()
            if turn >= warm_up:
                rows.append((task, head, "jax", time.perf_counter() - started))
    table = pd.DataFrame(rows, columns=["task", "head", "framework", "seconds"])
    write_csv(table, out)
    return table


def training_step(n_labels: int, recipe: Recipe) -> Callable[[], float]:
    """A function that takes one training step on a resident batch of zeros, to its end, and returns the loss.

    The weights are random: pretrained ones would take the same time, and need not be there.
    """
    backbone, options, image, protocol = recipe.backbone, recipe.head_options, recipe.image, recipe.train
    described = backbones.describe(section(backbone))
    batch_norm = backbone.batch_norm or ("running" if described.pretrained else "batch")
    architecture = classifier.Architecture(
        described.section, recipe.kind, n_labels, options, batch_norm, protocol.precision, backbone.remat
    )
    net = classifier.build(architecture, seed=0)
    size = protocol.batch_size
    mean, std = normalisation(backbone, image)
    network, inputs = reading(net, views=backbone.kept_views, mean=mean, std=std, augment=recipe.augment)
    if backbone.kept_views is None:
        pixels = np.zeros((size, image.crop or 0, image.crop or 0), np.uint8)  # a recipe's is a number
    else:
        pixels = np.zeros((size, backbone.kept_views, described.n_features), np.float32)
    graphdef, trained, frozen, statistics = groups.split(network, backbone.trainable)
    optimizer = make_optimizer(protocol, steps_per_epoch=1)
    train = make_steps(graphdef, optimizer=optimizer, loss=bce, inputs=inputs).train
    state = TrainState(trained, statistics, optimizer.init(trained))
    rows, zeros = np.arange(size, dtype=np.int32), np.zeros((size, n_labels), np.float32)
    (*resident, frozen) = jax.device_put((pixels, zeros, np.ones(size, bool), rows, frozen))
    batch = Batch(*resident)
    zero = np.uint32(0)

    def step() -> float:
        nonlocal state
        state, loss = train(state, frozen, batch, zero, zero)
        return float(loss)

    return step
