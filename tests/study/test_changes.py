"""What changed between a job's parameters of before and now, against slices as the rules write them."""

import pytest

from qcxr.study import changes
from qcxr.study.changes import in_words, named, settings
from qcxr.study.provenance import slice_text
from qcxr.study.sections import Train


def text(*sections, **values):
    """As Snakemake stores a parameter."""
    return repr(slice_text(*sections, **values))


def test_settings_are_compared_key_by_key():
    before, now = text(Train(epochs=3), kind="dqc"), text(Train(epochs=5, optimizer="lion"), kind="dqc")
    (reason,) = changes.reasons("train", {}, before=[before], now=[now])
    assert reason == {
        "kind": "settings",
        "changes": [
            {"key": "train.epochs", "before": 3, "now": 5},
            {"key": "train.optimizer", "before": "adam", "now": "lion"},
        ],
    }


def test_code_templates_and_what_is_neither():
    code = {"before": ["'6365a9edbce1656e'"], "now": ["'6365a9edbce1656f'"]}
    assert changes.reasons("score", {}, **code) == [{"kind": "code"}]
    page = [repr(["a" * 64]), repr(["b" * 64])]
    assert changes.reasons("report", {}, before=page[:1], now=page[1:]) == [{"kind": "templates"}]
    other = changes.reasons("x", {}, before=["1"], now=["2"])
    assert other == [{"kind": "parameters", "before": ["1"], "now": ["2"]}]
    both = changes.reasons("score", {}, before=[*code["before"], text(a=1)], now=[*code["now"], text(a=2)])
    assert [reason["kind"] for reason in both] == ["settings", "code"]


def test_of_several_outputs_with_different_records_one_slice_of_before_is_taken():
    (reason,) = changes.reasons("train", {}, before=[text(a=1), text(a=2)], now=[text(a=3)])
    assert reason["changes"] == [{"key": "a", "before": 2, "now": 3}]


def test_a_whole_section_that_is_new_is_one_change():
    before, now = {"heads": {"cdl": {"train": {"epochs": 1}}}}, {"heads": {"cdl": {"train": {"epochs": 2}}, "deep": {}}}
    assert settings("parameters", {}, before, now) == [
        {"key": "heads.cdl.train.epochs", "before": 1, "now": 2},
        {"key": "heads.deep", "now": {}},
    ]


@pytest.mark.parametrize(
    ("rule", "key", "expected"),
    [
        ("train", "head_options.layers", "head.layers"),
        ("score", "tail_under", "analysis.tail_under"),
        ("bootstrap", "replicates", "analysis.bootstrap"),
        ("bootstrap", "seed", "analysis.bootstrap_seed"),
        ("score", "own", "analysis.metrics"),
        ("score", "own.ppv.digest", "analysis.metrics.ppv.digest"),
        ("compare", "own", "analysis.metrics"),
        *((rule, key, f"image.{key}") for rule in ("pack", "cache") for key in ("fit", "resample", "levels")),
        ("patients", "tail_under", "analysis.tail_under"),
        ("train", "seed", "seed"),
        ("manifest", "source.labels", "data.sources.nih.labels"),
        ("figure", "options.alpha", "analysis.alpha"),
        ("compare", "inference.margin", "analysis.margin"),
        ("tables", "sd", "analysis.sd"),
        ("report", "config.train.epochs", "train.epochs"),
        ("parameters", "heads.dqc.head_options.layers", "heads.dqc.head.layers"),
    ],
)
def test_keys_have_the_configurations_names(rule, key, expected):
    assert named(rule, {"dataset": "nih"}, key) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"key": "train.epochs", "before": 3, "now": 5}, "train.epochs 3 -> 5"),
        ({"key": "head.layers", "now": 2}, "head.layers (default) -> 2"),
        ({"key": "seeds", "before": [0, 1], "now": [1, 2]}, "seeds + 2 - 0"),
        ({"key": "labels", "before": ["A", "B"], "now": ["B", "A"]}, "labels A, B -> B, A"),
        ({"key": "heads", "before": ["cdl"], "now": ["cdl", {"deep": {"kind": "dqc"}}]}, "heads + deep"),
        ({"key": "heads.deep", "before": {"kind": "dqc"}}, "heads - deep"),
        ({"key": "train.clip_norm", "before": None, "now": 1.5}, "train.clip_norm none -> 1.5"),
        ({"key": "data.x", "before": "a" * 60, "now": ""}, f'data.x {"a" * 39}… -> ""'),
    ],
)
def test_changes_in_words(change, expected):
    assert in_words([change]) == [expected]


def test_what_heads_share_is_said_once():
    heads = [{"key": f"heads.{name}.train.epochs", "before": 1, "now": 2} for name in "abc"]
    assert in_words(heads) == ["train.epochs 1 -> 2 (a, b, c)"]
    heads += [{"key": f"heads.{name}.train.epochs", "before": 1, "now": 2} for name in "defgh"]
    heads.append({"key": "heads.z.train.epochs", "before": 1, "now": 3})
    assert in_words(heads) == ["train.epochs 1 -> 2 (8 heads)", "train.epochs 1 -> 3 (z)"]
