"""Compute a frozen backbone's features of one packed split, holding a card if the machine has cards."""

from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.devices import configure, lease

with job(snakemake.log[0]):
    cfg, w = parse(snakemake.config), snakemake.wildcards
    with lease(slots=cfg.resources.gpu_slots):
        configure(threads=snakemake.threads, compilation_cache=f"{cfg.data.cache}/jax")
        from qcxr.training import study

        study.pack_features(
            cfg,
            films=snakemake.input.films,
            out=snakemake.output.films,
            training=(w.dataset, w.split) == (cfg.data.train_on, "train"),
            code=snakemake.params.code,
        )
