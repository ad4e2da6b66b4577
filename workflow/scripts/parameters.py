"""Lay out every model of the study once and write its parameter counts (Table II)."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"  # nothing is computed: no card is asked for

from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.preflight import count_parameters

with job(snakemake.log[0], snakemake.input, snakemake.output):
    count_parameters(parse(snakemake.config), snakemake.output[0])
