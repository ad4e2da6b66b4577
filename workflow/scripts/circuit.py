"""Draw the dressed circuit of the study's first task."""

from qcxr.circuits.draw import draw
from qcxr.job import job
from qcxr.provenance import read_slice

with job(snakemake.log[0]):
    circuit = read_slice(snakemake.params.slice)
    draw(circuit["qubits"], circuit["head_options"], pdf=snakemake.output.pdf, png=snakemake.output.png)
