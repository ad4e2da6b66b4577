"""Write sex, age and view of one data set's films."""

from qcxr.study import warm

warm.start("qcxr.data.attributes")

from qcxr.data.attributes import write_attributes
from qcxr.data.sources import Source
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    source = parse(snakemake.config).data.sources[snakemake.wildcards.dataset]
    write_attributes(
        snakemake.input.manifest,
        snakemake.output[0],
        source=Source(source.kind, source.reader_options()),
        files=source.attribute_files(),
    )
