"""Train one (task, head, seed), holding a card if the machine has cards."""

from pathlib import Path

from qcxr.config import parse
from qcxr.job import job
from qcxr.training.devices import configure, lease

with job(snakemake.log[0]):
    cfg, w = parse(snakemake.config), snakemake.wildcards
    run = f"{w.task}/{w.head}/seed{w.seed}"
    with lease(cfg.train.devices, slots=cfg.resources.gpu_slots) as cards:
        configure(threads=snakemake.threads, compilation_cache=f"{cfg.data.cache}/jax")
        from qcxr.training import study

        study.train(
            cfg,
            task=w.task,
            head=w.head,
            seed=int(w.seed),
            train_films=snakemake.input.train_films,
            val_films=snakemake.input.val_films,
            out=Path(snakemake.output.run).parent,
            work=Path(cfg.results, "work", run),
            progress=Path(cfg.results, "progress", f"{run}.jsonl"),
            slice_text=snakemake.params.slice,
            code=snakemake.params.code,
            cards=cards,
        )
