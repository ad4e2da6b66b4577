"""Tapes: every simulation of them against PennyLane, value and gradient, over random circuits."""

import warnings
from functools import partial

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcxr.circuits import Ansatz, Noise, make_engine
from qcxr.circuits.tapes import Feed, Gate, Tape, cost, exact, expectations, of_ansatz
from qcxr.circuits.tapes.gates import KINDS, PAULIS, halves
from qcxr.circuits.tapes.scripts import observables, of_script, operator, play, to_qnode
from qcxr.circuits.tapes.simulate import chosen
from qcxr.errors import InputError
from tests.circuits.tapes import brick_wall, cone, tapes

QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
SEEDS = st.integers(0, 2**32 - 1)


def drawn(tape, seed, batch=2):
    rng = np.random.default_rng(seed)
    return rng.uniform(-3, 3, tape.weights), rng.uniform(-2, 2, (batch, tape.n_angles))


def ours(tape, engine, w, x, g):
    """Value, and gradients of sum(g * value), in the inputs' precision."""

    def both(w, x, g):
        z, pull = jax.vjp(lambda w, x: expectations(tape, w, x, engine=engine), w, x)
        return z, *pull(g)

    return [np.asarray(a) for a in jax.jit(both).lower(w, x, g).compile(compiler_options=QUICK)(w, x, g)]


def reference(tape):
    """PennyLane's own simulation, with channels its density matrix: the expectation values that `default.mixed` gives
    itself take a root of each probability, whose slope is NaN where a probability is zero."""
    if tape.is_unitary:
        return to_qnode(tape, interface="autograd", diff_method="backprop")
    wires = range(tape.n_qubits)

    @qml.qnode(qml.device("default.mixed", wires=wires), interface="autograd", diff_method="backprop")
    def state(w, row):
        play(tape, w, row)
        return qml.density_matrix(wires)

    matrices = [qml.matrix(observable, wire_order=wires).T for observable in observables(tape)]
    return lambda w, row: [qml.math.real(qml.math.sum(state(w, row) * matrix)) for matrix in matrices]


def theirs(tape, w, x, g):
    node = reference(tape)

    def loss(w, row, g):
        return sum(a * b for a, b in zip(g, node(w, row), strict=True)) + 0 * qml.numpy.sum(w) + 0 * qml.numpy.sum(row)

    z, dw, dx = [], 0, []
    for row, cotangent in zip(x, g, strict=True):
        z.append([float(v) for v in node(w, row)])
        at = (qml.numpy.array(w, requires_grad=True), qml.numpy.array(row, requires_grad=True))
        with warnings.catch_warnings():  # autograd's own, of the slope of a complex number by a real one
            warnings.filterwarnings("ignore", "Casting complex values to real")
            a, b = qml.grad(loss, argnums=(0, 1))(*at, cotangent)
        dw, dx = dw + a, [*dx, b]
    return np.array(z), dw, np.array(dx)


def check(tape, seed, single=True):
    w, x = drawn(tape, seed)
    g = np.random.default_rng(seed).normal(size=(len(x), len(tape.sums)))
    want = theirs(tape, w, x, g)
    with jax.enable_x64(True):
        for engine in ("chain", "dense"):
            for a, b in zip(ours(tape, engine, w, x, g), want, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-10)
    if single:
        for a, b in zip(ours(tape, "chain", *(a.astype("float32") for a in (w, x, g))), want, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_allclose(a, b, atol=1e-5 * max(1, np.abs(b).max()))


@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(tapes(most=3, across=2, gates=8), SEEDS)
def test_random_tapes_are_pennylanes(given, seed):
    check(Tape(*given), seed, single=False)


# ten times ten; CI runs the first ten
@pytest.mark.slow
@pytest.mark.parametrize("part", [pytest.param(0, marks=pytest.mark.sample), *range(1, 10)])
def test_many_random_tapes_are_pennylanes(part):
    @hypothesis.seed(part)
    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(tapes(least=12), SEEDS)
    def each(given, seed):
        check(Tape(*given), seed)

    each()


def check_wide(tape, engine="chain", seed=0):
    """Against PennyLane on the light cone of each word; float64."""
    w, x = drawn(tape, seed, batch=1)
    g = np.random.default_rng(seed).normal(size=(1, len(tape.words)))
    want = [theirs(cone(tape, word), w, x, g[:, k : k + 1]) for k, word in enumerate(tape.words)]
    want = np.stack([z[0] for z, _, _ in want], 1), sum(dw for _, dw, _ in want), sum(dx for _, _, dx in want)
    with jax.enable_x64(True):
        for a, b in zip(ours(tape, engine, w, x, g), want, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed, n, depth, ring",
    [
        pytest.param(0, 30, 3, True, marks=pytest.mark.sample),
        (1, 30, 3, True),
        (2, 45, 3, False),
        (3, 60, 2, True),
        pytest.param(4, 100, 3, True, marks=pytest.mark.sample),
        (5, 100, 2, False),
    ],
)
def test_wide_tapes_are_their_light_cones(seed, n, depth, ring):
    check_wide(Tape(*brick_wall(seed, n, depth, ring)), seed=seed)


@pytest.mark.slow
@pytest.mark.sample
def test_a_wide_tape_is_its_light_cones():
    check_wide(Tape(*brick_wall(0, 30, 2)))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_pennylanes_matrix(name):
    """At four random parameters; cos, sin, rates and roots are then the right ones, and so are their slopes."""
    kind = KINDS[name]
    for values in np.random.default_rng(0).uniform(0, 0.5 if kind.unitary is None else 4, (4, kind.parameters)):
        operation = operator(name)(*values, wires=range(kind.wires))
        kraus = [qml.matrix(operation)] if kind.unitary is not None else operation.kraus_matrices()
        strings = PAULIS if kind.wires == 1 else [np.kron(a, b) for a in PAULIS for b in PAULIS]
        want = [[sum(np.trace(p @ k @ q @ k.conj().T) for k in kraus) for q in strings] for p in strings]
        with jax.enable_x64(True):
            got = kind.transfer(jnp.asarray(values))
            np.testing.assert_allclose(
                got, np.real(want) / len(strings[0]), atol=1e-7 if name == "DepolarizingChannel" else 1e-12
            )
            if kind.unitary is not None:
                np.testing.assert_allclose(kind.matrix(jnp.asarray(values), np.dtype(complex)), kraus[0], atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.sample if i % 4 == 0 else ()) for i, n in enumerate(KINDS)]
)
def test_every_kind_is_pennylanes(name):
    """On a state that no gate leaves alone, seen by all nine two-qubit words."""
    kind = KINDS[name]
    wires = (1, 0)[: kind.wires]
    source = "number" if kind.unitary is None else "weight"
    feeds = tuple(Feed(source, i + 3 if source == "weight" else 0, 0.3) for i in range(kind.parameters))
    before = [Gate("RX", (0,), (Feed("weight", 0),)), Gate("RY", (1,), (Feed("weight", 1),)), Gate("CNOT", (0, 1))]
    before += [Gate("RZ", (0,), (Feed("weight", 2),)), Gate("RX", (1,), (Feed("angle", 0),))]
    words = tuple(((1.0, ((0, p), (1, q))),) for p in "XYZ" for q in "XYZ")
    check(Tape(2, (*before, Gate(name, wires, feeds)), (5,), 1, words), 0)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.wires == 2])
def test_halves_are_the_gate(name):
    first, second = halves(name)
    whole = np.einsum("rac,frbd->fabcd", first, second).reshape(-1, 16, 16)
    np.testing.assert_allclose(whole, KINDS[name].parts, atol=1e-12)
    assert len(first) == (16 if name in ("ISWAP", "IsingXY", "SingleExcitation") else 4)


SAMPLED = [pytest.mark.slow, pytest.mark.sample]
DAMPED = {"one_qubit": {"amplitude_damping": 0.1}, "two_qubit": {"depolarizing": 0.05}}
ANSATZE = [
    ({}, None),
    pytest.param({"entangler": "CZ", "encoding": "RY", "rotation": "RX", "reupload": True}, None, marks=SAMPLED),
    pytest.param({"pattern": "chain"}, DAMPED, marks=SAMPLED),
]


@pytest.mark.parametrize("options, noise", ANSATZE)
def test_an_ansatz_as_a_tape_is_the_engines_circuit(options, noise):
    """The generic chain and the dense simulation; `expectations` itself would take the engine."""
    rng = np.random.default_rng(0)
    w, x = (jnp.asarray(rng.uniform(-3, 3, shape).astype("float32")) for shape in ((2, 5), (3, 5)))
    tape = of_ansatz(Ansatz(5, 2, **options), Noise.of(noise))
    want = make_engine("chain", 5, 2, noise=noise, **options)(w, x)
    np.testing.assert_allclose(jax.jit(partial(exact.words, tape))(w, x), want, atol=1e-5)
    np.testing.assert_allclose(expectations(tape, w, x, engine="dense"), want, atol=1e-5)
    np.testing.assert_allclose(expectations(tape, w, x), want, atol=1e-6)


@pytest.mark.slow
@pytest.mark.sample
def test_a_hundred_qubits_are_the_tuned_chain():
    rng = np.random.default_rng(1)
    w, x = (jnp.asarray(rng.uniform(-3, 3, shape).astype("float32")) for shape in ((2, 100), (2, 100)))
    engine = make_engine("chain", 100, 2)
    got, want = (
        jax.jit(jax.value_and_grad(lambda w, f=f: jnp.sum(jnp.cos(f(w, x)) * jnp.arange(100))))(w)
        for f in (partial(exact.words, of_ansatz(Ansatz(100, 2))), engine)
    )
    np.testing.assert_allclose(got[0], want[0], rtol=1e-5)
    np.testing.assert_allclose(got[1], want[1], atol=1e-4)


@pytest.mark.slow
@pytest.mark.sample
def test_scripts_of_many_gates():
    """What PennyLane knows and we do not is decomposed; SWAP changes names; words and matrices are read."""
    weights = np.random.default_rng(2).uniform(0, 6, (2, 4, 3))

    def circuit():
        qml.StronglyEntanglingLayers(weights, wires=range(4), ranges=[1, 1])
        qml.U3(0.1, 0.2, 0.3, wires=0)
        qml.U2(0.2, 0.3, wires=1)
        qml.PhaseShift(0.4, wires=2)
        qml.SWAP([0, 1])
        qml.CRot(0.1, 0.2, 0.3, wires=[1, 2])
        qml.ControlledPhaseShift(0.7, wires=[2, 3])
        qml.CPhase(0.3, wires=[3, 0])
        qml.MultiRZ(0.5, wires=[1, 3])
        qml.adjoint(qml.RX(0.2, wires=3))
        qml.adjoint(qml.T(3))
        qml.QubitUnitary(qml.matrix(qml.Rot(0.1, 0.7, 0.3, wires=0)), wires=0)
        matrix = qml.matrix(qml.X(0) @ qml.X(1) + qml.Z(0))
        return [
            qml.expval(qml.Z(0)),
            qml.expval(0.5 * qml.X(0) @ qml.Y(2) - 2 * qml.Z(3) + 1.5 * qml.I(1)),
            qml.expval(qml.Hermitian(matrix, [1, 3])),
            qml.expval(qml.Hadamard(2)),
        ]

    def three():
        qml.RY(0.3, 0)
        qml.Toffoli([0, 1, 2])
        qml.DoubleExcitationPlus(0.4, [0, 1, 2, 3])
        return [qml.expval(qml.X(i)) for i in range(4)]

    for function, engines in ((circuit, ("chain", "dense")), (three, ("dense",))):
        tape, values = of_script(qml.tape.make_qscript(function)())
        want = qml.QNode(function, qml.device("default.qubit", wires=4))()
        with jax.enable_x64(True):
            for engine in engines:
                got = expectations(tape, values, np.zeros((1, 0)), engine=engine)[0]
                np.testing.assert_allclose(got, want, atol=1e-10)


def test_names_of_wires_are_kept_in_order():
    def circuit():
        qml.RX(0.3, "b")
        qml.CNOT(["b", "a"])
        return qml.expval(qml.Z("a"))

    script = qml.tape.make_qscript(circuit)()
    assert of_script(script)[0].gates[1].wires == (0, 1)
    assert of_script(script, ["a", "b"])[0].gates[1].wires == (1, 0)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Tape(1, (Gate("RX", (0,)),)), "RX takes 1 parameters, got 0"),
        (lambda: Tape(1, (Gate("CNOT", (0, 1)),)), "must act on qubits 0 .. 0"),
        (lambda: Tape(2, (Gate("CNOT", (0, 0)),)), "acts on 2 qubits"),
        (lambda: Tape(1, (Gate("Rot", (0,)),)), "got 'Rot'"),
        (lambda: Tape(1, (Gate("RX", (0,), (Feed("angle", 0),)),)), "one of 0 angles"),
        (lambda: Tape(2, (), observables=(((1.0, ((1, "Z"), (0, "Z"))),),)), "sort it"),
        (lambda: Tape(0, ()), "at least 1 qubit"),
        (lambda: of_script(qml.tape.QuantumScript([], [qml.probs(0)])), "return qml.expval"),
        (lambda: of_script(qml.tape.QuantumScript([qml.RX(np.ones(2), 0)], [])), "use jax.vmap"),
        (lambda: of_script(qml.tape.QuantumScript([qml.ThermalRelaxationError(0.1, 1, 1, 0.1, 0)])), "ThermalRel"),
    ],
)
def test_what_is_no_tape_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()


def far(n):
    """Every pair of qubits meets once: the middle cut is crossed by n^2 / 4 gates."""
    feed = (Feed("weight", 0),)
    gates = tuple(Gate("CRX", (i, j), feed) for i in range(n) for j in range(i + 1, n))
    return Tape(n, (*(Gate("Hadamard", (i,)) for i in range(n)), *gates), (1,))


def test_costs_are_known_before_anything_runs():
    tape = of_ansatz(Ansatz(19, 3))
    costs = cost(tape)
    assert costs.cuts == (4**6,) * 18 and costs.largest < 4**6
    assert costs.chain < costs.dense and chosen(tape) == "chain"
    assert chosen(far(12)) == "dense" and cost(far(12)).chain is None
    assert cost(far(100)).dense is None


def test_where_no_engine_can_both_costs_are_said():
    with pytest.raises(InputError, match="environments may hold 2\\^5000 numbers, a dense simulation takes 2\\^100;"):
        expectations(far(100), np.ones(1), np.zeros((1, 0)))
    with pytest.raises(InputError, match="got 2\\^100"):
        expectations(far(100), np.ones(1), np.zeros((1, 0)), engine="dense")


def test_a_cut_of_too_many_gates_is_refused_with_its_size():
    layers = [Gate("IsingXY", (i, i + 1), (Feed("number", factor=0.1 + i),)) for _ in range(6) for i in range(29)]
    with pytest.raises(InputError, match="at most 131072 values"):
        expectations(Tape(30, tuple(layers)), np.zeros(0), np.zeros((1, 0)), engine="chain")
