"""Before anything trains: every model of the study laid out once, which refuses what cannot work, and counted.

The workflow runs `python -m qcxr.training.preflight` on a configuration (JSON on standard input) before its first job.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import pandas as pd

from qcxr.data.apart import as_listed, read_listed, refuse_standing
from qcxr.data.leaks import said
from qcxr.errors import InputError
from qcxr.models import backbones, classifier, groups, parameters
from qcxr.models.classifier import Classifier
from qcxr.models.heads.create import create
from qcxr.study import networks
from qcxr.study.config import Config, parse
from qcxr.study.files import write_csv
from qcxr.study.recipe import Recipe
from qcxr.training import coverage
from qcxr.training.backbone import check_size, extractor, normalisation, section
from qcxr.training.losses import check_loss
from qcxr.training.optimizers import make_optimizer


def counted(cfg: Config) -> dict[tuple[str, str], dict[str, int]]:
    """Parameters of each part of the model for every (task, head) of the study.

    Every model is built once, so a head, an engine, a backbone, a loss or an optimizer that cannot
    work is an `InputError` here, seconds into the study, not hours.
    """
    counts = {}
    for head in cfg.names:
        recipe = cfg.recipe(head)
        _check_protocol(recipe, cfg)
        for task in cfg.tasks:
            net = _built(recipe, len(cfg.labels(task)))
            counts[task, head] = parameters.count(net)
    return counts


def check(cfg: Config) -> None:
    """Build every model of the study: of each head, and of each variant and trial whose model is another.

    Raises `InputError` for what cannot work.
    """
    known: set[str] = set()
    for recipe in {**cfg.arms, **cfg.trials}.values():
        _check_protocol(recipe, cfg)
        for n_labels in {len(cfg.labels(task)) for task in cfg.tasks}:
            body = json.dumps([section(recipe.backbone), recipe.backbone.trainable], sort_keys=True)
            head = json.dumps([recipe.kind, recipe.head_options, n_labels], sort_keys=True)
            if body not in known:
                _built(recipe, n_labels)
            elif head not in known:  # the same backbone with another head: the head alone is tried
                width = backbones.describe(_plain(section(recipe.backbone))).n_features
                create(recipe.kind, width, n_labels, key=jax.random.key(0), options=recipe.head_options)
            known |= {body, head}


def _check_protocol(recipe: Recipe, cfg: Config) -> None:
    for n_labels in sorted({len(cfg.labels(task)) for task in cfg.tasks}):
        partly = len(cfg.data.training) > 1  # sources whose labels may differ
        check_loss(recipe.train.loss, recipe.train.loss_options, n_labels=n_labels, partly=partly)
    make_optimizer(recipe.train, steps_per_epoch=1)


def _built(recipe: Recipe, n_labels: int) -> Classifier:
    plain = _plain(section(recipe.backbone))
    net = classifier.build(classifier.Architecture(plain, recipe.kind, n_labels, recipe.head_options), seed=0)
    groups.trained_prefixes(net, recipe.backbone.trainable)
    return net


def count_parameters(cfg: Config, out: Path | str) -> pd.DataFrame:
    """Write Table II as CSV: task, head, one column per part, total, and `fixed` where a head has what never trains.

    Also makes sure that the weights are there.
    """
    check_weights(cfg)
    rows = [
        {"task": task, "head": head, **parts, "total": parameters.total(parts)}
        for (task, head), parts in counted(cfg).items()
    ]
    table = pd.DataFrame(rows)
    if parameters.FIXED in table:  # the last column, and of the other heads 0
        table[parameters.FIXED] = table.pop(parameters.FIXED).fillna(0).astype(int)
    write_csv(table, out)
    return table


def check_weights(cfg: Config) -> None:
    """Make sure that the weights that the study starts from are there, and read its films. Raises `InputError`."""
    read = {json.dumps([section(made.backbone), made.image.model_dump()]): made for made in cfg.arms.values()}
    for made in read.values():
        normalisation(made.backbone, made.image)
        check_size(made.backbone, made.image)
        if made.backbone.name in networks.FILES:  # what such a file holds is known when it is opened, and not before
            extractor(made.backbone, "float32")


def main() -> None:
    """Check the configuration on standard input; what cannot work is one line and exit status 1."""
    try:
        cfg = parse(json.load(sys.stdin))
        check_weights(cfg)
        films = read_listed(cfg)
        found = as_listed(cfg, films, listed=Path(cfg.results, "logs", "leaks.csv"))
        refuse_standing(cfg)
        lines = [f"{said(found)}, as data.leaks allows"] if len(found) else []
        for line in [*coverage.check(cfg, films), *lines]:
            print(f"warning: {line}", file=sys.stderr)
        check(cfg)
    except InputError as error:
        sys.exit(f"error: {error}")


def _plain(backbone: dict) -> dict:
    """A section that builds the same network without weights; a known shape needs no look at the checkpoint."""
    weights, name = backbone["weights"], backbone.get("name")
    local = weights is not None and weights.startswith((".", "~", "/"))
    if weights is not None and name in networks.STAGES and name not in networks.FILES and not local:
        return {"name": name}
    return backbones.describe(backbone).section


if __name__ == "__main__":
    main()
