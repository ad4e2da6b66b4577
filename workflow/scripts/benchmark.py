"""Time training steps of every task and head, holding a card if the machine has cards."""

from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.devices import configure, lease

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    with lease(slots=cfg.resources.gpu_slots):
        configure(threads=cfg.resources.train_threads, compilation_cache=f"{cfg.data.cache}/jax")
        from qcxr.bench.steps import time_steps

        time_steps(
            [(task, head, len(cfg.labels(task)), cfg.head.get(head, {})) for task in cfg.tasks for head in cfg.heads],
            snakemake.output[0],
            backbone=cfg.backbone,
            image=cfg.image,
            augment=cfg.augment,
            protocol=cfg.train,
            steps=cfg.timed_steps,
        )
