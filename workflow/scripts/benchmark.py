"""Time training steps of every task and head, holding a card if the machine has cards."""

from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.devices import configure, lease

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg = parse(snakemake.config)
    with lease(cfg.resources.cards(), slots=cfg.resources.gpu_slots):
        configure(cfg.resources.train_threads, f"{cfg.data.cache}/jax", deterministic=cfg.resources.deterministic)
        from qcxr.bench.steps import Case, time_steps  # here: it imports JAX, which `configure` and the lease set up

        cases = [Case(task, head, len(cfg.labels(task)), cfg.recipe(head)) for task in cfg.tasks for head in cfg.names]
        time_steps(cases, snakemake.output[0], steps=cfg.timed_steps)
