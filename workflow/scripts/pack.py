"""Pack one split of a data set into one array."""

from qcxr.data.manifest import read_manifest
from qcxr.data.pack import pack
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    source = cfg.data.sources[snakemake.wildcards.dataset]
    pack(
        read_manifest(snakemake.input.manifest),
        source.images,
        cfg.data.cache,
        split=snakemake.wildcards.split,
        out_npy=snakemake.output.films,
        out_index=snakemake.output.index,
        out_json=snakemake.output.facts,
        resize=cfg.image.resize,
        crop=cfg.image.crop,
        max_missing=source.max_missing,
    )
