"""The engine that `auto` takes."""

import pytest

from qcxr.circuits import Ansatz
from qcxr.circuits.cost import choose, milliseconds, products


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
    ],
)
def test_auto_takes_the_engine_that_can_and_is_cheap(ansatz, batch, noisy, engine):
    assert choose(ansatz, batch, noisy=noisy, platform="cpu") == engine


def test_cost_grows_as_it_must():
    cost = [milliseconds(Ansatz(n, 3), 32) for n in (10, 20)]
    assert cost[1]["chain"] < 2.1 * cost[0]["chain"]
    assert cost[1]["statevector"] > 500 * cost[0]["statevector"]
    assert products(Ansatz(9, 2)) < products(Ansatz(9, 3)) < products(Ansatz(9, 3), damps=True)


def test_operation_count_of_the_papers_circuit_does_not_depend_on_the_width():
    assert products(Ansatz(8, 3)) == products(Ansatz(100, 3)) < 8000
