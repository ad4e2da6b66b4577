"""Probabilities for the films of a packed split, from a run's best weights, joined to their truth by row of one file."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from qcxr.data import batches
from qcxr.data.atomic import write_parquet
from qcxr.data.augment import normalise
from qcxr.data.split import Split
from qcxr.models import groups, weights


def predict(*, weights_file: Path, split: Split, out: Path, batch_size: int = 64, residency: str = "auto") -> pd.DataFrame:
    """Write the prediction table of a split: image_id, patient_id, p_<label>, y_<label> (NA: label not covered).

    Raises `InputError` if the weights file is not whole, or was trained for other labels than the split was loaded with.
    """
    model, metadata = weights.restore(weights_file)
    labels = tuple(metadata["labels"])
    split.require_labels(labels)
    graphdef, trained, frozen, statistics = groups.split(model)
    image = metadata["image"]

    @partial(jax.jit, static_argnames=())
    def probabilities(states, images, pick):
        network = groups.merge(graphdef, *states)
        pixels = normalise(images[pick].astype(jnp.float32), mean=image["mean"], std=image["std"])
        return jax.nn.sigmoid(network(pixels, train=False))

    rows, mask = batches.plan(np.arange(len(split)), batch_size)
    feed = batches.Feed(split, residency=residency)
    states = (trained, frozen, statistics)
    parts = [probabilities(states, images, pick) for images, _, pick, _, _ in feed(rows, mask)]
    values = np.concatenate(jax.device_get(parts))[: len(split)]
    table = split.truth_table(labels)
    for column, label in enumerate(labels):
        table.insert(2 + column, f"p_{label}", values[:, column].astype(np.float32))
    write_parquet(table, out)
    return table
