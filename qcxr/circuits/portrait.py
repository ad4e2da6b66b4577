"""The circuit of a head, from its kind and options as the configuration has them: to draw it, and to say its cost."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qcxr.circuits import bill, drawing
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.errors import InputError

OF_ANSATZ = ("dqc", "random", "permuted", "product")
_FIXED: dict[str, dict[str, Any]] = {"product": {"pattern": "none"}, "permuted": {"permutation_seed": 0}}
KINDS = (*OF_ANSATZ, "circuit")


class Portrait:
    """Raises InputError for a kind of head without a circuit, and for an own circuit that is none."""

    def __init__(self, kind: str, options: Mapping[str, Any], n_labels: int) -> None:
        """options: of the head, those at their default may be left out."""
        if kind not in KINDS:
            raise InputError(f"a head with a circuit must be of {', '.join(KINDS)}, got {kind}; name another head")
        self.kind, self._options = kind, dict(options)
        self._own = None
        if kind == "circuit":
            from qcxr.circuits.own import own  # here: it imports PennyLane, which takes seconds

            told = {key: value for key, value in options.items() if key not in ("init", "train_circuit")}
            self._own = own(n_labels, **told)
            return
        names = [field.name for field in dataclasses.fields(Ansatz)][2:]
        fixed = _FIXED.get(kind, {})
        self._ansatz = Ansatz(
            n_labels, options.get("layers", 3), **(fixed | {key: options[key] for key in names if key in options})
        )
        self._noise = Noise.of(options.get("noise"))

    def draw(self, *, png: str | Path | None = None) -> str:
        """The circuit as text, and as a picture in a file (see `drawing.draw`)."""
        if self._own is not None:
            return drawing.draw_tape(self._own.tape, self._own.names(), png=png)
        return drawing.draw(self._ansatz, noise=self._noise, png=png)

    def cost(self, *, batch: int = 32) -> str:
        """What it costs; batch: films of a step."""
        if self.kind == "product":
            return "computed in closed form: no engine runs it"
        if self._own is not None:
            return str(bill.of_tape(self._own.tape, engine=self._own.engine))
        engine = "statevector" if self.kind == "permuted" else self._options.get("engine", "auto")
        memory_mb = self._options.get("memory_mb", 4096)
        return str(bill.of_ansatz(self._ansatz, engine=engine, noise=self._noise, batch=batch, memory_mb=memory_mb))
