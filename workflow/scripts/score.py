"""Score one run's predictions on one data set."""

import pandas as pd

from qcxr.analysis.metrics import score_run
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    groups, w = read_slice(snakemake.params.slice), snakemake.wildcards
    counts = pd.read_csv(snakemake.input.counts).query("split == 'train'")
    score_run(
        snakemake.input.predictions,
        snakemake.input.validation,
        snakemake.output[0],
        task=w.task,
        head=w.head,
        seed=int(w.seed),
        dataset=w.dataset,
        train_counts=dict(zip(counts["label"], counts["n_positive"], strict=True)),
        head_above=groups["head_over"],
        tail_below=groups["tail_under"],
    )
