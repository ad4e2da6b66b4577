"""Join one split of the sources that are trained on together."""

from qcxr.study import warm

warm.start("qcxr.data.join")

from qcxr.data.join import join
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg = parse(snakemake.config)
    join(snakemake.input.films, cfg.data.training, index=snakemake.output.index, about=snakemake.output.facts)
