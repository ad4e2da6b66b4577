"""Refuse to train on what is validated or tested on; write what leaks between training and validation."""

# it starts cold, as what a study does once: it may decode films, in processes of its own

from pathlib import Path

from qcxr.data.apart import before_training
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    before_training(
        parse(snakemake.config),
        snakemake.input.manifests,
        out=Path(snakemake.output[0]),
        listed=Path(snakemake.log.found),
        workers=snakemake.threads,
    )
