"""`qcxr spectrum`: how much of a trained circuit comes from how many qubits at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from qcxr.arguments import at_least
from qcxr.cli.commands import Commands, command


def add(commands: Commands) -> None:
    """Name the command and its words."""
    text = "split a trained circuit by the weight of its Pauli strings; AUROC when only light ones are kept"
    parser = command(commands, "spectrum", run, text)
    sample(parser)
    parser.add_argument("--out", metavar="DIR", help="where tables and figure go (default: RUN/spectrum)")


def sample(parser: argparse.ArgumentParser) -> None:
    """The words of a command that reads a run and a sample of its films."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder: results/runs/TASK/HEAD/seedN")
    parser.add_argument("--dataset", metavar="NAME", help="whose test films (default: the first that it has predicted)")
    parser.add_argument(
        "--films", type=at_least(2), default=1000, metavar="N", help="films in the sample (default 1000)"
    )
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the sample (default 0)")


def run(arguments: argparse.Namespace) -> None:
    """Write the tables and the figure, and print the means."""
    from tqdm import tqdm

    from qcxr.analysis.figures import style
    from qcxr.analysis.figures.spectrum import spectrum as draw
    from qcxr.analysis.weights import MEAN, kept, strengths
    from qcxr.circuits import Engine
    from qcxr.circuits.cost import obstacle
    from qcxr.circuits.spectrum import spectrum
    from qcxr.errors import InputError
    from qcxr.study.files import write_csv
    from qcxr.training.dressed import read

    seen = read(arguments.run_folder, dataset=arguments.dataset, films=arguments.films, seed=arguments.seed)
    circuit = seen.circuit
    if not isinstance(circuit, Engine):
        raise InputError(f"{arguments.run_folder} must have a circuit of qcxr's own, such as dqc's; give another run")
    if (why := obstacle("chain", circuit.ansatz, circuit.noise, memory_mb=0)) is not None:
        raise InputError(
            f"{arguments.run_folder} must have a circuit that the engine chain can run, which computes spectra, and it "
            f"{why}; give another run"
        )
    with tqdm(total=len(seen.angles), desc="spectrum", unit="film", disable=None, leave=False) as bar:
        parts = spectrum(circuit, seen.weights, seen.angles, told=bar.update)
    strong = strengths(parts, seen.labels)
    useful = kept(parts, seen.kernel, seen.bias, seen.targets, seen.covered, seen.labels)
    out = Path(arguments.out or Path(arguments.run_folder, "spectrum"))
    write_csv(strong, out / "strengths.csv")
    write_csv(useful, out / "auroc.csv")
    with style.applied():
        figure = draw(strong, useful, title=f"{seen.name}, {len(parts)} films")
        style.save(figure, out_pdf=out / "spectrum.pdf", out_png=out / "spectrum.png")
    print("weight  standard deviation (median qubit)  AUROC up to it (mean)")
    spread = strong.groupby("weight")["std"].median()
    for weight, score in useful[useful["label"] == MEAN].set_index("weight")["auroc"].items():
        said = f"{spread[weight]:.2e}" if spread[weight] > 1e-12 else "0"  # weight 0 is the same for all films
        print(f"{weight:6d}  {said:>33}  {score:21.4f}")
    print(f"The tables and the figure are in {out}")
