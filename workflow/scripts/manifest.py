"""Read, check and write one data set's manifest."""

from qcxr.data.manifest import write_manifest
from qcxr.job import job
from qcxr.provenance import read_slice

with job(snakemake.log[0]):
    facts = read_slice(snakemake.params.slice)
    config = snakemake.config
    from qcxr.config import parse

    source = parse(config).data.sources[snakemake.wildcards.dataset]
    write_manifest(
        kind=source.kind,
        out=snakemake.output.manifest,
        counts_out=snakemake.output.counts,
        issues_out=snakemake.output.issues,
        dataset=snakemake.wildcards.dataset,
        splits=facts["splits"],
        labels_needed=facts["labels"],
        max_missing=source.max_missing,
        **source.reader_options(),
    )
