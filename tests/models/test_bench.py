"""The steps that are timed train a model, in both frameworks; a case is a row. No test of a time."""

import numpy as np
import pytest

from qcxr.bench import hub
from qcxr.bench.models import COLUMNS, DEMO, FRAMEWORKS, N_LABELS, Case, jax_step, measure, table, torch_step
from qcxr.errors import InputError

SMALL = DEMO | {"config": DEMO["config"] | {"hidden_sizes": [4, 8], "embedding_size": 4, "depths": [1, 1]}}


def films(n=2, side=16):
    rng = np.random.default_rng(0)
    return rng.standard_normal((n, side, side, 3), np.float32), np.zeros((n, N_LABELS), np.float32)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_case_is_a_row(framework):
    if framework != "jax":
        pytest.importorskip("torch")
    row = measure(Case(framework, "demo", batch=2, size=16, batch_norm="batch"), repeats=2)
    assert tuple(row) == COLUMNS and row["framework"] == framework and row["batch_norm"] == "batch"
    assert row["step_seconds"] > 0 and row["films_per_second"] == pytest.approx(2 / row["step_seconds"])
    assert table([row]).splitlines()[1].split()[:2] == [framework, "demo"]


def test_both_steps_learn():
    """All labels zero: the loss of the same films falls."""
    pytest.importorskip("torch")
    arguments = (SMALL, *films(), "float32", "batch")
    for once, _ in (jax_step(*arguments, "cdl"), torch_step(*arguments, channels_last=False)):
        losses = [once() for _ in range(20)]
        assert losses[-1] < losses[0] == pytest.approx(np.log(2), abs=0.3)


def test_a_model_that_the_hubs_bench_does_not_know_is_one_line(capsys):
    with pytest.raises(SystemExit):
        hub.main(["--models", "vit-s,foo"])
    assert "error: --models must be of vit-s, vit-b, rad-dino, got 'foo'" in capsys.readouterr().err


def test_torch_has_no_efficientnet():
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="torch's side has resnet, vit and densenet, got efficientnet-lite0"):
        torch_step({"name": "efficientnet-lite0"}, *films(), "float32", "batch", channels_last=False)
