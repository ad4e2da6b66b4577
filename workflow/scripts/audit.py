"""Audit one data set: a page of HTML and a contact sheet."""

from qcxr.study import warm

warm.start("qcxr.data.page")

from qcxr.data import films
from qcxr.data.manifest import read_manifest
from qcxr.data.page import AuditFiles, write_audit
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg = parse(snakemake.config)
    dataset = snakemake.wildcards.dataset
    manifest = read_manifest(snakemake.input.manifest)
    write_audit(
        manifest[manifest["split"].isin(cfg.splits()[dataset])].reset_index(drop=True),
        films.of_study(cfg, dataset),
        dataset=dataset,
        out=AuditFiles(snakemake.output.page, sheet=snakemake.output.films, issues=snakemake.output.issues),
        augmentation=cfg.augment.model_dump(),
    )
