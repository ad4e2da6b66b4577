"""Predict one data set with one trained run."""

from qcxr.study import warm

warm.start("qcxr.training.predict")

from qcxr.study import runs
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.labels import ordered
from qcxr.training import exhausted
from qcxr.training.devices import configure, confirm, lease

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg, w = parse(snakemake.config), snakemake.wildcards
    recipe = runs.arm(cfg, w.head, w.variant.removeprefix("/"))[1]
    ways_out = exhausted.of_prediction(recipe, cfg.resources)
    with lease(cfg.resources.cards(), slots=cfg.resources.gpu_slots) as cards, exhausted.memory_said(ways_out):
        configure(snakemake.threads, f"{cfg.data.cache}/jax", deterministic=cfg.resources.deterministic)
        from qcxr.data import split  # imports JAX, which sees the card that is held
        from qcxr.training.predict import predict

        confirm(cards)
        labels = ordered(cfg.labels(w.task), recipe.data.label_order)
        predict(
            weights_file=snakemake.input.weights,
            split=split.load(snakemake.input.facts, labels),
            out=snakemake.output[0],
            residency=cfg.resources.residency,
        )
