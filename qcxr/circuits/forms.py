"""The forms of the chain's sweep by name: exact equals of each other, one of which is the fastest on a device.

A scan visits the qubits one by one, and on a GPU waits at each for a few kernels to be launched; `fused` takes several
qubits a step, `associative` multiplies transfer matrices in a logarithmic number of steps, `walk` is one kernel that
visits all qubits. Which is fastest is a matter of measurement: `qcxr bench circuits --forms`.
"""

import math
from functools import partial
from typing import Protocol, runtime_checkable

import jax
from jax import Array
from jaxtyping import Inexact

from qcxr.circuits import associative, environments
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.environments import Columns, Left, Right
from qcxr.circuits.noise import Noise, damps
from qcxr.circuits.structure import Plan
from qcxr.errors import InputError
from qcxr.study.circuit import FORM_NAMES, form_layers


@runtime_checkable
class Sweep(Protocol):
    """<Z_k> of every qubit, of which there are at least two; the arguments are their columns (`environments`)."""

    def __call__(
        self, plan: Plan, first_left: Left, first_right: Right, inner: Columns, last_left: Left, last_right: Right
    ) -> Inexact[Array, "inner+2 batch"]: ...


def sweep(form: str) -> Sweep:
    """The form of that name, one of `qcxr.study.circuit.FORM_NAMES`."""
    return {
        "scan": environments.sweep,
        "fused": environments.fused,
        "associative": associative.sweep,
        "walk": _walk,
    }[form]


def known(form: object) -> None:
    """Raises InputError for what is no form."""
    if form not in FORM_NAMES:
        raise InputError(f"form must be one of {', '.join(FORM_NAMES)}, got {form!r}; set form to one of them")


def check(form: str, ansatz: Ansatz, noise: Noise) -> None:
    """Raises InputError for a form that cannot run the circuit; it names those that can."""
    able = [other for other in FORM_NAMES if ansatz.n_layers <= layers(other, ansatz, noise)]
    if form not in able:
        raise InputError(
            f"layers must be <= {layers(form, ansatz, noise)} for the form {form} with these gates and this noise, got "
            f"{ansatz.n_layers}; lower it, or set form to {' or '.join(able)}"
        )


def layers(form: str, ansatz: Ansatz, noise: Noise) -> float:
    """The layers that a form takes; how many the chain itself takes is `cost`'s matter."""
    if not ansatz.pairs or ansatz.pattern == "all_to_all":
        return math.inf
    return form_layers(form, ansatz, damps=damps(noise.one_qubit) or damps(noise.two_qubit))


def _walk(
    plan: Plan, first_left: Left, first_right: Right, inner: Columns, last_left: Left, last_right: Right
) -> Inexact[Array, "inner+2 batch"]:
    """The kernel on a card; on a CPU, where Pallas would interpret it for minutes, the scan."""
    from qcxr.circuits import walk  # here: Pallas takes a third of a second to import, and this form alone needs it

    given = first_left, first_right, inner, last_left, last_right
    return jax.lax.platform_dependent(*given, cpu=partial(environments.sweep, plan), default=partial(walk.sweep, plan))
