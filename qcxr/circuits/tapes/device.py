"""PennyLane's device `qcxr.chain`: its circuits are read as tapes and run exactly, at any width the chain can afford.

`pip install` registers it (`pennylane.plugins` in pyproject.toml), so `qml.device("qcxr.chain", wires=100)` finds it;
PennyLane imports this module, nothing else here does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
from jax import Array
from jaxtyping import Float
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.modifiers import simulator_tracking, single_tape_support
from pennylane.devices.preprocess import decompose, no_sampling, validate_device_wires
from pennylane.transforms import broadcast_expand
from pennylane.transforms.core import TransformProgram

import qcxr.circuits.pennylane  # noqa: F401  (gives JAX 0.12 the name that PennyLane asks for under jit)
from qcxr.circuits.tapes.measurements import as_expectations
from qcxr.circuits.tapes.scripts import Read, accepts, read, takes_batch
from qcxr.circuits.tapes.simulate import ENGINES, expectations
from qcxr.circuits.tapes.tape import Tape
from qcxr.errors import InputError

_NAME = "qcxr.chain"


@simulator_tracking
@single_tape_support
class ChainDevice(Device):
    """Expectation values and variances of observables, and probabilities of a few wires, exactly; with
    `interface="jax"` by backpropagation.

    wires: how many, or their labels along the line. shots: None; PennyLane makes devices with shots, and this one
    refuses their circuits (DeviceError). engine: `auto` (what costs less), `chain` or `dense`, as in
    `simulate.expectations`. Parameters that are no JAX arrays are computed in float64.
    Raises InputError for another engine, and at execution for circuits that no engine can run.
    """

    name = _NAME

    def __init__(self, wires: Any = None, *, shots: int | None = None, engine: str = "auto") -> None:
        if engine not in ENGINES:
            raise InputError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}; choose one of them")
        super().__init__(wires=wires, shots=shots)
        self._engine = engine

    def supports_derivatives(
        self, execution_config: ExecutionConfig | None = None, circuit: qml.tape.QuantumScript | None = None
    ) -> bool:
        """Backpropagation, through JAX only; other interfaces take parameter shifts."""
        if execution_config is None:
            return True
        return execution_config.gradient_method in ("backprop", "best") and _is_jax(execution_config)

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: qml.tape.QuantumScript | None = None
    ) -> ExecutionConfig:
        """`best` is backpropagation where JAX is the interface."""
        config = config or ExecutionConfig()
        if not self.supports_derivatives(config, circuit):
            return config
        return replace(config, gradient_method="backprop", use_device_gradient=True, grad_on_execution=False)

    def preprocess_transforms(self, execution_config: ExecutionConfig | None = None) -> TransformProgram:
        """Circuits of what a tape takes, expectation values only."""
        program = TransformProgram()
        program.add_transform(no_sampling, name=self.name)
        program.add_transform(validate_device_wires, self.wires, name=self.name)
        program.add_transform(decompose, stopping_condition=accepts, skip_initial_state_prep=False, name=self.name)
        program.add_transform(as_expectations, device=self.name)
        program.add_transform(_expand_batches)
        return program

    def execute(self, circuits: Iterable[Any], execution_config: ExecutionConfig | None = None) -> tuple[Any, ...]:
        """One number or a tuple of numbers for every circuit; circuits that differ by numbers only run as one batch."""
        wires = None if self.wires is None else list(self.wires)
        scripts = [read(circuit, wires, batched=True) for circuit in circuits]
        alike: dict[Tape, list[int]] = defaultdict(list)
        for i, script in enumerate(scripts):
            alike[script.tape].append(i)
        results: dict[int, Any] = {}
        for tape, members in alike.items():
            for i, found in zip(members, self._run(tape, [scripts[i] for i in members]), strict=True):
                results[i] = found
        return tuple(results[i] for i in range(len(scripts)))

    def _run(self, tape: Tape, scripts: list[Read]) -> list[Any]:
        coefficients = [c for script in scripts for row in script.terms for c, _ in row]
        numbers = [v for script in scripts for v in (*script.values, *script.rows)]
        if any(isinstance(value, jax.Array) for value in (*numbers, *coefficients)):
            return [
                _combine(jnp, script, words) for script, words in zip(scripts, self._words(tape, scripts), strict=True)
            ]
        with jax.enable_x64(True):
            words = [np.asarray(row) for row in self._words(tape, scripts)]
        return [_combine(np, script, row) for script, row in zip(scripts, words, strict=True)]

    def _words(self, tape: Tape, scripts: list[Read]) -> list[Float[Array, "*batch words"]]:
        weights = [_stacked(script.values) for script in scripts]
        if tape.n_angles:
            batches = [jnp.stack([jnp.asarray(row, float) for row in script.rows], -1) for script in scripts]
            given = zip(weights, batches, strict=True)
            return [expectations(tape, w, x, engine=self._engine) for w, x in given]
        none = jnp.zeros((1, 0), weights[0].dtype)
        if len(scripts) == 1:
            return [expectations(tape, weights[0], none, engine=self._engine)[0]]
        return list(jax.vmap(lambda w: expectations(tape, w, none, engine=self._engine)[0])(jnp.stack(weights)))


def _stacked(values: list[Any]) -> Float[Array, " values"]:
    scalars = [jnp.asarray(value, float).reshape(()) for value in values]
    return jnp.stack(scalars) if scalars else jnp.zeros(0)


@qml.transform
def _expand_batches(script: Any) -> tuple[tuple[Any, ...], Callable[[Any], Any]]:
    """Samples one by one, unless all that comes with a batch are rotations: these a tape takes as angles."""
    batched = [op for op in script.operations if op.batch_size is not None]
    if batched and all(takes_batch(op) for op in batched):
        return (script,), lambda results: results[0]
    return broadcast_expand(script)


def _is_jax(config: ExecutionConfig) -> bool:
    return "jax" in str(getattr(config.interface, "value", config.interface))


def _combine(xp: Any, script: Read, words: Any) -> Any:
    """Each measurement's sum of its words."""
    none = xp.zeros(words.shape[:-1], words.dtype)
    sums = [sum((c * words[..., i] for c, i in row), start=none) for row in script.terms]
    return sums[0] if len(sums) == 1 else tuple(sums)
