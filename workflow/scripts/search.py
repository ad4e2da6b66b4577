"""Collect the trials of all tasks and heads in one table."""

from qcxr.study import warm

warm.start("qcxr.analysis.choice")

from qcxr.analysis.choice import collect
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    collect(list(snakemake.input), snakemake.output[0])
