"""Probabilities for a packed split from a run's best weights, with the truth of the same index rows."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pandas as pd

from qcxr.data import batches
from qcxr.data.feed import Batch, feed
from qcxr.data.split import Split
from qcxr.errors import InputError
from qcxr.models import classifier, features, groups
from qcxr.study.files import write_parquet
from qcxr.study.sections import Augment
from qcxr.training.inputs import reading


def predict(
    *, weights_file: Path, split: Split, out: Path, batch_size: int = 64, residency: str = "auto"
) -> pd.DataFrame:
    """Write the prediction table of a split of films, or of a frozen backbone's features of them.

    Columns: image_id, patient_id, p_<label>, y_<label> (NA: label not covered).

    Raises `InputError` if the weights file is not whole, or was trained for other labels than the split has.
    """
    model, metadata = classifier.trained(weights_file)
    labels = tuple(metadata["labels"])
    if labels != split.labels:
        raise InputError(
            f"{weights_file} was trained for {', '.join(labels)}, got films with labels {', '.join(split.labels)}; "
            "load the split with the run's own labels"
        )
    image, views = metadata["image"], split.about.get("features", {}).get("views")
    if views is not None:
        features.check(model.extractor, split.about)
    network, inputs = reading(model, views=views, mean=image["mean"], std=image["std"], augment=Augment())
    graphdef, *states = groups.split(network)

    @jax.jit
    def probabilities(states: list, batch: Batch) -> jax.Array:
        return jax.nn.sigmoid(groups.merge(graphdef, *states)(inputs.evaluate(batch), train=False))

    plan = batches.plan(np.arange(len(split)), batch_size)
    parts = [probabilities(states, batch) for batch in feed(split, residency=residency).batches(*plan)]
    values = np.concatenate(jax.device_get(parts))[: len(split)]
    truth = pd.DataFrame(split.targets, columns=list(labels)).astype("Int8").mask(~split.covered)
    table = pd.DataFrame({"image_id": split.image_ids, "patient_id": split.patient_ids})
    table = pd.concat(
        [
            table,
            pd.DataFrame(values.astype(np.float32), columns=[f"p_{label}" for label in labels]),
            truth.rename(columns="y_{}".format),
        ],
        axis=1,
    )
    write_parquet(table, out)
    return table
