"""Table III's rows are the steps that were taken, and the steps train."""

import pandas as pd

from qcxr.bench import steps
from qcxr.bench.models import DEMO
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Train

SMALL = Backbone(name="resnet", config=DEMO["config"] | {"hidden_sizes": [4, 8], "embedding_size": 4, "depths": [1, 1]})


def test_timed_steps_are_a_row_each(tmp_path):
    cases = [
        steps.Case(
            "cxr8", head, 8, Recipe(head, options, SMALL, Image(resize=32, crop=32), Augment(), Train(batch_size=4))
        )
        for head, options in (("cdl", {}), ("dqc", {"layers": 1}))
    ]
    table = steps.time_steps(cases, tmp_path / "b.csv", steps=3, warm_up=1)
    assert pd.read_csv(tmp_path / "b.csv").equals(table)
    assert table.groupby(["task", "head", "framework"]).size().to_dict() == {
        ("cxr8", "cdl", "jax"): 3,
        ("cxr8", "dqc", "jax"): 3,
    }
    assert (table["seconds"] > 0).all()


def test_a_step_learns(tmp_path):
    """The timed step is a training step: on zeros with zero labels the loss falls."""
    recipe = Recipe("cdl", {}, SMALL, Image(resize=16, crop=16), Augment(), Train(batch_size=4, learning_rate=1e-2))
    step = steps.training_step(3, recipe)
    losses = [step() for _ in range(10)]
    assert losses[-1] < losses[0]
