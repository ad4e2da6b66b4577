"""Write the study's report."""

from qcxr.study import warm

warm.start("qcxr.analysis.report")

from qcxr.analysis.cards import left_out
from qcxr.analysis.facts import Study
from qcxr.analysis.inference import Inference
from qcxr.analysis.inputs import many
from qcxr.analysis.learned import leaked, learned
from qcxr.analysis.report import write_report
from qcxr.analysis.results import read_results
from qcxr.analysis.shown import Shown
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.protocol import is_papers
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg = parse(snakemake.config)
    files = dict(snakemake.input.items())
    audits, leaks, circuit, figures = (many(files.pop(kind)) for kind in ("audits", "leaks", "circuit", "figures"))
    shown = Shown(Inference.of(cfg.analysis), cfg.analysis.sd)
    results = read_results(files, outline=read_slice(snakemake.params.slice)["outline"], shown=shown)
    study = Study(
        config=read_slice(snakemake.params.slice)["config"],
        protocol=is_papers(cfg),
        demo=cfg.generate is not None,
        notes=left_out(audits, words="flagged by the audit"),
        learned=learned(results),
        leaks=leaked(leaks),
        patientless=cfg.patientless(),
    )
    write_report(snakemake.output[0], results, study, figures=[*circuit, *figures])
