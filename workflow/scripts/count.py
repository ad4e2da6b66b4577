"""Count the labels of the sources that are trained on together."""

from qcxr.study import warm

warm.start("qcxr.data.join")

from qcxr.data.join import write_counts
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    sources = parse(snakemake.config).data.training
    manifests = dict(zip(sources, snakemake.input.manifests, strict=True))
    write_counts(manifests, snakemake.output[0], dataset=snakemake.wildcards.joined)
