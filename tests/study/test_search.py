"""A search: its points, who takes which, and what cannot be searched."""

import math
import re

import numpy as np
import pytest

from qcxr.errors import InputError
from qcxr.study import runs
from qcxr.study.config import parse
from tests.study.studies import refusal, study

SPACE = {
    "train.learning_rate": {"log": [1e-4, 1e-1]},
    "train.weight_decay": {"linear": [0.0, 0.5]},
    "head.layers": {"integer": [1, 3]},
    "head.init": {"choice": ["uniform", "small"]},
}


def searched(trials=64, **changes):
    return parse(study(search={"trials": trials, "space": SPACE}, **changes))


def test_every_head_has_as_many_trials_at_the_same_points():
    cfg = searched()
    by_head = {head: [arm for arm in cfg.trials if arm.head == head] for head in cfg.names}
    assert {len(arms) for arms in by_head.values()} == {64}
    for own, other in zip(by_head["cdl"], by_head["dqc"], strict=True):
        assert own.variant == other.variant and own.at.items() <= other.at.items()
        assert set(own.at) == {"train.learning_rate", "train.weight_decay"} and set(other.at) == set(SPACE)
        assert cfg.trials[other].train.learning_rate == other.at["train.learning_rate"]
        assert cfg.trials[other].options()["layers"] == other.at["head.layers"]


def test_points_cover_the_space_evenly():
    at = [arm.at for arm in searched(trials=200).trials if arm.head == "dqc"]
    log_rate = np.array([math.log10(point["train.learning_rate"]) for point in at])
    assert -4 <= log_rate.min() < -3.9 and -1.1 < log_rate.max() <= -1
    assert (
        np.histogram(log_rate, bins=10, range=(-4, -1))[0] > 14
    ).all()  # 20 each; 200 random ones would leave some less
    layers = [point["head.layers"] for point in at]
    assert all(50 < layers.count(n) < 84 for n in (1, 2, 3)) and set(layers) == {1, 2, 3}
    assert 80 < [point["head.init"] for point in at].count("small") < 120
    assert len({point["train.learning_rate"] for point in at}) > 190


def test_more_trials_keep_those_that_are_there_and_another_seed_draws_others():
    few, many = searched(trials=5), searched(trials=20)
    assert [(arm.path, dict(arm.at)) for arm in few.trials] == [
        (arm.path, dict(arm.at)) for arm in many.trials if int(arm.variant.removeprefix("trial~")) < 5
    ]
    other = parse(study(search={"trials": 5, "space": SPACE, "seed": 1}))
    assert [dict(arm.at) for arm in few.trials] != [dict(arm.at) for arm in other.trials]


def test_a_head_without_any_of_the_keys_is_not_searched():
    cfg = parse(study(search={"trials": 3, "space": {"head.layers": {"choice": [1, 2]}}}))
    assert {arm.head for arm in cfg.trials} == {"dqc"}
    assert runs.choice_file(cfg, "cxr8", "cdl") is None
    assert runs.choice_file(cfg, "cxr8", "dqc").as_posix() == "results/search/cxr8/dqc.json"


def test_a_run_of_a_seed_has_what_was_chosen_and_its_own_variant():
    cfg = searched(trials=2, vary={"data.fraction": [0.1, 1.0]})
    chosen = {"train.learning_rate": 0.02, "head.layers": 1}
    run = runs.run(cfg, "cxr8", "dqc", 3, variant="data.fraction~0.1", chosen=chosen)
    assert (run.recipe.train.learning_rate, run.recipe.options()["layers"], run.recipe.data.fraction) == (0.02, 1, 0.1)
    assert '"learning_rate":0.02' in run.config and run.config != runs.run(cfg, "cxr8", "dqc", 3).config


def test_a_choice_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(InputError, match=r"is not the choice of a search; make it first: snakemake .*dqc.json"):
        runs.chosen(tmp_path / "dqc.json")


def test_a_trial_is_named_by_its_number_and_seed():
    cfg = searched(trials=2)
    assert runs.named(cfg, "cxr8", "dqc", 1000, variant="trial~1").searched
    with pytest.raises(InputError, match="seed must be one of 1000"):
        runs.named(cfg, "cxr8", "dqc", 0, variant="trial~1")
    with pytest.raises(InputError, match=r"variant of dqc must be one of \(none\), got trial~7"):
        runs.named(cfg, "cxr8", "dqc", 1000, variant="trial~7")


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"trials": 0, "space": SPACE}, "search.trials: input should be greater than or equal to 1, got 0"),
        ({"trials": 2, "space": {}}, "search.space: .*at least 1 item"),
        ({"trials": 2, "space": {"train.lr": {"log": [1, 2]}}}, "search.space.train.lr: none of the heads .* has it"),
        ({"trials": 2, "space": {"seeds": {"choice": [1]}}}, "search.space may hold keys of head, train .*, got seeds"),
        ({"trials": 2, "space": {"train.precision": {"choice": ["bfloat16"]}}}, "may hold .*, got train.precision"),
        ({"trials": 2, "space": {"backbone.views": {"choice": [1]}}}, "may hold .*, got backbone.views"),
        (
            {"trials": 2, "space": {"train.learning_rate": {"log": [0, 1]}}},
            r"search.space.train.learning_rate must be above 0 on a log scale, got \[0.0, 1.0\]",
        ),
        ({"trials": 2, "space": {"train.epochs": {"integer": [5, 5]}}}, r"must go from a lower to a higher value"),
        ({"trials": 2, "space": {"train.epochs": {}}}, "must have one of log, linear, integer and choice, got none"),
        ({"trials": 2, "space": {"train.epochs": {"integer": [1, 5], "choice": [1]}}}, "got integer, choice"),
        ({"trials": 2, "space": {"head.layers": {"choice": []}}}, "search.space.head.layers.choice: .*at least 1 item"),
        ({"trials": 2, "space": {"head.layers": {"choice": [1, 1]}}}, "must not name a choice twice"),
        ({"trials": 2, "space": {"head.layers": {"choice": ["a"]}}}, "layers: .*got 'a'.* of vary or search"),
        ({"trials": 2, "space": SPACE, "run_seed": 0}, "search.run_seed must be none of seeds, got 0"),
        ({"trials": 2, "space": SPACE, "choose": {"metric": "f1"}}, "search.choose.metric: "),
        ({"trials": 2, "space": SPACE, "choose": {"on": "test"}}, "search.choose.on: "),
    ],
)
def test_what_cannot_be_searched_is_one_line(search, said):
    assert re.search(said, refusal(search=search))


def test_a_key_is_searched_or_varied():
    changes = {"search": {"trials": 2, "space": SPACE}, "vary": {"head.layers": [1, 2]}}
    assert refusal(**changes).startswith("head.layers must be in one of search.space and vary, got it in both")


def test_the_views_of_features_are_not_searched():
    frozen = {"name": "efficientnet-lite0", "weights": "imagenet", "trainable": "head", "views": 4}
    search = {"trials": 2, "space": {"augment.flip": {"linear": [0, 1]}}}
    assert "must leave the augmentation alone with backbone.views" in refusal(backbone=frozen, search=search)
    assert len(parse(study(search=search)).trials) == 4
