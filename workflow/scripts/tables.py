"""Write every table of the study, and the short one for the terminal."""

from pathlib import Path

from qcxr.analysis import tables
from qcxr.analysis.inputs import load
from qcxr.study.files import write_text
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    given = {kind: load(kind, paths) for kind, paths in snakemake.input.items()}
    named = {"counts": "label_counts", "parameters": "parameter_counts", "benchmark": "benchmark_steps"}
    Path(snakemake.output.folder).mkdir(parents=True)
    tables.write_tables(
        snakemake.output.folder,
        **{named.get(kind, kind): value for kind, value in given.items()},
        **read_slice(snakemake.params.slice),
    )
    report = Path(snakemake.output.summary).with_name("report.html")
    summary = tables.summary_text(given["tests"], given["metrics"])
    write_text(f"{summary}\nThe report is {report}\n", snakemake.output.summary)
