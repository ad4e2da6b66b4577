"""Write the model card, the data card in Markdown and as Croissant, and the reporting checklists of the study."""

from qcxr.study import warm

warm.start("qcxr.analysis.portfolio")

from qcxr.analysis.facts import Study
from qcxr.analysis.inference import Inference
from qcxr.analysis.inputs import many
from qcxr.analysis.portfolio import Folder, write_portfolio
from qcxr.analysis.results import read_results
from qcxr.analysis.shown import Shown
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.protocol import is_papers
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    cfg, files = parse(snakemake.config), dict(snakemake.input.items())
    read = {kind: many(files.pop(kind)) for kind in ("manifests", "attributes", "audits", "leaks") if kind in files}
    options = read_slice(snakemake.params.slice)
    study = Study(
        config=options["config"], demo=cfg.generate is not None, protocol=is_papers(cfg), patientless=cfg.patientless()
    )
    shown = Shown(Inference.of(cfg.analysis), cfg.analysis.sd)
    results = read_results(files, outline=options["outline"], shown=shown)
    write_portfolio(Folder(**dict(snakemake.output.items())), results, study, **read)
