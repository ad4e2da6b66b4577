"""Draw the demo's films."""

from qcxr.phantom import demo
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    options = read_slice(snakemake.params.slice)["generate"]
    demo.generate(options.pop("out"), demo.DemoPlan(**options), workers=snakemake.threads)
