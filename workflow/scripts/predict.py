"""Predict one data set with one trained run."""

from qcxr.study import warm

warm.start("qcxr.training.predict")

from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.devices import configure, lease

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    with lease(slots=cfg.resources.gpu_slots):
        configure(snakemake.threads, f"{cfg.data.cache}/jax", deterministic=cfg.resources.deterministic)
        from qcxr.data import split
        from qcxr.training.predict import predict

        predict(
            weights_file=snakemake.input.weights,
            split=split.load(snakemake.input.films, cfg.labels(snakemake.wildcards.task)),
            out=snakemake.output[0],
            residency=cfg.resources.residency,
        )
