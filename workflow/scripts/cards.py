"""Write the model card and the data card of the study."""

from qcxr.study import warm

warm.start("qcxr.analysis.cards")

from qcxr.analysis.cards import data_card, model_card
from qcxr.analysis.facts import Study
from qcxr.analysis.frequencies import borders_said
from qcxr.analysis.results import read_results
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    cfg, given = parse(snakemake.config), snakemake.input
    study = Study(demo=cfg.generate is not None, protocol=cfg.is_papers())
    outline = read_slice(snakemake.params.slice)["outline"]
    results = read_results(dict(given.items()), outline=outline)
    given_borders = cfg.analysis.head_over, cfg.analysis.tail_under, cfg.analysis.quantiles
    model_card(snakemake.output.model, results, study, borders=borders_said(*given_borders))
    data_card(
        snakemake.output.data,
        counts=list(given.counts),
        kinds={name: source.kind for name, source in cfg.data.sources.items()},
        tail_below=cfg.analysis.tail_under,
        quantiles=cfg.analysis.quantiles,
        demo=study.demo,
    )
