"""Variants: which runs a grid or a list of points makes, what they are called, and what cannot be varied."""

import re

import pytest

from qcxr.study import runs, slices
from qcxr.study.arms import written
from qcxr.study.config import parse
from qcxr.study.labels import ordered
from qcxr.study.outline import outline
from tests.study.studies import refusal, study


def paths(**changes):
    return [arm.path for arm in parse(study(**changes)).arms]


def test_the_configurations_own_point_has_no_folder():
    assert paths() == ["cdl", "dqc"]
    grown = paths(vary={"data.fraction": [0.1, 1.0]})
    assert grown == ["cdl/data.fraction~0.1", "cdl", "dqc/data.fraction~0.1", "dqc"]
    both = paths(vary={"train.epochs": [5, 50], "data.fraction": [0.1, 1.0]})
    assert set(grown) < set(both)  # a key more keeps every run that is there
    assert "dqc/data.fraction~0.1,train.epochs~5" in both and len(both) == 8


def test_a_head_without_the_key_runs_once():
    cfg = parse(study(vary={"head.layers": [1, 2, 3], "data.fraction": [0.1, 1.0]}))
    assert [arm.path for arm in cfg.arms if arm.head == "cdl"] == ["cdl/data.fraction~0.1", "cdl"]
    assert len([arm for arm in cfg.arms if arm.head == "dqc"]) == 6
    assert {made.head_options.get("layers", 3) for arm, made in cfg.arms.items() if arm.head == "dqc"} == {1, 2, 3}
    said = outline(cfg)
    assert said["axes"] == {"data.fraction": [0.1, 1.0], "head.layers": [1, 2, 3]}
    assert said["base"] == "" and dict(said["variants"])[""] == {"data.fraction": 1.0, "head.layers": 3}
    assert {"head": "cdl", "variant": "", "at": {"data.fraction": 1.0}} in said["arms"]


def test_points_need_not_be_a_grid():
    points = [{"train.epochs": 5}, {"train.epochs": 5, "head.layers": 1}, {}]
    assert paths(vary=points) == [
        "cdl/train.epochs~5",
        "cdl",
        "dqc/train.epochs~5",
        "dqc/head.layers~1,train.epochs~5",
        "dqc",
    ]


def test_no_noise_is_the_circuit_as_it_is():
    key = "head.noise.two_qubit.depolarizing"
    cfg = parse(study(vary={key: [0.0, 0.01]}))
    assert [arm.path for arm in cfg.arms] == ["cdl", "dqc", f"dqc/{key}~0.01"]
    plain, noisy = (made for arm, made in cfg.arms.items() if arm.head == "dqc")
    assert plain.head_options == {} and noisy.head_options == {"noise": {"two_qubit": {"depolarizing": 0.01}}}


def test_a_value_is_named_by_what_it_is_not_by_how_it_is_written():
    assert paths(vary={"train.learning_rate": ["1e-3", 1e-4]})[:2] == ["cdl/train.learning_rate~0.001", "cdl"]
    assert re.fullmatch("[0-9a-f]{8}", written({"a": [1, 2]})) and written({"a": [1]}) != written({"a": [2]})


def test_each_edit_of_one_head_changes_that_heads_runs_only():
    own = {
        "an option": {"layers": 2},
        "train": {"train": {"weight_decay": 0.1}},
        "augment": {"augment": {"flip": 0.0}},
        "backbone": {"backbone": {"trainable": "last:2"}},
        "data": {"data": {"label_order": "reversed"}},
    }

    def texts(body):
        cfg = parse(study(heads=["cdl", {"mine": {"kind": "dqc", **body}}, "mlp"]))
        return {name: runs.run(cfg, "cxr8", name, 0).config for name in cfg.names}

    before = texts({})
    for what, body in own.items():
        after = texts(body)
        assert [name for name in before if before[name] != after[name]] == ["mine"], what


def test_two_spellings_of_the_same_runs_have_the_same_text():
    plain = parse(study())
    spelled = parse(
        study(
            backbone__batch_norm="running",
            train__learning_rate="1e-4",
            head__dqc={"layers": 3, "init": "uniform", "noise": None},
            heads=["cdl", {"dqc": {"kind": "dqc", "pattern": "ring"}}],
        )
    )
    for head in ("cdl", "dqc"):
        assert slices.training(plain.recipe(head), ()) == slices.training(spelled.recipe(head), ())
    cosine = {"name": "cosine"}, {"name": "cosine", "warmup": 0.0, "final": 0}
    first, second = (parse(study(train__schedule=one)).recipe("cdl").decides() for one in cosine)
    assert first == second


def test_labels_in_another_order():
    labels = ("a", "b", "c", "d", "e")
    assert ordered(labels, "given") == labels and ordered(labels, "reversed") == labels[::-1]
    shuffled = {ordered(labels, f"shuffled:{k}") for k in range(20)}
    assert len(shuffled) > 10 and all(sorted(one) == list(labels) for one in shuffled)
    cfg = parse(study(vary={"data.label_order": ["given", "shuffled:3"]}))
    run = runs.run(cfg, "cxr8", "dqc", 0, variant="data.label_order~shuffled-3")
    assert run.labels == ordered(cfg.labels("cxr8"), "shuffled:3") and '"shuffled:3"' in run.config


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        (3, "vary must be a grid, like .*, or a list of points, like .*, got 3"),
        ({"data.fraction": 0.1}, "vary.data.fraction must be a list of values, got 0.1"),
        ({"data.fraction": []}, r"vary.data.fraction must be a list of values, got \[\]"),
        ({"data.fraction": [1.0]}, "vary changes nothing: its only point, .*, is the configuration's; take it out"),
        ({"data.fraction": [0.1, 0.1]}, "vary must not name the same runs twice, got"),
        ({"data.fraction": [2.0]}, "data.fraction: input should be less than or equal to 1, got 2.0"),
        ({"data.label_order": ["sorted"]}, "label_order must be given, reversed or shuffled:K"),
        ({"head.bond": [2, 3]}, "vary.head.bond: none of the heads compared here has it"),
        ({"head.layers": [0, 1]}, "layers: input should be greater than or equal to 1, got 0"),
        ({"train.lr": [1, 2]}, "vary.train.lr: train has no such key to vary"),
        ({"data.train_on": ["a"]}, "vary.data.train_on: data has no such key to vary"),
        ({"seeds": [1]}, "vary may hold keys of head, train, augment and backbone, .*, got seeds"),
        ([{"train.epochs": 5}, {"train.epochs": 5}], "vary must not name the same runs twice"),
    ],
)
def test_what_cannot_be_varied_is_one_line(vary, said):
    assert re.search(said, refusal(vary=vary))


def test_a_key_that_a_head_sets_itself_is_not_varied():
    heads = ["cdl", {"deep": {"kind": "dqc", "layers": 5}}]
    assert refusal(heads=heads, vary={"head.layers": [1, 2]}) == (
        "vary.head.layers and heads.deep both set layers; take it out of one of them"
    )


def test_heads_with_another_backbone_read_features_of_their_own():
    frozen = {"name": "efficientnet-lite0", "weights": "imagenet", "trainable": "head", "views": 4}
    heads = ["cdl", "dqc", {"few": {"kind": "cdl", "backbone": {"views": 2}}}]
    heads.append({"tuned": {"kind": "cdl", "backbone": {"views": None, "trainable": "last:1"}}})
    cfg = parse(study(backbone=frozen, heads=heads))
    folders = {name: runs.films(cfg, cfg.recipe(name)).as_posix() for name in cfg.names}
    assert folders["cdl"] == folders["dqc"] == "results/features" and folders["tuned"] == "results/packed"
    assert re.fullmatch("results/features/[0-9a-f]{8}", folders["few"])
    assert list(runs.features(cfg)) == ["", folders["few"].rpartition("/")[2]]
