"""The circuit alone on the card: all forms of the chain's sweep, and deep circuits. Value and gradient, float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import jax

from qcxr.bench.forms import NO_CARD
from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Once, Row, reason, rotate, rows
from qcxr.bench.turns import example, step
from qcxr.circuits import Engine, make_engine
from qcxr.study.circuit import FORM_NAMES

LAYERS = 3  # the paper's


def forms(size: Size) -> Iterator[Row]:
    """Every form at every width, with the smaller batch."""
    return _forms(size, size.circuit_batches[0])


def forms_larger(size: Size) -> Iterator[Row]:
    """The same with the larger ones."""
    for batch in size.circuit_batches[1:] or size.circuit_batches:
        yield from _forms(size, batch)


def _forms(size: Size, batch: int) -> Iterator[Row]:
    """Forms take turns with the engine that `auto` chooses; one that fails has the reason."""
    for n in size.widths:
        title = f"{n} qubits, {LAYERS} layers, batch {batch}"
        makers = {"auto": _maker(partial(make_engine, "auto", n, LAYERS), batch)}
        for form in FORM_NAMES:
            if form == "walk" and jax.default_backend() == "cpu":
                yield reason(f"{title}: form {form}", NO_CARD, n_qubits=n, batch=batch)
                continue
            makers[f"form {form}"] = _maker(partial(make_engine, "chain", n, LAYERS, form=form), batch)
        found = rotate(makers, repeats=5 * size.repeats, seconds=size.seconds / 3, compared=True)
        yield from rows(found, title, n_qubits=n, batch=batch)


def deep(size: Size) -> Iterator[Row]:
    """Deep circuits: what `auto` takes, and both engines."""
    batch = size.circuit_batches[0]
    for n, n_layers in size.deep:
        makers = {
            name: _maker(partial(make_engine, name, n, n_layers), batch) for name in ("auto", "chain", "statevector")
        }
        found = rotate(makers, repeats=size.repeats, seconds=size.seconds / 3, compared=True)
        yield from rows(found, f"{n} qubits, {n_layers} layers, batch {batch}", n_qubits=n, n_layers=n_layers)


def _maker(make: Callable[[], Engine], batch: int) -> Callable[[], Once]:
    def made() -> Once:
        engine = make()
        inputs = example(engine.ansatz.n_qubits, engine.ansatz.n_layers, batch)
        compiled = step(engine).lower(*inputs).compile()
        return lambda: compiled(*inputs)

    return made
