"""The engine that `auto` takes."""

import pytest

from qcxr.circuits import Ansatz, Noise, Rates
from qcxr.circuits.cost import choose, milliseconds, products
from qcxr.circuits.support import MOST_PRODUCTS, TooCostly
from qcxr.study.circuit import chain_layers


@pytest.mark.parametrize(
    "ansatz, batch, noisy, engine",
    [
        (Ansatz(4, 3), 32, False, "statevector"),
        (Ansatz(19, 3), 32, False, "chain"),
        (Ansatz(100, 3), 1, False, "chain"),
        (Ansatz(4, 3), 32, True, "chain"),
        (Ansatz(10, 8), 4, False, "statevector"),
        (Ansatz(10, 3, pattern="all_to_all"), 4, False, "statevector"),
        (Ansatz(4, 3, pattern="all_to_all"), 4, True, "pennylane"),
        (Ansatz(40, 3, pattern="none"), 4, False, "chain"),
        (Ansatz(1, 3), 4, False, "chain"),
        (Ansatz(4, 6), 4, True, "pennylane"),
        (Ansatz(40, 7, pattern="chain"), 4, False, "chain"),
    ],
)
def test_auto_takes_the_engine_that_can_and_is_cheap(ansatz, batch, noisy, engine):
    noise = Noise(two_qubit=Rates(bit_flip=0.1)) if noisy else Noise()
    assert choose(ansatz, batch, noise=noise, platform="cpu") == engine


def test_cost_grows_as_it_must():
    cost = [milliseconds(Ansatz(n, 3), 32) for n in (10, 20)]
    assert cost[1]["chain"] < 2.1 * cost[0]["chain"]
    assert cost[1]["statevector"] > 500 * cost[0]["statevector"]
    assert products(Ansatz(9, 2)) < products(Ansatz(9, 3)) < products(Ansatz(9, 3), damps=True)


@pytest.mark.parametrize(
    "options, damps",
    [
        ({"pattern": "chain"}, False),
        ({"pattern": "chain"}, True),
        ({"pattern": "chain", "reupload": True, "encoding": "RZ"}, True),
        ({"pattern": "chain", "entangler": "CZ", "rotation": "RX"}, False),
        ({"entangler": "CZ"}, False),
        ({"entangler": "CZ"}, True),
        ({"encoding": "RZ", "reupload": True}, True),
        pytest.param({"rotation": "RX"}, False, marks=pytest.mark.slow),
        pytest.param({}, False, marks=[pytest.mark.slow, pytest.mark.sample]),
    ],
    ids=str,
)
def test_the_deepest_chain_is_affordable(options, damps):
    layers = chain_layers(Ansatz(9, 1, **options), damps=damps)
    assert products(Ansatz(9, layers, **options), damps=damps) <= MOST_PRODUCTS


@pytest.mark.slow
def test_a_chain_that_is_not_affordable_is_given_up_before_it_fills_the_memory():
    with pytest.raises(TooCostly, match="more than 4,000,000 products per qubit and sample"):
        products(Ansatz(9, 8))


def test_operation_count_of_the_papers_circuit_does_not_depend_on_the_width():
    assert products(Ansatz(8, 3)) == products(Ansatz(100, 3)) < 8000
