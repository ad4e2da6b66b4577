"""Write every table of the study, and the short one for the terminal."""

from qcxr.study import warm

warm.start("qcxr.analysis.tables")

from pathlib import Path

from qcxr.analysis import tables
from qcxr.analysis.inference import Inference
from qcxr.analysis.results import read_results
from qcxr.analysis.shown import Shown
from qcxr.study.files import write_text
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    options = read_slice(snakemake.params.slice)
    shown = Shown(Inference(**options["inference"]), options["sd"])
    results = read_results(dict(snakemake.input.items()), outline=options["outline"], shown=shown)
    Path(snakemake.output.folder).mkdir(parents=True)
    tables.write_tables(snakemake.output.folder, results, protocol=options["protocol"])
    report = Path(snakemake.output.summary).with_name("report.html")
    summary = tables.summary_text(results.tests, results.metrics, outline=results.outline, shown=shown)
    write_text(f"{summary}\nThe report is {report}\n", snakemake.output.summary)
