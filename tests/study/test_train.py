"""What the configuration knows of losses, optimizers and schedules is what their own code accepts."""

import inspect

import pytest

from qcxr.errors import InputError
from qcxr.study import train
from qcxr.study.config import parse
from qcxr.training import losses
from qcxr.training.optimizers import FINAL, OPTIMIZERS, SCHEDULES, make_schedule
from tests.study.studies import refusal, study


def test_names_are_those_of_the_registries():
    assert set(train.LOSS_NAMES) == set(losses.LOSSES) == set(train.LOSS_OPTIONS)
    assert set(train.OPTIMIZER_NAMES) == set(OPTIMIZERS)
    assert set(train.SCHEDULE_NAMES) == set(SCHEDULES)


def test_options_of_losses_are_theirs_with_their_defaults():
    for name, loss in (("focal", losses.focal), ("asymmetric", losses.asymmetric)):
        theirs = {p.name: p.default for p in inspect.signature(loss).parameters.values()}
        assert theirs == {key: train.LossOptions.model_fields[key].default for key in train.LOSS_OPTIONS[name]}
    assert train.LOSS_OPTIONS["bce"] == train.LOSS_OPTIONS["weighted_bce"] == ()


@pytest.mark.parametrize("name", train.LOSS_NAMES)
@pytest.mark.parametrize("option", train.LossOptions.model_fields)
def test_an_option_is_refused_if_and_only_if_the_loss_refuses_it(name, option):
    fits = option in train.LOSS_OPTIONS[name]
    try:
        losses.check_loss(name, {option: 0.5})
    except InputError:
        assert not fits
    else:
        assert fits
    changes = {"train__loss": name, "train__loss_options": {option: 0.5}}
    if fits:
        assert parse(study(**changes)).train.loss_options == {option: 0.5}
    else:
        assert f"train.loss_options of {name} may be" in refusal(**changes)


@pytest.mark.parametrize(
    "schedule",
    [
        {"name": "cosine"},
        {"name": "cosine", "warmup": 0.1, "final": 0.2},
        {"name": "cosine", "warmup": 1},
        {"name": "cosine", "warmup": -0.1},
        {"name": "cosine", "warmup": True},
        {"name": "cosine", "final": -1},
        {"name": "cosine", "final": None},
        {"name": "cosine", "alpha": 1},
        {"name": "exponential"},
        {"name": "exponential", "final": 0},
        {"name": "exponential", "final": 0.5},
        {"name": "step"},
        {},
    ],
    ids=str,
)
def test_a_schedule_is_refused_if_and_only_if_the_optimizer_refuses_it(schedule):
    try:
        make_schedule(0.1, schedule, 100)
    except InputError:
        assert "train.schedule" in refusal(train__schedule=schedule)
    else:
        assert parse(study(train__schedule=schedule)).train.schedule == schedule


def test_the_end_of_a_schedule_that_is_left_out_is_as_described():
    description = train.Schedule.model_fields["final"].description
    assert FINAL == {"constant": 1.0, "cosine": 0.0, "linear": 0.0, "exponential": 0.01}
    assert "1 for constant" in description and "0 for cosine and linear" in description
    assert "0.01 for exponential" in description
