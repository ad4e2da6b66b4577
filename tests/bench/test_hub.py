"""The hub's benchmark refuses what it does not know."""

import pytest

from qcxr.bench import hub


def test_a_model_that_it_does_not_know_is_one_line(capsys):
    with pytest.raises(SystemExit):
        hub.main(["--models", "vit-s,foo"])
    assert "error: --models must be of vit-s, vit-b, rad-dino, got 'foo'" in capsys.readouterr().err
