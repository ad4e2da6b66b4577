"""Make an environment for peers whose versions clash with ours; what prevents it is a reason, not an error."""

from pathlib import Path

from qcxr.bench import environment
from qcxr.study.files import write_text
from qcxr.study.job import job

with job(snakemake.log[0]):
    out = Path(snakemake.output[0])
    write_text(environment.python(snakemake.wildcards.environment, out.with_suffix("").resolve()) + "\n", out)
