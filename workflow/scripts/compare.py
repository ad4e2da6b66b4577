"""Collect the metrics of all runs, compare the heads, and estimate the mean of each."""

from qcxr.study import warm

warm.start("qcxr.analysis.metrics", "qcxr.analysis.statistics", "qcxr.analysis.estimates")

from qcxr.analysis.estimates import estimates
from qcxr.analysis.inference import Inference
from qcxr.analysis.inputs import load
from qcxr.analysis.metrics import read_metrics
from qcxr.analysis.outline import Outline
from qcxr.analysis.statistics import compare
from qcxr.study.files import write_csv
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    options, given, out = read_slice(snakemake.params.slice), snakemake.input, snakemake.output
    metrics, patients = read_metrics(list(given.metrics)), load("patients", list(given.patients))
    outline = Outline.from_json(options["outline"])
    tests = compare(
        metrics,
        heads=list(outline.heads),
        against=options["against"],
        outline=outline,
        patients=patients,
        inference=Inference(**options["inference"]),
        own=options.get("own", []),
    )
    write_csv(metrics, out.metrics)
    write_csv(tests, out.tests)
    write_csv(estimates(metrics, patients=patients, outline=outline, own=options.get("own", [])), out.estimates)
