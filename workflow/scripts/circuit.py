"""Draw the dressed circuit of the study's first task."""

from dataclasses import fields

from qcxr.circuits import Ansatz
from qcxr.circuits.drawing import draw
from qcxr.study.files import write_text
from qcxr.study.job import job
from qcxr.study.provenance import read_slice

with job(snakemake.log[0]):
    circuit = read_slice(snakemake.params.slice)
    options = circuit["head_options"]
    known = {field.name for field in fields(Ansatz)} & set(options)
    ansatz = Ansatz(circuit["qubits"], options.get("layers", 3), **{name: options[name] for name in known})
    write_text(draw(ansatz, noise=options.get("noise"), png=snakemake.output.png) + "\n", snakemake.output.text)
