"""The choice of a search, from files written by hand."""

import json
import math

import pandas as pd
import pytest

from qcxr.analysis import choice
from qcxr.errors import InputError

TRIALS = {0: {"train.learning_rate": 0.1}, 1: {"train.learning_rate": 0.01}, 2: {"train.learning_rate": 0.001}}
ABOUT = {"task": "cxr8", "head": "dqc", "seed": 1000, "metric": "auroc"}


def scored(folder, values):
    folders = []
    for n, value in enumerate(values):
        rows = [
            {"label": "Mass", "metric": "auroc", "value": 1 - value},
            {"label": "mean", "metric": "auroc", "value": value},
            {"label": "mean", "metric": "average_precision", "value": 1 - value},
        ]
        trial = folder / f"{n}"
        (trial / "metrics").mkdir(parents=True)
        pd.DataFrame(rows).to_csv(trial / "metrics/validation.csv", index=False)
        (trial / "run.json").write_text(json.dumps({"stopped": "patience", "best_val_loss": 0.1}))
        folders.append(trial)
    return folders


def run_of(folder, n, *, loss=None, stopped="patience"):
    (folder / f"{n}").mkdir(exist_ok=True)
    (folder / f"{n}/run.json").write_text(json.dumps({"stopped": stopped, "best_val_loss": loss}))
    return folder / f"{n}"


@pytest.mark.parametrize(
    ("metric", "values", "trial"),
    [
        ("auroc", [0.5, 0.7, 0.6], 1),
        ("average_precision", [0.5, 0.7, 0.6], 0),
        ("auroc", [0.7, 0.7, 0.6], 0),  # the first of equals
        ("auroc", [math.nan, 0.4, math.nan], 1),
    ],
)
def test_the_best_trial_is_chosen_on_the_mean_over_labels(tmp_path, metric, values, trial):
    found = choice.choose(
        scored(tmp_path, values), tmp_path / "c.json", trials=TRIALS, about={**ABOUT, "metric": metric}
    )
    assert found["trial"] == trial and found["values"] == TRIALS[trial]
    assert json.loads((tmp_path / "c.json").read_text()) == found


def test_the_lowest_loss_is_the_best(tmp_path):
    folders = [run_of(tmp_path, n, loss=loss) for n, loss in enumerate([0.3, 0.2, 0.25])]
    found = choice.choose(folders, tmp_path / "c.json", trials=TRIALS, about={**ABOUT, "metric": "loss"})
    assert found["trial"] == 1 and found["lower_is_better"]


@pytest.mark.parametrize("metric", ["auroc", "loss"])
def test_a_trial_that_diverged_is_never_chosen(tmp_path, metric):
    folders = scored(tmp_path, [0.9, 0.7, 0.6])
    run_of(tmp_path, 0, loss=0.01, stopped="diverged")
    run_of(tmp_path, 1, loss=0.02)
    found = choice.choose(folders, tmp_path / "c.json", trials=TRIALS, about={**ABOUT, "metric": metric})
    assert found["trial"] == 1 and found["trials"][0]["value"] is None


def test_no_score_at_all_is_refused(tmp_path):
    with pytest.raises(InputError, match="none of the trials has a score on the validation split"):
        choice.choose(scored(tmp_path, [math.nan] * 3), tmp_path / "c.json", trials=TRIALS, about=ABOUT)
    assert not (tmp_path / "c.json").exists()


def test_all_trials_are_one_tidy_table(tmp_path):
    choice.choose(scored(tmp_path / "dqc", [0.5, 0.7, 0.6]), tmp_path / "dqc.json", trials=TRIALS, about=ABOUT)
    plain = {0: {"head.layers": 1}, 1: {"head.layers": 2}, 2: {"head.layers": 3}}
    choice.choose(
        scored(tmp_path, [0.9, 0.1, 0.2]), tmp_path / "p.json", trials=plain, about={**ABOUT, "head": "product"}
    )
    table = choice.collect([tmp_path / "dqc.json", tmp_path / "p.json"], tmp_path / "search.csv")
    assert list(table.columns) == [
        *("task", "head", "trial", "seed", "metric", "value", "lower_is_better", "chosen"),
        *("head.layers", "train.learning_rate"),
    ]
    assert len(table) == 6 and table[table["chosen"]][["head", "trial"]].to_numpy().tolist() == [
        ["dqc", 1],
        ["product", 0],
    ]
    assert table.query("head == 'dqc'")["head.layers"].isna().all()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "search.csv"), table, check_dtype=False)
