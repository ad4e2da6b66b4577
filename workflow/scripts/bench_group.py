"""Time one group of peers, holding a card if the machine has cards."""

import sys
from pathlib import Path

from qcxr.bench import suite
from qcxr.study.config import parse
from qcxr.study.job import job
from qcxr.training.devices import lease

with job(snakemake.log[0]):
    pythons = {Path(file).stem: Path(file).read_text(encoding="utf-8").strip() for file in snakemake.input}
    resources = parse(snakemake.config).resources
    with lease(resources.cards(), slots=resources.gpu_slots):
        suite.run(
            snakemake.wildcards.group, snakemake.wildcards.size, {"own": sys.executable, **pythons}, snakemake.output[0]
        )
