"""The figure of all findings."""

from PIL import Image

from qcxr.phantom import demo


def test_gallery_is_a_small_picture(tmp_path):
    demo.gallery(tmp_path / "docs" / "findings.png", seed=4)
    with Image.open(tmp_path / "docs" / "findings.png") as figure:
        assert figure.width > 800 and figure.height > 600
        grays = [value for value in figure.convert("L").histogram() if value]
    assert len(grays) > 20
    assert (tmp_path / "docs" / "findings.png").stat().st_size < 400_000
