"""The forms of the sweep are exact equals, in value and gradient, and all of them lower for a GPU."""

import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from qcxr.circuits import associative, chain, forms, make_engine, walk
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.circuits.structure import plan
from qcxr.errors import InputError
from qcxr.study.blind import blindness
from qcxr.study.circuit import FORM_LAYERS, FORM_NAMES

CLEAN = Noise.of(None)
DAMPED = Noise.of({"one_qubit": {"depolarizing": 0.02}, "two_qubit": {"amplitude_damping": 0.1}})
SMALL = [(Ansatz(3, 2), CLEAN), (Ansatz(7, 1), DAMPED)]  # of 5 inner qubits 4 make one step of `fused`
MORE = [
    (Ansatz(2, 2), CLEAN),
    (Ansatz(5, 2, entangler="CZ", rotation="RX"), CLEAN),
    (Ansatz(7, 2, pattern="chain", reupload=True), CLEAN),
]
LARGE = [(Ansatz(40, 3), CLEAN), (Ansatz(6, 2), DAMPED), (Ansatz(5, 3, rotation="RX"), CLEAN)]
SAMPLE = [pytest.mark.slow, pytest.mark.sample]
KERNEL = "__gpu$xla.gpu.triton"


def found(form, ansatz, noise, batch=5):
    """Values, and gradients of a weighted sum of them."""
    rng = np.random.default_rng(ansatz.n_qubits)
    w = jnp.asarray(rng.uniform(0, 2 * np.pi, (ansatz.n_layers, ansatz.n_qubits)))
    x = jnp.asarray(rng.uniform(-1.5, 1.5, (batch, ansatz.n_qubits)))
    weight = jnp.asarray(rng.normal(size=(batch, ansatz.n_qubits)))

    def total(w, x):
        z = chain.expectations(ansatz, w, x, noise, form=form)
        return (weight * z).sum(), z

    (_, z), slopes = jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))(w, x)
    return z, *slopes


@pytest.fixture
def interpreted(monkeypatch):
    """The kernel itself, by Pallas's interpreter, in place of the scan that stands for it on a CPU."""
    known = forms.sweep
    monkeypatch.setattr(chain, "sweep", lambda form: walk.sweep if form == "walk" else known(form))


@functools.cache
def reference(ansatz, noise, batch):
    return found("scan", ansatz, noise, batch)


def check(form, ansatz, noise, batch=5):
    with jax.enable_x64(True):
        for got, want in zip(found(form, ansatz, noise, batch), reference(ansatz, noise, batch), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-12)


def named(value):
    return f"{value[0].n_qubits}-{value[0].n_layers}-{value[0].rotation}" if isinstance(value, tuple) else value


@pytest.mark.parametrize("case", [*SMALL, *(pytest.param(case, marks=SAMPLE) for case in MORE)], ids=named)
@pytest.mark.parametrize("form", ["fused", "associative", "walk"])
def test_forms_are_equal(form, case, interpreted):
    """Of 37 samples: more than a warp has lanes."""
    check(form, *case, batch=37)


@pytest.mark.parametrize("form, case", [
    ("associative", (Ansatz(5, 3), CLEAN)),
    *(pytest.param(form, case, marks=SAMPLE) for form in ("fused", "associative") for case in LARGE),
], ids=named)  # fmt: skip
def test_forms_are_equal_where_there_is_more_to_multiply(form, case):
    check(form, *case)


@pytest.mark.slow
@pytest.mark.parametrize("case", [(Ansatz(5, 3), CLEAN), LARGE[1]], ids=named)
def test_the_walk_is_equal_where_it_takes_minutes_to_interpret(case, interpreted):
    check("walk", *case)


def test_on_a_cpu_the_walk_is_the_scan():
    for got, want in zip(found("walk", Ansatz(4, 1), CLEAN), found("scan", Ansatz(4, 1), CLEAN), strict=True):
        np.testing.assert_array_equal(got, want)


def test_forward_mode_through_transfer_matrices():
    ansatz, x = Ansatz(3, 1), jnp.linspace(-1, 1, 6).reshape(2, 3)
    w = jnp.linspace(0, 2, 3).reshape(1, 3)
    total = jax.jit(lambda w: chain.expectations(ansatz, w, x, CLEAN, form="associative").sum())
    slope = jax.jvp(total, (w,), (jnp.ones_like(w),))[1]
    assert float(slope) == pytest.approx(float(jax.grad(total)(w).sum()), abs=1e-5)


def lowered(engine, n, layers, platforms=("cuda",)):
    """A step's program for platforms that need not be there."""
    step = jax.jit(jax.value_and_grad(lambda w, x: engine(w, x).sum(), (0, 1)))
    program = export.export(step, platforms=platforms, disabled_checks=[export.DisabledSafetyCheck.custom_call(KERNEL)])
    return program(jnp.zeros((layers, n), jnp.float32), jnp.zeros((32, n), jnp.float32)).mlir_module()


@pytest.mark.parametrize("form", FORM_NAMES)
def test_a_step_lowers_for_a_gpu_without_a_form_for_cpus(form):
    text = lowered(make_engine("chain", 12, 2, form=form), 12, 2)
    calls = set(re.findall(r"stablehlo.custom_call @([\w$.]+)", text))
    assert calls == ({KERNEL} if form == "walk" else set())
    assert text.count(f"@{KERNEL}") == 2 * (form == "walk")  # forward and backward
    assert (text.count("stablehlo.while") > 0) == (form in ("scan", "fused"))


def test_what_auto_chooses_is_the_platforms_that_the_step_is_lowered_for():
    """At 11 qubits `cost` expects the chain to be faster on a CPU, the state vector on a GPU."""
    cpu, gpu = (lowered(make_engine("auto", 11, 3), 11, 3, (platform,)) for platform in ("cpu", "cuda"))
    state = "x2048xf32>"
    assert state not in cpu and (state in gpu or "65536xf32>" in gpu)


@pytest.mark.parametrize("rotation, entangler, reupload", [
    ("RY", "CNOT", False),
    *(pytest.param(*case, marks=SAMPLE) for case in itertools.product(("RX", "RY"), ("CNOT", "CZ"), (False, True))),
])  # fmt: skip
def test_a_form_takes_the_layers_that_it_is_said_to_take(rotation, entangler, reupload):
    """Products and bonds are counted at the limits of `FORM_LAYERS`."""
    for pattern, encoding, damped in itertools.product(("ring", "chain"), ("RX", "RY", "RZ"), (False, True)):
        more = damped or (reupload and encoding != rotation)
        for form, layers in FORM_LAYERS.items():
            ansatz = Ansatz(6, layers[pattern][more], encoding, rotation, entangler, pattern, reupload)
            if blindness(ansatz, 6, ansatz.n_layers) is not None:
                continue
            table = plan(ansatz, damped, damped)
            if form == "walk":
                assert walk.fits(table), ansatz
            else:
                place = associative._geometry(table)
                assert max(*place.step_left.shape, *place.step_right.shape) <= 128, ansatz


def test_one_layer_more_is_too_much_to_write_out():
    assert not walk.fits(plan(Ansatz(6, 4), False, False)) and not walk.fits(plan(Ansatz(6, 3), True, True))


def test_a_form_that_cannot_run_a_circuit_is_refused_in_one_line():
    with pytest.raises(InputError) as caught:
        make_engine("chain", 8, 4, form="walk")
    assert str(caught.value) == (
        "layers must be <= 3 for the form walk with these gates and this noise, got 4; lower it, or set form to scan "
        "or fused or associative"
    )
    with pytest.raises(InputError, match="layers must be <= 2 for the form walk"):
        make_engine("auto", 8, 3, form="walk", noise={"two_qubit": {"amplitude_damping": 0.1}})
    with pytest.raises(InputError, match="form must be one of scan, fused, associative, walk, got 'scans'; set form"):
        make_engine("chain", 3, 1, form="scans")
    with pytest.raises(InputError, match="engine 'statevector' takes the options"):
        make_engine("statevector", 3, 1, form="scan")
    make_engine("chain", 8, 30, pattern="none", form="walk")
