"""Score one run's predictions on one data set."""

from qcxr.study import warm

warm.start("qcxr.analysis.metrics")

from qcxr.analysis.metrics import Frequencies, score_run
from qcxr.analysis.ownmetrics import own_metrics
from qcxr.analysis.predictions import RunKey
from qcxr.analysis.tablefile import read_table
from qcxr.study import plugged
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    borders, w = read_slice(snakemake.params.slice), snakemake.wildcards
    plugged.use(snakemake.config.get("plugins", []))
    frequencies = None
    if borders:
        counts = read_table(snakemake.input.counts).query("split == 'train'")
        frequencies = Frequencies(
            dict(zip(counts["label"], counts["n_positive"], strict=True)),
            head_above=borders["head_over"],
            tail_below=borders["tail_under"],
            quantiles=tuple(borders["quantiles"]) if borders["quantiles"] else None,
        )
    score_run(
        snakemake.input.predictions,
        snakemake.input.validation,
        snakemake.output[0],
        run=RunKey(w.task, w.head, int(w.seed), w.dataset, w.variant.removeprefix("/")),
        frequencies=frequencies,
        own=own_metrics(borders.get("own", ())),
    )
