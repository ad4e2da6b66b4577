"""No product of arrays in less than full precision: on recent GPUs the default is TF32."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise, Rates, make_engine
from qcxr.circuits.sampling import sample
from qcxr.circuits.tapes import expectations, of_ansatz

HIGHEST = jax.lax.Precision.HIGHEST
NOISE = Noise(Rates(0.01, 0.02, 0.03, 0.04, 0.05), Rates(depolarizing=0.01), 0.01, 0.02)
CASES = [
    ("chain", 3, {}),
    ("chain", 3, {"rotation": "RX", "reupload": True}),
    ("chain", 4, {"entangler": "CZ"}),
    ("chain", 2, {"pattern": "none"}),
    ("chain", 2, {"noise": NOISE}),
    ("statevector", 3, {}),
    ("statevector", 2, {"rotation": "RX", "reupload": True}),
    ("statevector", 2, {"permutation_seed": 1, "entangler": "CZ"}),
]


def dots(jaxpr):
    """All dots of a program, also of those inside it."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            yield equation
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns")):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from dots(inner)


@pytest.mark.parametrize("name, layers, options", CASES)
def test_every_dot_of_value_and_gradient_asks_for_the_highest_precision(name, layers, options):
    noise = options.get("noise")
    engine = make_engine(name, 4, layers, **options)
    args = np.ones((layers, 4), np.float32), np.ones((2, 4), np.float32)
    if "noise" in options:
        step = jax.value_and_grad(lambda w, x, noise: jnp.sum(engine(w, x, noise=noise)), (0, 1, 2))
        args += (jax.tree.map(jnp.float32, noise),)
    else:
        step = jax.value_and_grad(lambda w, x: jnp.sum(engine(w, x)), (0, 1))
    in_full_precision(step, *args)


def in_full_precision(step, *args):
    found = list(dots(jax.make_jaxpr(step)(*args).jaxpr))
    assert found
    assert {equation.params["precision"] for equation in found} == {(HIGHEST, HIGHEST)}


@pytest.mark.parametrize("noise", [None, NOISE], ids=["pure", "noisy"])
def test_so_does_every_dot_of_a_sample(noise):
    engine = make_engine("chain", 4, 3, noise=noise)
    draw = functools.partial(sample, engine, shots=5, key=jax.random.key(0))
    in_full_precision(draw, np.ones((3, 4), np.float32), np.ones((2, 4), np.float32))


@pytest.mark.parametrize("noise", [None, Noise(Rates(0.01, amplitude_damping=0.1), Rates(0.02))], ids=["pure", "noisy"])
@pytest.mark.parametrize("engine", ["chain", "dense"])
def test_so_does_every_dot_of_a_tape(engine, noise):
    tape = of_ansatz(Ansatz(4, 2, reupload=True, rotation="RX"), noise)
    step = jax.value_and_grad(lambda w, x: jnp.sum(expectations(tape, w, x, engine=engine)), (0, 1))
    in_full_precision(step, np.ones((2, 4), np.float32), np.ones((2, 4), np.float32))
