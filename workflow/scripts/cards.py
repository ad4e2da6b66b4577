"""Write the model card and the data card of the study."""

from qcxr.study import warm

warm.start("qcxr.analysis.cards")

from qcxr.analysis.cards import data_card, model_card
from qcxr.analysis.facts import Study
from qcxr.analysis.inference import Inference
from qcxr.analysis.results import read_results
from qcxr.analysis.shown import Shown
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    cfg, given = parse(snakemake.config), snakemake.input
    study = Study(demo=cfg.generate is not None, protocol=cfg.is_papers())
    outline = read_slice(snakemake.params.slice)["outline"]
    shown = Shown(Inference.of(cfg.analysis), cfg.analysis.sd)
    results = read_results(dict(given.items()), outline=outline, shown=shown)
    borders = {"head_above": cfg.analysis.head_over, "tail_below": cfg.analysis.tail_under}
    model_card(snakemake.output.model, results, study, **borders)
    data_card(
        snakemake.output.data,
        counts=list(given.counts),
        kinds={name: source.kind for name, source in cfg.data.sources.items()},
        tail_below=borders["tail_below"],
        demo=study.demo,
    )
