"""`qcxr draw`: the circuit on standard output."""

from PIL import Image

from qcxr.cli import main


def test_draw_prints_the_circuit(capsys):
    assert main(["draw", "--qubits", "3", "--layers", "1", "--png", "c.png"]) == 0
    assert capsys.readouterr().out.count("RY(w0,") == 3
    with Image.open("c.png") as picture:
        assert picture.size[0] > 200
