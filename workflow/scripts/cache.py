"""Decode and cache the films of one data set."""

from qcxr.data import cache, films
from qcxr.data.manifest import read_manifest
from qcxr.study.config import parse
from qcxr.study.files import write_json
from qcxr.study.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg = parse(snakemake.config)
    source = cfg.data.sources[snakemake.wildcards.dataset]
    manifest = read_manifest(snakemake.input.manifest)
    report = cache.build(
        manifest[manifest["split"] == snakemake.wildcards.split],
        films.of_study(cfg, snakemake.wildcards.dataset),
        workers=snakemake.threads,
        max_missing=source.max_missing,
        issues_out=snakemake.log.issues,
    )
    facts = {
        "films": report.n_films,
        "left_out": report.issues["image_id"].tolist(),
        "dataset": snakemake.wildcards.dataset,
        "split": snakemake.wildcards.split,
    }
    write_json(facts, snakemake.output[0])
