"""`qcxr draw`: the circuit on standard output."""

import pytest
from PIL import Image

from qcxr.cli import main


def test_draw_prints_the_circuit(capsys):
    assert main(["draw", "--qubits", "3", "--layers", "1", "--png", "c.png"]) == 0
    assert capsys.readouterr().out.count("RY(w0,") == 3
    with Image.open("c.png") as picture:
        assert picture.size[0] > 200


@pytest.fixture
def mine(tmp_path):
    """A configuration of several heads with circuits, one of them written beside it."""
    file = tmp_path / "mine.py"
    file.write_text(
        "import pennylane as qml\n\n"
        "def f(weights, angles):\n"
        "    for i in range(len(angles)):\n"
        "        qml.RY(angles[i], i)\n"
        "        qml.RX(weights[0, i] * weights[0, i], i)\n"
        "        qml.CNOT([i, (i + 1) % len(angles)])\n"
        "        qml.RY(weights[1, i], i)\n"
        "    return [qml.expval(qml.Z(i)) for i in range(len(angles))]\n"
    )
    own = tmp_path / "own.yaml"
    own.write_text(
        f"heads: [cdl, dqc, permuted, product, mine: {{kind: circuit, function: {file}:f, weights: [2, labels]}}]\n"
        "label_sets: {few: [Mass, Edema, Effusion]}\ntasks: [few, cxr8]\n"
    )
    return str(own)


def draw(capsys, *words):
    assert main(["draw", *words]) == 0
    return capsys.readouterr().out


def test_an_own_circuit_is_drawn_with_the_names_of_what_feeds_it(capsys, mine):
    text = draw(capsys, "--configfile", mine, "--head", "mine", "--png", "c.png")
    assert len(text.strip().splitlines()) == 3
    assert all(f"RY(x{i})" in text and f"RY(w1,{i})" in text for i in range(3)) and text.count("RX(f(w))") == 3
    with Image.open("c.png") as picture:
        assert picture.size[0] > 200


def test_costs_are_said_of_every_circuit(capsys, mine):
    """The paper's table of products (docs/circuits.md) per inner qubit, times the qubits."""
    paper = draw(capsys, "--qubits", "19", "--cost")
    assert "largest environment of the chain: 208 numbers" in paper and f"chain *      {19 * 2608:,}" in paper
    rows = {
        head: draw(capsys, "--configfile", mine, "--head", head, "--task", "cxr8", "--cost")
        for head in ("permuted", "product", "mine")
    }
    assert "statevector *" in rows["permuted"] and "takes gates between neighbours only" in rows["permuted"]
    assert rows["product"].startswith("computed in closed form")
    assert "products per film (values)" in rows["mine"] and "dense" in rows["mine"] and "* runs it" in rows["mine"]


def test_a_head_without_a_circuit_is_refused(capsys, mine):
    assert main(["draw", "--configfile", mine, "--head", "cdl"]) == 1
    assert (
        "a head with a circuit must be of dqc, random, permuted, product, circuit, got cdl" in capsys.readouterr().err
    )
    assert main(["draw", "--configfile", mine, "--head", "deep"]) == 1
    assert "--head must be one of cdl, dqc, permuted, product, mine (the study's), got deep" in capsys.readouterr().err
