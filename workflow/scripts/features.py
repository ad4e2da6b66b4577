"""Compute a frozen backbone's features of one packed split, holding a card if the machine has cards."""

from qcxr.study import warm

warm.start("qcxr.training.frozen")

from qcxr.study import runs
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.devices import configure, lease

with job(snakemake.log[0]):
    cfg, w = parse(snakemake.config), snakemake.wildcards
    with lease(cfg.resources.cards(), slots=cfg.resources.gpu_slots):
        configure(snakemake.threads, f"{cfg.data.cache}/jax", deterministic=cfg.resources.deterministic)
        from qcxr.training.frozen import pack_features  # imports JAX, which sees the card that is held

        recipe = runs.features(cfg)[w.features.removeprefix("/")]
        training = w.split == "train" and w.dataset in cfg.data.training
        pack_features(
            snakemake.input.films,
            snakemake.output.films,
            recipe,
            views=recipe.backbone.kept_views if training else 1,
            cache=cfg.data.cache,
            code=snakemake.params.code,
            threads=snakemake.threads,
        )
