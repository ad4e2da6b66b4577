"""Read, check and write one data set's manifest."""

from qcxr.study import warm

warm.start("qcxr.data.manifest")

from qcxr.data.manifest import ManifestFiles, write_manifest
from qcxr.data.sources import Source
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg, dataset = parse(snakemake.config), snakemake.wildcards.dataset
    source = cfg.data.sources[dataset]
    write_manifest(
        Source(source.kind, source.reader_options(), max_missing=source.max_missing),
        ManifestFiles(snakemake.output.manifest, counts=snakemake.output.counts, issues=snakemake.log.issues),
        dataset=dataset,
        splits=cfg.splits()[dataset],
        labels_needed=cfg.labels_needed(dataset),
        labels_wanted=cfg.labels_wanted(),
    )
