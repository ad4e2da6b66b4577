"""Write the study's report."""

from qcxr.analysis.cards import left_out
from qcxr.analysis.report import write_report
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    cfg = parse(snakemake.config)
    inputs = dict(snakemake.input.items())
    notes = left_out(list(inputs.pop("audits")), words="flagged by the audit")
    circuit = inputs.pop("circuit")
    figures = [*([circuit] if isinstance(circuit, str) else circuit), *inputs.pop("figures")]
    write_report(
        snakemake.output[0],
        figure_paths=figures,
        **inputs,
        notes=notes,
        config=read_slice(snakemake.params.slice)["config"],
        protocol=cfg.is_papers(),
        demo=cfg.generate is not None,
    )
