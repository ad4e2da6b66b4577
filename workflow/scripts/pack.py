"""Pack one split of a data set into one array."""

from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.manifest import read_manifest
from qcxr.data.pack import PackedFiles, pack
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    source = cfg.data.sources[snakemake.wildcards.dataset]
    pack(
        read_manifest(snakemake.input.manifest),
        Films(source.images, cfg.data.cache, Preprocessing(cfg.image.resize, cfg.image.crop)),
        split=snakemake.wildcards.split,
        out=PackedFiles(snakemake.output.films, index=snakemake.output.index, about=snakemake.output.facts),
        max_missing=source.max_missing,
    )
