"""Pack one split of a data set into one array."""

from qcxr.study import warm

warm.start("qcxr.data.pack")

from qcxr.data import films
from qcxr.data.manifest import read_manifest
from qcxr.data.pack import PackedFiles, pack
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg = parse(snakemake.config)
    source = cfg.data.sources[snakemake.wildcards.dataset]
    pack(
        read_manifest(snakemake.input.manifest),
        films.of_study(cfg, snakemake.wildcards.dataset),
        split=snakemake.wildcards.split,
        out=PackedFiles(snakemake.output.films, index=snakemake.output.index, about=snakemake.output.facts),
        max_missing=source.max_missing,
    )
