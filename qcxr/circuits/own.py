"""A user's own circuit: from the file and the function that the configuration names to an engine.

The file is Python and is run. Importing this module imports PennyLane.
"""

import functools
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

from qcxr.circuits.traced import QuantumFunction, Traced, checked, ignored, shape_of
from qcxr.errors import InputError
from qcxr.study import function as files


def own(
    n_labels: int,
    *,
    function: str | None = None,
    weights: Sequence[int | str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    engine: str = "auto",
    digest: str | None = None,
) -> Traced:
    """The circuit of `circuits.py:layers`, with one angle and one expectation value per label.

    weights: their shape, in which `labels` stands for n_labels; None asks the function's attribute `shape`. arguments:
    further ones of the function, and of its shape. digest: what the file must say (`qcxr.study.function.digest`).

    Raises InputError for a file or function that is not there or is not what it was, for what is no circuit (see
    `Traced`), for another number of values, and for a circuit whose values ignore the weights or the angles.
    """
    if function is None:
        raise InputError(f"head.circuit.function must name a PennyLane quantum function, got none; {files.WAY_OUT}")
    arguments = arguments or {}
    found = load(function, digest)
    try:
        if weights is None:
            shape = shape_of(found, n_labels, arguments)
        else:
            shape = checked([n_labels if size == "labels" else size for size in weights])
        circuit = Traced(functools.partial(found, **arguments), shape, n_labels, engine=engine)
    except InputError as error:
        raise InputError(f"{function}: {error}") from None
    except Exception as error:  # of the user's code or PennyLane's, whatever it is
        raise InputError(
            f"{function} must run on weights of the shape {'that it names' if weights is None else tuple(weights)} and "
            f"{n_labels} angles, got {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}; "
            "correct it, or head.circuit.weights and arguments"
        ) from error
    if (values := len(circuit.tape.sums)) != n_labels:
        raise InputError(
            f"{function} must return one expectation value per label, {n_labels} for this task, got {values}; "
            "return one qml.expval for each angle"
        )
    return circuit


def seeing(name: str, circuit: Traced) -> Traced:
    """The circuit itself. Raises InputError if its values ignore the weights or the angles."""
    if blind := ignored(circuit):
        raise InputError(
            f"{name} must leave the head something to learn, got a circuit whose expectation values ignore the "
            f"{blind} (at random ones); let gates that depend on them reach what is measured"
        )
    return circuit


def load(reference: str, digest: str | None = None) -> QuantumFunction:
    """Run the file and give its function. Raises InputError if it is not there, or is not what it was."""
    try:
        file, name = files.named(reference)
    except ValueError as error:
        raise InputError(str(error)) from None
    if fault := files.obstacle(reference):
        raise InputError(fault)
    if digest not in (None, now := files.digest(reference)):
        raise InputError(
            f"{file} must say what it said when this head was made (digest {digest}), got {now}; put it back, or train "
            "the head again"
        )
    module = types.ModuleType(f"circuit_of_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses and pickles look for it
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except Exception as error:
        raise InputError(f"{file} must run, got {type(error).__name__}: {error}; correct it") from error
    return getattr(module, name)
