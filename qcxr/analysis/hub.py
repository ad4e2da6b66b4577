"""A model card's front matter, in the schema by which Hugging Face's hub reads results (its `model-index`).

A licence and a model's name on the hub are for those who publish it: the header has no licence, and says so.
"""

from collections.abc import Sequence

from huggingface_hub import EvalResult, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index
from huggingface_hub.utils import yaml_dump

from qcxr.analysis.facts import Facts
from qcxr.analysis.inputs import Run
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.results import Results

# our metrics -> the identifiers that the hub knows (https://hf.co/metrics), or, where it has none, our own; names
METRICS = {
    "auroc": ("roc_auc", "AUROC"),
    "average_precision": ("average_precision", "average precision"),
    "brier": ("brier_score", "Brier score"),
}
TASK = "image-classification"


def front_matter(results: Results, facts: Facts) -> str:
    """Return the YAML between the card's first two lines of dashes, without them.

    results: at the base variant. The model-index has a model per head, and of each task and test set the mean over
    seeds of its mean over labels, by metrics `METRICS`. Made, and so validated, by huggingface_hub.
    """
    found = {head: _scores(results, head) for head in facts.heads}
    data = ModelCardData(
        library_name="qcxr",
        pipeline_tag=TASK,
        tags=_tags(facts),
        base_model=_base_model(results.runs),
        metrics=list(dict.fromkeys(score.metric_type for scores in found.values() for score in scores)),
    ).to_dict()
    index = [model for head, scores in found.items() for model in eval_results_to_model_index(head, scores) if scores]
    return yaml_dump(data | ({"model-index": index} if index else {}), sort_keys=False).strip()


def _scores(results: Results, head: str) -> list[EvalResult]:
    scored = results.metrics[results.metrics["head"] == head]
    means = scored[(scored["label"] == "mean") & scored["metric"].isin(METRICS) & scored["value"].notna()]
    found = []
    for (task, dataset, metric), part in means.groupby(["task", "dataset", "metric"], sort=False):
        kind, name = METRICS[metric]
        seeds = f", mean over {len(part)} seeds" * (len(part) > 1)
        found.append(
            EvalResult(
                task_type=TASK,
                task_name=f"{task_name(task)}, head {head_name(head)}",
                dataset_type=dataset,
                dataset_name=dataset_name(dataset),
                dataset_config=task,
                dataset_split="test",
                metric_type=kind,
                metric_name=f"{name}, mean over labels{seeds}",
                metric_value=round(float(part["value"].mean()), 4),
            )
        )
    return found


def _tags(facts: Facts) -> list[str]:
    tags = ["chest-x-ray", "multi-label", "long-tail", "research-only"]
    tags += ["quantum-machine-learning"] * bool(facts.circuits)
    return tags + ["generated-data"] * facts.demo


def _base_model(runs: Sequence[Run]) -> list[str] | None:
    """The pretrained backbones of the hub that the runs began with: `owner/name`, never a folder's path."""
    configs = [run.get("config") or {} for run in runs]
    begun = [(made.get("backbone") or {}).get("weights") for made in configs if not made.get("checkpoint")]
    return [name for name in dict.fromkeys(begun) if name and name.count("/") == 1] or None
