"""Results of one task on one test set by sex, age and view."""

from qcxr.study import warm

warm.start("qcxr.analysis.subgroups")

from qcxr.analysis.subgroups import Breakdown, subgroup_files
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    subgroup_files(
        list(snakemake.input.predictions),
        snakemake.input.attributes,
        snakemake.output[0],
        breakdown=Breakdown(**read_slice(snakemake.params.slice)),
    )
