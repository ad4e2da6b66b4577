"""Answer the study's further questions: rarity, stability, and what is varied."""

from qcxr.study import warm

warm.start("qcxr.analysis.questions")

from qcxr.analysis.outline import Outline
from qcxr.analysis.questions import questions
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    options = read_slice(snakemake.params.slice)
    outline = Outline.from_json(options["outline"])
    questions(
        dict(snakemake.input.items()),
        dict(snakemake.output.items()),
        heads=list(outline.heads),
        against=options["against"],
        outline=outline,
        adjust=options["adjust"],
    )
