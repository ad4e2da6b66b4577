"""The model card's front matter is what Hugging Face's hub reads: parsed and validated by huggingface_hub, offline."""

import dataclasses

import pytest
import yaml
from huggingface_hub import ModelCard

from qcxr.analysis import cards, hub
from qcxr.analysis.facts import Study

from . import synthetic


@pytest.fixture
def card(study, tmp_path):
    cards.model_card(tmp_path / "model.md", study.results("runs"), Study(demo=True))
    return tmp_path / "model.md"


def test_the_card_is_one_for_the_hub(card):
    read = ModelCard.load(card)  # raises on a malformed model-index
    assert read.data.library_name == "qcxr" and read.data.pipeline_tag == "image-classification"
    assert read.data.license is None and read.data.base_model is None and read.data.datasets is None
    assert {"chest-x-ray", "research-only", "generated-data"} <= set(read.data.tags)
    assert read.data.metrics == ["roc_auc", "average_precision", "brier_score"]
    assert read.text.lstrip().startswith("# Model card: CDL and DQC heads")


def test_every_head_task_and_test_set_has_its_own_mean(card, study):
    index = yaml.safe_load(card.read_text(encoding="utf-8").split("---\n")[1])["model-index"]
    assert [model["name"] for model in index] == ["cdl", "dqc"]
    scored = study.results().metrics
    seen = 0
    for model in index:
        for result in model["results"]:
            assert result["task"]["type"] == "image-classification" and result["dataset"]["split"] == "test"
            for metric in result["metrics"]:
                ours = {"roc_auc": "auroc", "brier_score": "brier"}.get(metric["type"], metric["type"])
                rows = scored[
                    (scored["head"] == model["name"])
                    & (scored["task"] == result["dataset"]["config"])
                    & (scored["dataset"] == result["dataset"]["type"])
                    & (scored["label"] == "mean")
                    & (scored["metric"] == ours)
                ]
                assert len(rows) == 3 and metric["value"] == pytest.approx(rows["value"].mean(), abs=5e-5)
                seen += 1
    assert seen == 2 * 2 * 2 * 3


@pytest.mark.parametrize(
    ("backbone", "checkpoint", "expected"),
    [
        ({"weights": "microsoft/resnet-50"}, None, ["microsoft/resnet-50"]),
        ({"weights": "weights/mine"}, {"model.safetensors": "0" * 64}, None),  # a local folder
        ({"weights": "imagenet"}, None, None),  # from a package
        ({"weights": None}, None, None),
    ],
)
def test_the_base_model_is_named_where_it_is_one_of_the_hub(study, backbone, checkpoint, expected):
    results = study.results("runs")
    runs = [run | {"config": run["config"] | {"backbone": backbone, "checkpoint": checkpoint}} for run in results.runs]
    header = yaml.safe_load(hub.front_matter(dataclasses.replace(results, runs=runs), synthetic.facts()))
    assert header.get("base_model") == expected


def test_a_head_without_scores_has_no_entry(study):
    results = study.results("runs")
    kept = results.metrics[results.metrics["head"] == "cdl"]
    header = yaml.safe_load(hub.front_matter(dataclasses.replace(results, metrics=kept), synthetic.facts()))
    assert [model["name"] for model in header["model-index"]] == ["cdl"]
    none = dataclasses.replace(results, metrics=kept[:0])
    assert "model-index" not in yaml.safe_load(hub.front_matter(none, synthetic.facts()))
