"""Refuse to test on what was learned from; write what leaks into the test films of one data set."""

from qcxr.study import warm

warm.start("qcxr.data.apart")

from pathlib import Path

from qcxr.data.apart import before_testing
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    before_testing(
        parse(snakemake.config),
        snakemake.wildcards.dataset,
        [*snakemake.input.manifests, snakemake.input.tested],
        out=Path(snakemake.output[0]),
        listed=Path(snakemake.log.found),
    )
