"""Patient-clustered bootstrap of one task on one test set."""

from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    bootstrap_files(
        list(snakemake.input.predictions),
        snakemake.output[0],
        threads=snakemake.threads,
        **read_slice(snakemake.params.slice),
    )
