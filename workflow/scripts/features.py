"""Compute a frozen backbone's features of one packed split, holding a card if the machine has cards."""

from qcxr.study import warm

warm.start("qcxr.training.frozen")

from qcxr.study import runs
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training import exhausted, keptfeatures
from qcxr.training.devices import configure, confirm, lease

with job(snakemake.log[0], snakemake.input, snakemake.output) as read:
    cfg, w = parse(snakemake.config), snakemake.wildcards
    films = {snakemake.input.films: read[snakemake.input.films]}
    keptfeatures.check(cfg.data.cache, films[snakemake.input.films])
    recipe = runs.features(cfg)[w.features.removeprefix("/")]
    ways_out = exhausted.of_prediction(recipe, cfg.resources)
    with lease(cfg.resources.cards(), slots=cfg.resources.gpu_slots) as cards, exhausted.memory_said(ways_out):
        configure(snakemake.threads, f"{cfg.data.cache}/jax", deterministic=cfg.resources.deterministic)
        from qcxr.training.frozen import pack_features  # imports JAX, which sees the card that is held

        if not recipe.backbone.on_torch:
            confirm(cards)
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
    keptfeatures.seal(cfg.data.cache, snakemake.output.facts, films)
