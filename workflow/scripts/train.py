"""Train one (task, head, seed), holding a card if the machine has cards."""

from pathlib import Path

from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training import single

with job(snakemake.log[0]):
    single.train(
        parse(snakemake.config),
        task=snakemake.wildcards.task,
        head=snakemake.wildcards.head,
        seed=int(snakemake.wildcards.seed),
        train_films=snakemake.input.train_films,
        val_films=snakemake.input.val_films,
        out=Path(snakemake.output.run).parent,
        threads=snakemake.threads,
        slice_text=snakemake.params.slice,
        code=snakemake.params.code,
    )
