"""Patient-clustered bootstrap of one task on one test set."""

from qcxr.study import warm

warm.start("qcxr.analysis.bootstrap")

from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.analysis.replicates import Resampling
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    options = read_slice(snakemake.params.slice)
    bootstrap_files(
        list(snakemake.input.predictions),
        snakemake.output[0],
        heads=options.pop("heads"),
        against=options.pop("against"),
        variant=snakemake.wildcards.variant.removeprefix("/"),
        resampling=Resampling(**options, threads=snakemake.threads),
    )
