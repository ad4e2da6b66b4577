"""Choose the best trial of one task and head on validation."""

from qcxr.study import warm

warm.start("qcxr.analysis.choice")

from pathlib import Path

from qcxr.analysis.choice import choose
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    given, w = read_slice(snakemake.params.slice), snakemake.wildcards
    choose(
        [Path(run).parent for run in snakemake.input.runs],
        snakemake.output[0],
        trials={int(number): given["trials"][number] for number in sorted(given["trials"], key=int)},
        about={"task": w.task, "head": w.head, "seed": given["seed"], "metric": given["metric"]},
    )
