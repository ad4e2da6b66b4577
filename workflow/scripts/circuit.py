"""Draw the dressed circuit of the study's first task."""

from qcxr.circuits.portrait import Portrait
from qcxr.study.files import write_text
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0], snakemake.input, snakemake.output):
    circuit = read_slice(snakemake.params.slice)
    portrait = Portrait(circuit.get("kind", "dqc"), circuit["head_options"], circuit["qubits"])
    write_text(portrait.draw(png=snakemake.output.png) + "\n", snakemake.output.text)
