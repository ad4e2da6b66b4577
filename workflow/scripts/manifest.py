"""Read, check and write one data set's manifest."""

from qcxr.study import warm

warm.start("qcxr.data.manifest")

from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.data.sources import Source
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    used = read_slice(snakemake.params.slice)
    source = parse(snakemake.config).data.sources[snakemake.wildcards.dataset]
    write_manifest(
        Source(source.kind, source.reader_options(), max_missing=source.max_missing),
        ManifestFiles(snakemake.output.manifest, counts=snakemake.output.counts, issues=snakemake.log.issues),
        dataset=snakemake.wildcards.dataset,
        splits=used["splits"],
        labels_needed=used["labels"],
    )
