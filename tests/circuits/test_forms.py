"""The forms of the sweep are exact equals, in value and gradient, and all of them lower for a GPU."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from qcxr.circuits import associative, chain, environments, walk
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.circuits.structure import plan

FORMS = {"scan": environments.sweep, "associative": associative.sweep, "walk": walk.sweep}
CLEAN = Noise.of(None)
DAMPED = Noise.of({"one_qubit": {"depolarizing": 0.02}, "two_qubit": {"amplitude_damping": 0.1}})
SMALL = [
    (Ansatz(2, 2), CLEAN),
    (Ansatz(3, 2), CLEAN),
    (Ansatz(6, 1), DAMPED),
    (Ansatz(5, 2, entangler="CZ", rotation="RX"), CLEAN),
    (Ansatz(7, 2, pattern="chain", reupload=True), CLEAN),
]
LARGE = [(Ansatz(5, 3), CLEAN), (Ansatz(40, 3), CLEAN), (Ansatz(6, 2), DAMPED), (Ansatz(5, 3, rotation="RX"), CLEAN)]


def found(form, ansatz, noise, batch=5):
    """Values, and gradients of a weighted sum of them."""
    rng = np.random.default_rng(ansatz.n_qubits)
    w = jnp.asarray(rng.uniform(0, 2 * np.pi, (ansatz.n_layers, ansatz.n_qubits)))
    x = jnp.asarray(rng.uniform(-1.5, 1.5, (batch, ansatz.n_qubits)))
    weight = jnp.asarray(rng.normal(size=(batch, ansatz.n_qubits)))

    def total(w, x):
        z = chain.expectations(ansatz, w, x, noise)
        return (weight * z).sum(), z

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "sweep", form)
        (_, z), slopes = jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))(w, x)
    return z, *slopes


def check(form, ansatz, noise):
    with jax.enable_x64(True):
        for got, want in zip(found(FORMS[form], ansatz, noise), found(FORMS["scan"], ansatz, noise), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("case", SMALL, ids=str)
@pytest.mark.parametrize("form", ["associative", "walk"])
def test_forms_are_equal(form, case):
    check(form, *case)


@pytest.mark.parametrize("case", LARGE, ids=str)
def test_products_of_transfer_matrices_are_equal(case):
    check("associative", *case)


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE[:1] + LARGE[2:3], ids=str)
def test_the_walk_is_equal_where_it_takes_minutes_to_interpret(case):
    check("walk", *case)


def test_more_samples_than_a_warp_has_lanes():
    with jax.enable_x64(True):
        got, want = (found(FORMS[form], Ansatz(3, 2), CLEAN, batch=37) for form in ("walk", "scan"))
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)


def test_forward_mode_through_transfer_matrices(monkeypatch):
    monkeypatch.setattr(chain, "sweep", associative.sweep)
    ansatz, x = Ansatz(4, 2), jnp.linspace(-1, 1, 8).reshape(2, 4)
    w = jnp.linspace(0, 2, 8).reshape(2, 4)
    slope = jax.jvp(lambda w: chain.expectations(ansatz, w, x, CLEAN).sum(), (w,), (jnp.ones_like(w),))[1]
    want = jax.grad(lambda w: chain.expectations(ansatz, w, x, CLEAN).sum())(w).sum()
    assert float(slope) == pytest.approx(float(want), abs=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_step_lowers_for_a_gpu_without_a_form_for_cpus(form, monkeypatch):
    monkeypatch.setattr(chain, "sweep", FORMS[form])
    ansatz = Ansatz(6, 2)
    step = jax.jit(jax.value_and_grad(lambda w, x: chain.expectations(ansatz, w, x, CLEAN).sum(), (0, 1)))
    kernel = export.DisabledSafetyCheck.custom_call("__gpu$xla.gpu.triton")
    lowered = export.export(step, platforms=["cuda"], disabled_checks=[kernel])
    text = lowered(jnp.zeros((2, 6), jnp.float32), jnp.zeros((32, 6), jnp.float32)).mlir_module()
    calls = set(re.findall(r"stablehlo.custom_call @([\w$.]+)", text))
    assert calls == ({"__gpu$xla.gpu.triton"} if form == "walk" else set())
    assert text.count("@__gpu$xla.gpu.triton") == 2 * (form == "walk")  # forward and backward
    assert (text.count("stablehlo.while") > 0) == (form == "scan")


def test_what_is_too_much_to_write_out_is_known():
    assert walk.fits(plan(Ansatz(8, 3), False, False)) and not walk.fits(plan(Ansatz(8, 4), False, False))
