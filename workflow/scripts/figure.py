"""Draw one figure."""

from qcxr.study import warm

warm.start("qcxr.analysis.figures")

from qcxr.analysis import figures
from qcxr.study import plugged
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    plugged.use(snakemake.config.get("plugins", []))
    figures.draw(
        snakemake.wildcards.figure,
        dict(snakemake.input.items()),
        out_pdf=snakemake.output.pdf,
        out_png=snakemake.output.png,
        **read_slice(snakemake.params.slice),
    )
