"""The configuration refuses a backbone if and only if its network's own code would."""

import dataclasses
from typing import get_args

import numpy as np
import pytest

from qcxr.data import csvfile, sources
from qcxr.errors import InputError
from qcxr.models import backbones, classifier, groups
from qcxr.models.layers import ACTIVATIONS
from qcxr.models.resnet import REDUCTION, ResNetConfig
from qcxr.phantom import cohort
from qcxr.study import data, networks, shapes
from qcxr.study.config import parse
from qcxr.study.shapes import ResNet
from tests.study.studies import study

SMALL = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}


def test_names_are_those_of_the_registries():
    assert get_args(networks.Architecture) == networks.NAMES
    assert set(get_args(shapes.Activation)) == {name for name in ACTIVATIONS if name}
    assert shapes.REDUCTION == REDUCTION
    theirs = {field.name: field.default for field in dataclasses.fields(ResNetConfig)}
    ours = ResNet().model_dump()
    assert ours == {key: list(value) if isinstance(value, tuple) else value for key, value in theirs.items()}


@pytest.mark.parametrize("name", ["resnet18", "efficientnet-lite0"])
def test_the_stages_that_may_train_are_the_networks(name):
    net = classifier.build(classifier.Architecture({"name": name}, "cdl", n_labels=2), seed=0)
    last = networks.STAGES[name]
    assert len(groups.trained_prefixes(net, f"last:{last}")) == last + 1
    with pytest.raises(InputError, match=f"N from 1 to {last}, got last:{last + 1}"):
        parse(study(backbone={"name": name, "weights": None, "trainable": f"last:{last + 1}"}))
    with pytest.raises(InputError, match=f"N from 1 to {last}, got"):
        groups.trained_prefixes(net, f"last:{last + 1}")


@pytest.mark.parametrize(
    "section",
    [
        {"name": "resnet50"},
        {"name": "resnet51"},
        {"name": "resnet"},
        {},
        {"name": "efficientnet-lite0"},
        {"name": "efficientnet-lite0", "weights": "imagenet"},
        {"name": "efficientnet-lite0", "weights": "microsoft/resnet-50"},
        {"name": "resnet50", "weights": "imagenet"},
        {"name": "resnet", "config": SMALL},
        {"name": "resnet", "config": {}},
        {"name": "resnet18", "config": SMALL},
        {"config": SMALL},
        {"name": "resnet", "config": SMALL, "weights": "microsoft/resnet-50"},
        *(
            {"name": "resnet", "config": SMALL | change}
            for change in (
                {"num_channels": 1},
                {"embedding_size": 0},
                {"hidden_sizes": []},
                {"hidden_sizes": [4, 8, 12]},
                {"hidden_sizes": [4, 6], "layer_type": "bottleneck"},
                {"hidden_sizes": [4, 8], "layer_type": "bottleneck"},
                {"depths": [1, 0]},
                {"depths": [1, 1.5]},
                {"layer_type": "wide"},
                {"hidden_act": "tanh"},
                {"hidden_act": "gelu"},
                {"downsample_in_first_stage": 1},
                {"downsample_in_bottleneck": True},
                {"widths": [1]},
            )
        ),
    ],
    ids=str,
)
def test_a_section_is_refused_if_and_only_if_the_registry_refuses_it(section, unchecked):
    def refuses(call) -> bool:
        try:
            call()
        except InputError:
            return True
        return False

    ours = refuses(lambda: parse(study(backbone=section)))
    assert ours == refuses(lambda: backbones.describe(section))


def test_a_label_files_split_is_read_as_the_data_reads_it():
    names = ["a_train.csv", "a.val.csv.gz", "DEV.csv", "x-test-2.csv", "valid training.csv", "labels.csv", "latest.csv"]
    for name in names:
        try:
            theirs = set(csvfile.split_files([name], what="file"))
        except InputError:
            theirs = None
        ours = data.splits_named(f"folder_train/{name}")
        assert (ours if len(ours) == 1 else None) == theirs, name
    assert set(get_args(data.Source.model_fields["kind"].annotation)) == set(sources.SOURCES) == set(data.KIND_FILES)


def test_demo_films_are_as_many_as_the_phantom_needs():
    with pytest.raises(InputError, match="generate.train: input should be greater than or equal to 20, got 19"):
        parse(study(generate={"out": "demo", "train": 19}))
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="at least 20 films"):
        cohort.draw_cohort(rng, films=19, source="nih")
    cohort.draw_cohort(rng, films=20, source="nih")
