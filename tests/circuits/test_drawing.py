"""The drawing shows every gate, and the PNG is one."""

import pytest
from PIL import Image

from qcxr.circuits import Ansatz
from qcxr.circuits.drawing import draw
from qcxr.errors import InputError


def test_text_and_png_show_the_circuit(tmp_path):
    png = tmp_path / "circuit.png"
    text = draw(Ansatz(3, 2), png=png)
    assert len(text.splitlines()) == 3
    assert text.count("H") == 3 and text.count("●") == text.count("X) ") + 6
    for name in ["RY(x2)", *(f"RY(w{layer},{i})" for layer in range(2) for i in range(3))]:
        assert name in text
    with Image.open(png) as image:
        assert image.format == "PNG" and min(image.size) > 100
    assert [p.name for p in tmp_path.iterdir()] == ["circuit.png"]


def test_noise_and_options_are_drawn():
    text = draw(Ansatz(2, 1, rotation="RX", entangler="CZ"), noise={"two_qubit": {"bit_flip": 0.25}})
    assert "RX(w0,1)" in text and text.count("BitFlip(0.25)") == 2


def test_too_many_wires_for_a_figure(tmp_path):
    with pytest.raises(InputError, match="a figure can show at most 30 qubits, got 31"):
        draw(Ansatz(31, 1), png=tmp_path / "wide.png")
