"""Audit one data set: a page of HTML and a contact sheet."""

from qcxr.data.manifest import read_manifest
from qcxr.data.page import write_audit
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    write_audit(
        read_manifest(snakemake.input.manifest),
        cfg.data.sources[snakemake.wildcards.dataset].images,
        cfg.data.cache,
        dataset=snakemake.wildcards.dataset,
        out_html=snakemake.output.page,
        out_png=snakemake.output.films,
        issues_out=snakemake.output.issues,
        resize=cfg.image.resize,
        crop=cfg.image.crop,
        augmentation=cfg.augment.model_dump(),
    )
