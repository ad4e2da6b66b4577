"""What the patients of one test set vary in one task's values and differences."""

from qcxr.study import warm

warm.start("qcxr.analysis.patients")

from qcxr.analysis.metrics import Frequencies
from qcxr.analysis.patients import patients_files
from qcxr.analysis.tablefile import read_table
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    options = read_slice(snakemake.params.slice)
    counts = read_table(snakemake.input.counts).query("split == 'train'")
    patients_files(
        list(snakemake.input.predictions),
        snakemake.output[0],
        heads=options["heads"],
        against=options["against"],
        variant=snakemake.wildcards.variant.removeprefix("/"),
        frequencies=Frequencies(
            dict(zip(counts["label"], counts["n_positive"], strict=True)),
            head_above=options["head_over"],
            tail_below=options["tail_under"],
            quantiles=tuple(options["quantiles"]) if options["quantiles"] else None,
        ),
    )
