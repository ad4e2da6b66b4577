"""From a run's recipe to what its loop turns: the network, what trains of it, its compiled steps, its first state."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from flax import nnx

from qcxr.errors import InputError
from qcxr.models import classifier, features, groups
from qcxr.models.classifier import Classifier
from qcxr.models.groups import Group
from qcxr.models.heads.create import start_at_prevalence
from qcxr.study.recipe import Recipe
from qcxr.study.runs import Run
from qcxr.training.backbone import normalisation, section
from qcxr.training.inputs import reading
from qcxr.training.losses import make_loss
from qcxr.training.mesh import Layout
from qcxr.training.optimizers import make_optimizer
from qcxr.training.splits import Splits
from qcxr.training.step import Steps, TrainState, make_steps

log = logging.getLogger("qcxr.train")


class Parts(NamedTuple):
    """What a loop is made of. `net` is the whole classifier; a run on features trains only its head.

    `merge(graphdef, state.trained, frozen, state.statistics)` of `qcxr.models.groups` is the network that trains.
    """

    net: Classifier
    graphdef: nnx.GraphDef
    frozen: Group
    state: TrainState
    steps: Steps


def network(recipe: Recipe, *, n_labels: int, seed: int, extractor: dict[str, Any] | None = None) -> Classifier:
    """The classifier that a recipe describes, with its first weights: the checkpoint's, or drawn from the seed.

    extractor: what computed the features that it will read, where that was torch, which then is not needed here.
    """
    architecture = classifier.Architecture(
        backbone=extractor or section(recipe.backbone),
        head=recipe.kind,
        n_labels=n_labels,
        head_options=recipe.head_options,
        batch_norm=recipe.backbone.batch_norm,
        precision=recipe.train.precision,
        remat=recipe.backbone.remat,
    )
    return classifier.build(architecture, seed=seed)


def assemble(run: Run, films: Splits, layout: Layout) -> Parts:
    """Build what the run trains. Raises `InputError` for what the films or the model make impossible."""
    backbone, protocol, targets = run.recipe.backbone, run.recipe.train, films.train.truth
    extractor = films.train.about.get("extractor") if backbone.on_torch else None
    net = network(run.recipe, n_labels=len(run.labels), seed=run.seed, extractor=extractor)
    if protocol.prior_bias:
        start_at_prevalence(net.head, targets)
    log.info("%s", groups.table(net, backbone.trainable))
    if backbone.kept_views is not None:
        for part in (films.train, films.validation):
            features.check(net.extractor, part.about)
    mean, std = normalisation(backbone, run.recipe.image)
    trained_net, inputs = reading(net, views=backbone.kept_views, mean=mean, std=std, augment=run.recipe.augment)
    graphdef, trained, frozen, statistics = groups.split(trained_net, backbone.trainable)
    per_epoch = -(-len(films.train) // protocol.batch_size)
    if protocol.accumulate > (at_most := per_epoch * protocol.epochs):
        raise InputError(
            f"train.accumulate must be at most the run's {at_most} steps, or nothing is ever updated, "
            f"got {protocol.accumulate}; lower it"
        )
    optimizer = make_optimizer(protocol, steps_per_epoch=per_epoch)
    loss = make_loss(protocol.loss, protocol.loss_options, targets)
    steps = make_steps(graphdef, optimizer=optimizer, loss=loss, inputs=inputs, layout=layout, partial=films.partial)
    return Parts(net, graphdef, frozen, TrainState(trained, statistics, optimizer.init(trained)), steps)
