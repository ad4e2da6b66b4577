"""Collect the metrics of all runs and compare the heads."""

from qcxr.study import warm

warm.start("qcxr.analysis.metrics", "qcxr.analysis.statistics")

from qcxr.analysis.metrics import read_metrics
from qcxr.analysis.outline import Outline
from qcxr.analysis.statistics import compare
from qcxr.study.files import write_csv
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    options = read_slice(snakemake.params.slice)
    metrics = read_metrics(list(snakemake.input))
    write_csv(metrics, snakemake.output.metrics)
    outline = Outline.from_json(options["outline"])
    heads, alpha, against = list(outline.heads), options["alpha"], options["against"]
    write_csv(
        compare(metrics, heads=heads, alpha=alpha, against=against, outline=outline),
        snakemake.output.tests,
    )
