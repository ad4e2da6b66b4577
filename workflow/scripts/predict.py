"""Predict one data set with one trained run."""

from qcxr.study import warm

warm.start("qcxr.training.predict")

from qcxr.study import runs
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.labels import ordered
from qcxr.training.devices import configure, lease

with job(snakemake.log[0]):
    cfg, w = parse(snakemake.config), snakemake.wildcards
    with lease(cfg.resources.cards(), slots=cfg.resources.gpu_slots):
        configure(snakemake.threads, f"{cfg.data.cache}/jax", deterministic=cfg.resources.deterministic)
        from qcxr.data import split  # imports JAX, which sees the card that is held
        from qcxr.training.predict import predict

        data = runs.arm(cfg, w.head, w.variant.removeprefix("/"))[1].data
        labels = ordered(cfg.labels(w.task), data.label_order)
        predict(
            weights_file=snakemake.input.weights,
            split=split.load(snakemake.input.facts, labels),
            out=snakemake.output[0],
            residency=cfg.resources.residency,
        )
