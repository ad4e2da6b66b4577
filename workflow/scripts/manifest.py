"""Read, check and write one data set's manifest."""

from qcxr.data.manifest import write_manifest
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    used = read_slice(snakemake.params.slice)
    source = parse(snakemake.config).data.sources[snakemake.wildcards.dataset]
    write_manifest(
        kind=source.kind,
        out=snakemake.output.manifest,
        counts_out=snakemake.output.counts,
        issues_out=snakemake.log.issues,
        dataset=snakemake.wildcards.dataset,
        splits=used["splits"],
        labels_needed=used["labels"],
        max_missing=source.max_missing,
        **source.reader_options(),
    )
