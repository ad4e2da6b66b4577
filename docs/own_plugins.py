"""A head, a loss, a kind of data set, a metric and a figure of one's own, as docs/plugins.md shows them."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from flax import nnx

from qcxr.models.layers import Linear
from qcxr.plugins import data_kind, figure, head, loss, metric


@head("gelu_mlp")
class GeluMlp(nnx.Module):
    """Two linear layers with GELU between, as wide as one likes."""

    def __init__(self, n_features, n_labels, *, key, hidden: int = 128):
        first, second = jax.random.split(key)
        self.preprocess = Linear(n_features, hidden, key=first)
        self.postprocess = Linear(hidden, n_labels, key=second)

    @property
    def last(self):
        return self.postprocess

    def __call__(self, features):
        return self.postprocess(jax.nn.gelu(self.preprocess(features)))


@loss("ldam")
def ldam(targets, *, margin: float = 0.5):
    """Label-distribution-aware margins (Cao et al. 2019, arXiv 1906.07413, Eqs. 12 and 13) for labels that may occur
    together: each is a problem of two classes of its own, whose margins fall with the fourth root of their films."""
    positives = np.nansum(targets, axis=0)
    counts = np.stack([np.isfinite(targets).sum(axis=0) - positives, positives])  # of negative and positive films
    roots = np.maximum(counts, 1.0) ** -0.25
    negative, positive = jnp.asarray(margin * roots / roots.max(), jnp.float32)  # margin is that of the rarest class

    def elements(logits, targets):
        kept = logits + jnp.where(targets > 0, -positive, negative)
        return jax.nn.softplus(jnp.where(targets > 0, -kept, kept))

    return elements


@data_kind("jsonl", attributes=True)
def jsonl(*, images: Path, films: Path, findings: list[str]):
    """A line of JSON for each film: file (below images), patient, split, sex, age, view, and a list of its findings."""
    rows = []
    for line in films.read_text(encoding="utf-8").splitlines():
        film = json.loads(line)
        row = {"image_id": Path(film["file"]).stem, "patient_id": str(film["patient"]), "path": film["file"]}
        row |= {key: film.get(key) for key in ("split", "sex", "age", "view")}
        rows.append(row | {finding: int(finding in film["findings"]) for finding in findings})
    return pd.DataFrame(rows)


@metric("sensitivity_at_95")
def sensitivity_at_95(truth, probability):
    """The largest part of the positive films that a threshold finds which at least 95 % of the others stay below."""
    negatives = np.sort(probability[truth == 0])
    cut = negatives[int(np.ceil(0.95 * negatives.size)) - 1]
    return (probability[truth == 1] > cut).mean()


@figure(
    "spread",
    needs=["metrics"],
    by=["task"],
    title="Sensitivity at 95 % specificity",
    caption="The mean over labels of every run, by head and test set.",
)
def spread(*, metrics, task, heads):
    from matplotlib.figure import Figure  # only where it is drawn

    means = metrics[(metrics["metric"] == "sensitivity_at_95") & (metrics["label"] == "mean")]
    means = means[means["task"] == task]
    drawn = Figure(figsize=(3.5, 2.5), layout="constrained")
    axes = drawn.subplots()
    for dataset, rows in means.groupby("dataset", sort=False):
        axes.plot(rows["head"], rows["value"], "o", label=dataset, alpha=0.7)
    axes.set_xticks(heads)
    axes.set_ylabel("sensitivity")
    axes.legend()
    return drawn
