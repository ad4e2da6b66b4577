"""Train one (task, head, variant, seed), holding a card if the machine has cards."""

from qcxr.study import warm

warm.start("qcxr.training.fit")

from qcxr.study import runs
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training import single

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg, w, given = parse(snakemake.config), snakemake.wildcards, snakemake.input
    chosen = runs.chosen(str(given.choice)) if given.choice else None
    run = runs.run(cfg, w.task, w.head, int(w.seed), variant=w.variant.removeprefix("/"), chosen=chosen)
    single.train(run, cfg, films=(given.train_facts, given.val_facts), threads=snakemake.threads)
