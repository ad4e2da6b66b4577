"""The configuration refuses what it does not know, in one line that names the key, what is allowed and the way out."""

from pathlib import Path

import pytest
import yaml

from qcxr.errors import InputError
from qcxr.study import runs
from qcxr.study.config import load, parse
from qcxr.study.obstacles import obstacles
from qcxr.study.protocol import is_papers
from tests.study.studies import ROOT, refusal, study


def test_the_shipped_configuration_is_the_papers_protocol():
    cfg = load(ROOT / "config/config.yaml")
    assert is_papers(cfg)
    assert (cfg.train.optimizer, cfg.train.learning_rate, cfg.train.batch_size) == ("adam", 1e-4, 32)
    assert (cfg.train.epochs, cfg.train.patience, cfg.train.loss) == (50, 5, "bce")
    assert len(cfg.tasks) * len(cfg.heads) * len(cfg.seeds) == 30
    assert [len(cfg.labels(task)) for task in cfg.tasks] == [8, 14, 19]


def test_the_demo_is_an_overlay_and_not_the_paper():
    cfg = load(ROOT / "config/config.yaml", ROOT / "config/demo.yaml")
    assert cfg.generate is not None and not is_papers(cfg)
    assert cfg.head["dqc"]["layers"] == 3  # kept from the layer below
    assert obstacles(cfg) == []  # generated films need not be there yet


@pytest.mark.parametrize(
    "changes",
    [
        {"head": {"dqc": {"layers": 1}}},
        {"head": {"dqc": {"layers": 3, "noise": {"readout_0": 0.01}}}},
        {"backbone__batch_norm": "batch"},
        {"backbone__name": "resnet"},
        {"data__test_on": ["nih"]},
        {"resources__deterministic": True, "seeds": [0, 1]},
        {"train__schedule": {"name": "cosine"}},
    ],
)
def test_the_papers_numbers_stand_only_beside_its_protocol(changes):
    assert not is_papers(parse(study(**changes)))


def test_from_scratch_batch_norm_learns_its_statistics():
    """Frozen statistics of a backbone without weights would be no normalisation at all."""
    assert parse(study(backbone__weights=None)).backbone.batch_norm is None  # `batch`, where nothing is pretrained


def test_transfer_learning_is_an_overlay():
    cfg = load(ROOT / "config/config.yaml", ROOT / "config/transfer.yaml")
    assert (cfg.backbone.name, cfg.backbone.weights, cfg.backbone.trainable) == (
        "efficientnet-lite0",
        "imagenet",
        "head",
    )
    tuned = load(*(ROOT / f"config/{name}.yaml" for name in ("config", "transfer", "finetune")))
    assert (
        tuned.backbone.weights == "imagenet"
        and tuned.backbone.views is None
        and not tuned.train.prior_bias
        and cfg.train.prior_bias
    )
    assert cfg.backbone.views == 8 and cfg.names == ["cdl", "dqc", "mlp", "product"] and not is_papers(cfg)


def test_unknown_key_names_the_allowed_ones():
    assert refusal(train__learning_rte=1e-3) == (
        "train.learning_rte is not a configuration key; allowed here: optimizer, learning_rate, head_learning_rate, "
        "prior_bias, freeze_epochs, schedule, weight_decay, clip_norm, accumulate, batch_size, devices, epochs, "
        "patience, loss, loss_options, precision, permute_labels; remove or rename it in the config"
    )


def test_unknown_key_at_the_top_and_in_a_source():
    assert refusal(sedes=[1]).startswith("sedes is not a configuration key; allowed here: results, tasks, heads, seeds")
    assert "data.sources.nih.image is not a configuration key; allowed here: kind, images" in refusal(
        data__sources__nih__image="x"
    )


def test_wrong_type_says_what_it_got():
    message = refusal(train__batch_size="many")
    assert message.startswith("train.batch_size: ") and "got 'many'; set train.batch_size in the config" in message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train__learning_rate": -1}, "train.learning_rate: input should be greater than 0, got -1"),
        (
            {"train__devices": 3},
            "train.batch_size must be a multiple of train.devices (3), got 32; change one of them",
        ),
        (
            {"train__freeze_epochs": 50},
            "train.freeze_epochs must be < train.epochs (50), got 50; lower it, or freeze the backbone for good with",
        ),
        ({"analysis__bootstrap": 50}, "analysis.bootstrap must be 0 or >= 100, got 50; set it in the config"),
        (
            {"analysis__head_over": 50, "analysis__tail_under": 60},
            "analysis.head_over must be >= analysis.tail_under (60), got 50",
        ),
        (
            {"image__mean": [0.5, 0.5]},
            "image.mean must be 3 values, or 1 for a backbone of one channel, got [0.5, 0.5]; set",
        ),
        ({"label_sets": {"cxr8": ["Edema"]}}, "label set 'cxr8' is fixed by the paper and cannot be redefined"),
        (
            {"label_sets": {"two": ["Mass", "Mass"]}, "tasks": ["two"]},
            "label set 'two' names 'Mass' twice; every label may stand in a set once",
        ),
        ({"train__epochs": 0}, "train.epochs: input should be greater than or equal to 1, got 0"),
        ({"seeds": []}, "seeds: list should have at least 1 item"),
        ({"seeds": [1, 1]}, "seeds must not repeat, got [1, 1]"),
        ({"tasks": ["cxr9"]}, "tasks must be among cxr8, cxr14, cxr19, cxrlt26, got cxr9; define it under label_sets"),
        ({"seeds": [0]}, "seeds must be at least 2 for the paired test between heads, got [0]"),
        ({"data__test_on": ["nih", "chexpert"]}, "must be among data.sources (nih, mimic), got chexpert"),
        ({"image__crop": 300}, "crop must be <= resize (256), got 300; set image.crop in the config"),
        ({"heads": ["cdl", "qnn"]}, "heads must be among cdl, dqc"),
        (
            {"head": {"dqc": {"engine": "tensor"}}},
            "head.dqc.engine: input should be 'auto', 'chain', 'statevector' or 'pennylane', got 'tensor'",
        ),
        (
            {"head": {"qnn": {}}},
            "head.qnn is not a configuration key; allowed here: cdl, dqc, mlp, product, "
            "bottleneck, random, permuted, fourier, mps, circuit; remove or rename it",
        ),
        ({"head": {"cdl": {"layers": 1}}}, "head.cdl.layers is not a configuration key; allowed here: none; remove"),
        ({"head": {"mlp": {"init": "small"}}}, "head.mlp.init is not a configuration key; allowed here: none"),
        (
            {"head": {"product": {"layers": 0}}},
            "head.product.layers: input should be greater than or equal to 1, got 0",
        ),
        ({"head": {"product": {"init": "big"}}}, "head.product.init: input should be 'uniform', 'normal', 'small' or"),
        (
            {"head": {"dqc": {"layer": 3}}},
            "head.dqc.layer is not a configuration key; allowed here: engine, layers, init",
        ),
        ({"head": {"dqc": None}}, "head.dqc: input should be keys and values, got null; set head.dqc in the config"),
        ({"head": {"dqc": {"layers": True}}}, "head.dqc.layers: input should be a valid integer, got true"),
        (
            {"head": {"dqc": {"noise": {"two_qubit": {"depolarizing": 1.5}}}}},
            "head.dqc.noise.two_qubit.depolarizing: input should be less than or equal to 1, got 1.5; set head.dqc.n",
        ),
        (
            {"head": {"dqc": {"noise": {"one_qubit": {"depolarising": 0.1}}}}},
            "head.dqc.noise.one_qubit.depolarising is not a configuration key; allowed here: depolarizing, bit_flip,",
        ),
        (
            {"head": {"dqc": {"engine": "statevector", "noise": {"one_qubit": {"bit_flip": 0.1}}}}},
            "head.dqc.engine must be auto, chain or pennylane with noise on gates, got statevector; set head.dqc.eng",
        ),
        (
            {"head": {"dqc": {"shots": 100}}},
            "head.dqc.shots: input should be keys and values, got 100; set head.",
        ),
        (
            {"head": {"dqc": {"shots": {"number": 100, "gradient": "adjoint"}}}},
            "head.dqc.shots.gradient: input should be 'parameter_shift' or 'spsa', got 'adjoint'; set head.dqc.sho",
        ),
        (
            {"head": {"dqc": {"shots": {"number": 100}, "pattern": "all_to_all"}}},
            "head.dqc.shots must be null for a circuit that the engine chain cannot run (all_to_all, 3 layers), got ",
        ),
        (
            {"backbone__name": "resnet51"},
            "backbone.name: input should be 'resnet', 'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'e",
        ),
        (
            {"backbone__config": {}},
            "backbone.config must be null with backbone.weights (a checkpoint brings its own), got weights microsoft/",
        ),
        (
            {"backbone__trainable": "last:5"},
            "backbone.trainable must be all, head or last:N with N from 1 to 4, got last:5",
        ),
        (
            {"backbone__trainable": "last"},
            "backbone.trainable must be all, head or last:N with N from 1, got 'last'; set",
        ),
        (
            {"backbone": {"name": "resnet", "config": {"depths": [1], "hidden_sizes": [8, 8]}}},
            "backbone.config.hidden_sizes and backbone.config.depths must be equally long, got 2 and 1; set both in",
        ),
        (
            {"data__test_on": ["nih", "nih"]},
            "data.test_on must not repeat, got ['nih', 'nih']; remove the repeated ones",
        ),
        (
            {"data__train_on": "mimic"},
            "data.sources.mimic.labels must have files of the splits train, val, test, got none of train; add it, or "
            "take mimic out of data.train_on",
        ),
        (
            {"data__sources__nih__labels": ["labels.csv"]},
            "data.sources.nih.labels must name one split (train, val or test) in each file's name, got labels.csv; r",
        ),
        (
            {"label_sets": {2023: ["Mass"]}},
            "label_sets.2023: a name must be text of letters, digits, _ . and -, got 2023; quote",
        ),
        (
            {"label_sets": {"x": ["Mass", "mass"]}},
            "label set 'x' names 'Mass' twice; every label may stand in a set once",
        ),
        (
            {"augment__fill": 300},
            "augment.fill: input should be less than or equal to 255 or input should be 'edge', got",
        ),
        ({"train": None}, "train: input should be keys and values, got null; set train in the config"),
        (
            {"train__learning_rate": -1, "train__epochs": 0},
            "got -1; set train.learning_rate in the config (and 1 more)",
        ),
        (
            {"train__loss": "mse"},
            "train.loss must be one of bce, weighted_bce, focal, asymmetric, or a loss of a plug-in, got 'mse'",
        ),
        ({"label_sets": {"heart": []}, "tasks": ["heart"]}, "label_sets.heart"),
    ],
)
def test_impossible_values(changes, expected):
    assert expected in refusal(**changes)


def test_tensorboard_needs_its_package(monkeypatch):
    assert parse(study(resources__tensorboard=True)).resources.tensorboard
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refusal(resources__tensorboard=True) == (
        "resources.tensorboard must be false where tensorboardX is not installed, got true; "
        "pip install -e '.[tensorboard]', or set it to false"
    )


@pytest.mark.parametrize(("key", "package"), [("wandb", "wandb"), ("mlflow", "mlflow-skinny")])
def test_a_sink_needs_its_package_and_decides_nothing(key, package, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refusal(**{f"resources__{key}": True}) == (
        f"resources.{key} must be false where {package} is not installed, got true; "
        f"pip install -e '.[{key}]', or set it to false"
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    made = [parse(study(**{f"resources__{key}": on})) for on in (True, False)]
    assert runs.run(made[0], "cxr8", "cdl", 0) == runs.run(made[1], "cxr8", "cdl", 0)
    assert made[0].resources.sinks == [key]


def test_energy_needs_its_package_and_decides_nothing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refusal(resources__energy=True) == (
        "resources.energy must be false where codecarbon is not installed, got true; "
        "pip install -e '.[energy]', or set it to false"
    )
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    on, off = (runs.run(parse(study(resources__energy=on)), "cxr8", "cdl", 0) for on in (True, False))
    assert on == off


def test_a_study_needs_a_backbone():
    raw = study()
    del raw["backbone"]
    with pytest.raises(InputError, match=r"backbone is missing; set backbone in the config \(see config/config.yaml\)"):
        parse(raw)


def test_one_head_needs_one_seed_only():
    assert parse(study(heads=["cdl"], seeds=[7])).seeds == [7]


def test_a_learning_rate_without_a_point_is_a_number():
    assert parse(
        yaml.safe_load(yaml.safe_dump(study()).replace("learning_rate: 0.0001", "learning_rate: 1e-4"))
    ) == parse(study())


def test_missing_paths_name_their_key_and_the_way_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = obstacles(parse(study()))
    assert lines[0] == "data/nih does not exist; set data.sources.nih.images in the config, or try `make demo`"
    assert any("data.sources.mimic.metadata" in line for line in lines)
    Path("data/nih").mkdir(parents=True)
    assert "data.sources.nih.labels" in obstacles(parse(study()))[0]


def test_layers_are_merged_key_by_key(tmp_path):
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(study()))
    (tmp_path / "b.yaml").write_text("train: {epochs: 3}\nseeds: [4, 5]\n")
    cfg = load(tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert (cfg.train.epochs, cfg.train.patience, cfg.seeds) == (3, 5, [4, 5])
