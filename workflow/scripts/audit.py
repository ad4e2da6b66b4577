"""Audit one data set: a page of HTML and a contact sheet."""

from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.manifest import read_manifest
from qcxr.data.page import AuditFiles, write_audit
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    dataset = snakemake.wildcards.dataset
    preprocessing = Preprocessing(cfg.image.resize, cfg.image.crop)
    write_audit(
        read_manifest(snakemake.input.manifest),
        Films(cfg.data.sources[dataset].images, cfg.data.cache, preprocessing),
        dataset=dataset,
        out=AuditFiles(snakemake.output.page, sheet=snakemake.output.films, issues=snakemake.output.issues),
        augmentation=cfg.augment.model_dump(),
    )
