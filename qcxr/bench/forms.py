"""`qcxr bench circuits --forms`: the forms of the chain's sweep side by side on this device, and which is the fastest.

The forms take turns, call by call, so that what else the machine does hurts them alike. A form that has no times has
the reason in their place.
"""

import dataclasses
from pathlib import Path
from typing import Any

import jax

from qcxr.bench.turns import Workload, machine, times
from qcxr.circuits import make_engine
from qcxr.errors import InputError
from qcxr.study.circuit import FORM_NAMES
from qcxr.study.files import write_json

NO_CARD = "not run: no GPU, and on a CPU the scan stands for it"


def run(
    widths: tuple[int, ...], workload: Workload, *, json_path: str | Path | None = None
) -> tuple[dict[str, Any], str]:
    """Times the forms of the paper's circuit at each width: (everything as one mapping, what to print).

    `json_path`: also written there. What is timed is a step's value and gradient, float32, compiled.
    Raises InputError for layers that the chain does not take.
    """
    rows = [row for n in widths for row in _at(n, workload)]
    result: dict[str, Any] = {
        "setting": {"n_layers": workload.n_layers, "batch": workload.batch, "what": "value and gradient, jit"},
        "machine": machine() | {"device": jax.devices()[0].device_kind},
        "forms": rows,
        "fastest": {str(n): _fastest(rows, n) for n in widths},
    }
    if json_path is not None:
        write_json(result, json_path)
    return result, table(result)


def _at(n: int, workload: Workload) -> list[dict[str, Any]]:
    make_engine("chain", n, workload.n_layers)  # its own refusal, which holds for all forms
    reasons = {form: _reason(form, n, workload) for form in FORM_NAMES}
    able = {
        (form, "none"): make_engine("chain", n, workload.n_layers, form=form)
        for form, reason in reasons.items()
        if reason is None
    }
    timed = {row.engine: dataclasses.asdict(row) for row in times(able, n, workload)}
    kept = ("compile_s", "median_ms", "p10_ms", "p90_ms", "repeats")
    found = []
    for form, reason in reasons.items():
        told = {"reason": reason} if reason is not None else {key: timed[form][key] for key in kept}
        found.append({"n_qubits": n, "form": form, **told})
    return found


def _reason(form: str, n: int, workload: Workload) -> str | None:
    """Why a form is not timed here; None if it is."""
    if form == "walk" and jax.default_backend() == "cpu":
        return NO_CARD
    try:
        make_engine("chain", n, workload.n_layers, form=form)
    except InputError as error:
        return f"not run: {error}"
    return None


def _fastest(rows: list[dict[str, Any]], n: int) -> str:
    return str(min((r for r in rows if r["n_qubits"] == n and "median_ms" in r), key=lambda r: r["median_ms"])["form"])


def table(result: dict[str, Any]) -> str:
    """The times as aligned text, and the line of the configuration that takes the fastest form."""
    head = ["n", "form", "compile s", "median ms", "p10", "p90", "x scan"]
    scans = {row["n_qubits"]: row["median_ms"] for row in result["forms"] if row["form"] == "scan"}
    lines = [head]
    for row in result["forms"]:
        cells = [str(row["n_qubits"]), row["form"]]
        if "reason" in row:
            lines.append([*cells, row["reason"]])
            continue
        numbers = [f"{row[key]:.2f}" for key in ("compile_s", "median_ms", "p10_ms", "p90_ms")]
        lines.append([*cells, *numbers, f"{row['median_ms'] / scans[row['n_qubits']]:.2f}"])
    sizes = [max(len(line[i]) for line in lines if len(line) > 3) for i in range(len(head))]
    text = ["  ".join([*map(str.rjust, line[:2], sizes), *map(str.rjust, line[2:], sizes[2:])]) for line in lines]
    here = result["machine"]
    text.append(f"{here['device']}, {here['cores']} cores, load {here['load']:.1f}, jax {here['jax']}")
    for n, form in result["fastest"].items():
        text.append(f"fastest at n = {n}: {form}; in the configuration: head: {{dqc: {{engine: chain, form: {form}}}}}")
    return "\n".join(text)
