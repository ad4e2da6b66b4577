"""A circuit in the configuration: the options of the heads that are made of one, and what no engine can run.

The names and the limits are those of `qcxr.circuits`, known here without importing JAX; tests hold them equal.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

from pydantic import Field, model_validator

from qcxr.study.blind import Options, blindness
from qcxr.study.fields import Count, Fraction, Positive, Section

Engine = Literal["auto", "chain", "statevector", "pennylane"]
Form = Literal["scan", "fused", "associative", "walk"]
Init = Literal["uniform", "normal", "small", "zeros"]
Rotation = Literal["RX", "RY", "RZ"]
Entangler = Literal["CNOT", "CZ"]
Pattern = Literal["ring", "chain", "none", "all_to_all"]
Gradient = Literal["parameter_shift", "spsa"]

ENGINE_NAMES: tuple[str, ...] = get_args(Engine)
ENGINE_OPTIONS = {"pennylane": ("device", "diff_method"), "statevector": ("memory_mb",), "chain": ("form",)}
FORM_NAMES: tuple[str, ...] = get_args(Form)
# layers that a form takes: on a ring and on an open chain, each without and with the entries that damping adds
FORM_LAYERS = {"associative": {"ring": (4, 4), "chain": (4, 4)}, "walk": {"ring": (3, 2), "chain": (4, 3)}}
DENSITY_QUBITS = 12  # noisy qubits for which `auto` falls back on pennylane's density matrix
STATES = 6  # state vectors of one sample that `qcxr.circuits.statevector` holds at once


class Rates(Section):
    """Channels on one wire, in the order in which they act; a rate of 0 leaves its channel out."""

    depolarizing: Fraction = Field(
        0.0, description="Probability of an X, Y or Z, a third each; 3/4 forgets the state.", examples=[0.01]
    )
    bit_flip: Fraction = Field(0.0, description="Probability of an X.", examples=[0.01])
    phase_flip: Fraction = Field(0.0, description="Probability of a Z.", examples=[0.01])
    amplitude_damping: Fraction = Field(
        0.0, description="Probability (gamma) that a qubit in |1> falls to |0>.", examples=[0.002]
    )
    phase_damping: Fraction = Field(0.0, description="Rate (gamma) at which coherence is lost.", examples=[0.002])


class Noise(Section):
    """Noise of the whole circuit, carried exactly by the engines chain and pennylane."""

    one_qubit: Rates = Field(
        Rates(), description="Channels after H and after every rotation.", examples=[{"depolarizing": 0.001}]
    )
    two_qubit: Rates = Field(
        Rates(),
        description="Channels on both wires after every entangling gate.",
        examples=[{"depolarizing": 0.01, "amplitude_damping": 0.002}],
    )
    readout_0: Fraction = Field(0.0, description="Probability that a qubit in |0> is read as 1.", examples=[0.01])
    readout_1: Fraction = Field(0.0, description="Probability that a qubit in |1> is read as 0.", examples=[0.03])

    @property
    def damps(self) -> bool:
        """Whether gates are followed by amplitude damping."""
        return bool(self.one_qubit.amplitude_damping or self.two_qubit.amplitude_damping)

    @property
    def on_gates(self) -> bool:
        """Whether any gate is noisy; read-out errors are not of the gates."""
        return any(rate for rates in (self.one_qubit, self.two_qubit) for rate in rates.model_dump().values())


class Shots(Section):
    """What training sees of the circuit: measurements of all its qubits, in place of exact expectation values."""

    number: Count = Field(description="Measurements of every circuit that is run.", examples=[1000])
    gradient: Gradient = Field(
        "parameter_shift",
        description="How gradients come from measurements: parameter_shift (unbiased, two circuits for every weight "
        "and every angle) or spsa (two circuits in all, along a random direction).",
        examples=["spsa"],
    )
    step: Positive = Field(
        0.1, description="Radians by which spsa moves every parameter; parameter_shift has none.", examples=[0.2]
    )


class Circuit(Section):
    """A dressed circuit, of which a kind of head is made: what simulates it, how it starts, its gates and noise."""

    kind: ClassVar[str]

    engine: Engine = Field(
        "auto",
        description="What simulates the circuit: chain (exact, cost linear in the qubits), statevector (exact, all "
        "amplitudes), pennylane (the oracle, slow), or auto, whichever of the first two is expected to be faster.",
        examples=["chain"],
    )
    layers: Count = Field(
        3,
        description="Rotation layers, each followed by its entangling gates; the engine chain takes at most 5 of them "
        "on a ring, 7 on an open chain (4 and 6 with amplitude damping, or with re-uploading by another rotation).",
        examples=[3],
    )
    init: Init = Field(
        "uniform",
        description="How the rotations are drawn at the start, in radians: uniform in [0, 2 pi) (the paper's), normal "
        "with standard deviation 2 pi (its published code's), small (normal, 0.01) or all zeros.",
        examples=["small"],
    )
    encoding: Rotation = Field(
        "RY", description="Rotation that takes the angles of the features, after one H per wire.", examples=["RY"]
    )
    rotation: Rotation = Field("RY", description="Rotation that takes the trained weights.", examples=["RY"])
    entangler: Entangler = Field("CNOT", description="Two-qubit gate.", examples=["CZ"])
    pattern: Pattern = Field(
        "ring",
        description="Which pairs the two-qubit gate joins: ring (neighbours, and the last with the first), chain (the "
        "ring without its closing gate), none, or all_to_all (every pair; not for the engine chain).",
        examples=["chain"],
    )
    reupload: bool = Field(
        False, description="Whether the angles enter again before the weights of every layer.", examples=[True]
    )
    noise: Noise | None = Field(
        None,
        description="Noise of gates and read-out; null is the exact, noise-free circuit.",
        examples=[{"two_qubit": {"depolarizing": 0.01}, "readout_1": 0.02}],
    )
    device: str | None = Field(
        None,
        min_length=1,
        description="PennyLane's device, for the engine pennylane; null is default.qubit, with noise default.mixed.",
        examples=["lightning.qubit"],
    )
    diff_method: str = Field(
        "backprop",
        min_length=1,
        description="How the engine pennylane differentiates, by PennyLane's name.",
        examples=["adjoint"],
    )
    memory_mb: Positive = Field(
        4096, description="Megabytes that the engine statevector may take; a batch goes in chunks.", examples=[8192]
    )
    form: Form = Field(
        "scan",
        description="How the engine chain goes along the qubits, with the same result: scan (one by one), fused "
        "(several a step), associative (products of transfer matrices, few steps) or walk (one kernel on a GPU, the "
        "scan on a CPU); `qcxr bench circuits --forms` finds the fastest on a device. associative takes at most "
        "4 layers, walk 3 on a ring and 4 on an open chain (2 and 3 with amplitude damping).",
        examples=["fused"],
    )
    shots: Shots | None = Field(
        None,
        description="Training from so many measurements of the circuit, for what the engine chain can run; validation "
        "and predictions stay exact. Null is exact training.",
        examples=[{"number": 1000, "gradient": "spsa"}],
    )

    @model_validator(mode="after")
    def _options_are_the_engines(self) -> Circuit:
        for engine, options in ENGINE_OPTIONS.items():
            given = [name for name in options if name in self.model_fields_set]
            if given and self.engine not in (engine, "auto"):
                raise ValueError(
                    f"head.{self.kind}.{given[0]} is for the engines {engine} and auto, got engine {self.engine}; "
                    "leave it out"
                )
        return self

    @model_validator(mode="after")
    def _engine_can(self) -> Circuit:
        noisy = self.noise is not None and self.noise.on_gates
        if self.engine == "statevector" and noisy:
            raise ValueError(
                f"head.{self.kind}.engine must be auto, chain or pennylane with noise on gates, got statevector; "
                f"set head.{self.kind}.engine, or leave the noise out"
            )
        if self.engine == "chain" and self.pattern == "all_to_all":
            raise ValueError(
                f"head.{self.kind}.pattern must be ring, chain or none for the engine chain, got all_to_all; "
                f"set head.{self.kind}.engine to {'pennylane' if noisy else 'statevector'}"
            )
        return self

    def fit(self, n_qubits: int) -> None:
        """Raise ValueError if no engine that may be chosen can run that many qubits with these layers and noise, or if
        the circuit could learn nothing."""
        blind = blindness(self, n_qubits, self.layers)
        if blind is not None:
            raise ValueError(
                f"head.{self.kind}.encoding and rotation must leave the circuit something to learn, got "
                f"{self.encoding} and {self.rotation}: {blind}"
            )
        self._form_can(n_qubits)
        exact = self.noise is None or not self.noise.on_gates
        joined = self.pattern != "none" and n_qubits > 1
        most = chain_layers(self, damps=self.noise is not None and self.noise.damps)
        deep = joined and self.pattern != "all_to_all" and self.layers > most
        if self.shots is not None and (deep or self.pattern == "all_to_all"):
            raise ValueError(
                f"head.{self.kind}.shots must be null for a circuit that the engine chain cannot run ({self.pattern}, "
                f"{self.layers} layers), got {self.shots.number} shots; leave them out, or change the circuit"
            )
        if deep and (self.engine == "chain" or (self.engine == "auto" and not exact and n_qubits > DENSITY_QUBITS)):
            needed = state_vectors_mb(n_qubits, real=(self.encoding, self.rotation) == ("RY", "RY"))
            other = "statevector" if exact and needed <= self.memory_mb else None
            other = "pennylane" if not exact and n_qubits <= DENSITY_QUBITS else other
            raise ValueError(
                f"head.{self.kind}.layers must be <= {most} for the engine chain (the products of one qubit grow about "
                f"20-fold per layer), got {self.layers}; lower it"
                + (f", or set head.{self.kind}.engine to {other}" if other else "")
            )
        if self.engine == "auto" and not exact and self.pattern == "all_to_all" and n_qubits > DENSITY_QUBITS:
            raise ValueError(
                f"head.{self.kind}.pattern must be ring, chain or none with noise on the gates of more than "
                f"{DENSITY_QUBITS} qubits, got all_to_all for {n_qubits} (one per label); set another pattern"
            )
        whole = self.engine == "statevector" or (
            self.engine == "auto" and exact and (deep or self.pattern == "all_to_all")
        )
        needed = state_vectors_mb(n_qubits, real=(self.encoding, self.rotation) == ("RY", "RY"))
        if whole and needed > self.memory_mb:
            raise ValueError(
                f"head.{self.kind}.memory_mb must be >= {needed:.3g} for the state vector of {n_qubits} qubits (one "
                f"per label), got {self.memory_mb:g}; raise it, or use the engine chain"
            )

    def _form_can(self, n_qubits: int) -> None:
        damps = self.noise is not None and self.noise.damps

        def takes(form: str) -> bool:
            return self.layers <= form_layers(form, self, damps=damps)

        if n_qubits > 1 and self.pattern in ("ring", "chain") and not takes(self.form):
            raise ValueError(
                f"head.{self.kind}.layers must be <= {form_layers(self.form, self, damps=damps)} for the form "
                f"{self.form} with these gates and this noise, got {self.layers}; lower it, or set "
                f"head.{self.kind}.form to {' or '.join(form for form in FORM_NAMES if takes(form))}"
            )


def form_layers(form: str, options: Options, *, damps: bool) -> float:
    """How many layers a form of the chain's sweep takes, infinity for all that the chain does.

    associative: transfer matrices of at most 128 rows; walk: at most `qcxr.circuits.walk.LARGEST` products, which are
    written out one by one. damps: as for `chain_layers`. A test counts both.
    """
    if form not in FORM_LAYERS:
        return math.inf
    return FORM_LAYERS[form][options.pattern][_more(options, damps)]


def chain_layers(options: Options, *, damps: bool) -> int:
    """How many layers the engine chain takes: those of less than `qcxr.circuits.support.MOST_PRODUCTS` products.

    damps: whether amplitude damping lets the identity turn into Z. A test counts the products.
    """
    more = _more(options, damps)
    if options.pattern == "ring":
        return 4 if more else 5
    return 6 if more else 7


def _more(options: Options, damps: bool) -> bool:
    """Whether environments have entries that those of other circuits do not have."""
    return damps or (options.reupload and options.encoding != options.rotation)


def state_vectors_mb(n_qubits: int, *, real: bool) -> float:
    """Megabytes that the engine statevector needs for one sample at least; amplitudes are real, or complex."""
    return 2.0**n_qubits * (4 if real else 8) * STATES / 2**20
