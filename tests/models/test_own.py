"""The dressed head around a user's own circuit: its logits, what trains, and its weights file without its code."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import classifier
from qcxr.models.contracts import Fixed
from qcxr.models.heads.create import create
from qcxr.study import function as files

from .conftest import build

PRODUCT = """
import pennylane as qml

def product(weights, angles):
    for i in range(len(angles)):
        qml.Hadamard(i)
        qml.RY(angles[i], i)
        qml.RY(weights[0, i], i)
        qml.RY(weights[1, i], i)
    return [qml.expval(qml.Z(i)) for i in range(len(angles))]
"""


@pytest.fixture
def options(tmp_path):
    (tmp_path / "mine.py").write_text(PRODUCT)
    function = f"{tmp_path}/mine.py:product"
    return {"function": function, "weights": [2, "labels"], "digest": files.digest(function)}


@pytest.mark.parametrize("init", ["uniform", "small", "zeros"])
def test_the_product_circuit_written_by_a_user_is_the_head_product(options, init):
    """To the bit at the start, and to rounding in the logits."""
    ours = create("circuit", 12, 3, key=jax.random.key(4), options={**options, "init": init})
    theirs = create("product", 12, 3, key=jax.random.key(4), options={"layers": 2, "init": init})
    assert all(map(np.array_equal, *(jax.tree.leaves(nnx.state(head)) for head in (ours, theirs))))
    features = jnp.asarray(np.random.default_rng(0).standard_normal((5, 12), np.float32))
    np.testing.assert_allclose(nnx.jit(ours)(features), nnx.jit(theirs)(features), atol=1e-5)


def test_its_circuit_may_stay_as_drawn(options):
    head = create("circuit", 12, 3, key=jax.random.key(4), options={**options, "train_circuit": False})
    assert [path for path, _ in nnx.to_flat_state(nnx.state(head, Fixed))] == [("quantum",)]


def test_its_weights_file_wants_the_file_as_it_was(options, tmp_path):
    network, saved = build(head="circuit", head_options=options), tmp_path / "best.safetensors"
    classifier.save(saved, network)
    assert b"Hadamard" not in saved.read_bytes()
    (tmp_path / "mine.py").write_text("# the same\n" + PRODUCT)
    restored, _ = classifier.restore(saved)
    np.testing.assert_array_equal(restored.head.quantum[...], network.head.quantum[...])
    (tmp_path / "mine.py").write_text(PRODUCT.replace("qml.RY(angles", "qml.RX(angles"))
    with pytest.raises(InputError, match=r"mine.py must say what it said when this head was made \(digest"):
        classifier.restore(saved)
    (tmp_path / "mine.py").unlink()
    with pytest.raises(InputError, match=r"mine.py does not exist; set head.circuit.function to a file that does"):
        classifier.restore(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": None}, "head.circuit.function must name a PennyLane quantum function, got none; write it as"),
        ({"layers": 2}, "layers|has no option"),
        ({"turns": 2}, "head 'circuit' has no option 'turns'; allowed: init, train_circuit, function, weights"),
        ({"engine": "statevector"}, "engine must be one of auto, chain, dense, got 'statevector'"),
        ({"init": "ones"}, "init must be one of uniform, normal, small, zeros, got 'ones'"),
    ],
)
def test_bad_options_are_refused(options, changes, message):
    with pytest.raises(InputError, match=message):
        create("circuit", 12, 3, key=jax.random.key(0), options={**options, **changes})
