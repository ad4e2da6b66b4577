"""Write the model card and the data card of the study."""

from qcxr.analysis.cards import data_card, model_card
from qcxr.study.config import parse
from qcxr.study.job import job

with job(snakemake.log[0]):
    cfg, given = parse(snakemake.config), snakemake.input
    demo = cfg.generate is not None
    groups = {"head_above": cfg.analysis.head_over, "tail_below": cfg.analysis.tail_under}
    kinds = {name: source.kind for name, source in cfg.data.sources.items()}
    model_card(
        snakemake.output.model,
        metrics=given.metrics,
        tests=given.tests,
        runs=list(given.runs),
        demo=demo,
        **groups,
    )
    data_card(snakemake.output.data, counts=list(given.counts), kinds=kinds, tail_below=groups["tail_below"], demo=demo)
