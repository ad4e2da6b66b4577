"""Predictions whose films have a sex, an age and a view, broken down by them."""

import functools

import numpy as np
import pandas as pd

from qcxr.analysis import predictions, subgroups
from qcxr.analysis.subgroups import Breakdown

from . import synthetic

LABELS = synthetic.LABELS["cxr8"][:4]


def tables(*, films=600, seeds=(0, 1, 2), heads=("cdl", "dqc"), labels=LABELS, **keywords):
    truth = synthetic.truth(labels, films=films, floor=0.15, **keywords)
    return {
        (head, seed): predictions.check(synthetic.predict(truth, head=head, seed=seed))
        for head in heads
        for seed in seeds
    }


def known(given, *, seed=0):
    """Sex and age by patient, view by film, so that a patient may have films in both views; some are not known."""
    rng = np.random.default_rng(seed)
    first = next(iter(given.values()))
    people = np.unique(first.patient_id)
    sex = dict(zip(people, rng.choice(["F", "M", ""], len(people), p=[0.45, 0.5, 0.05]), strict=True))
    age = dict(zip(people, rng.uniform(20, 95, len(people)).round(), strict=True))
    frame = pd.DataFrame({"image_id": first.image_id})
    frame["sex"] = [sex[p] for p in first.patient_id]
    frame["age"] = [age[p] for p in first.patient_id]
    frame["view"] = rng.choice(["AP", "PA"], len(frame), p=[0.35, 0.65])
    return frame.set_index("image_id")


def broken_down(given, attributes, **keys):
    return subgroups.subgroups(given, attributes, task="cxr8", dataset="nih", breakdown=Breakdown(**keys))


@functools.cache
def example():
    """Predictions of two heads with three seeds, attributes of their films, and the rows they make."""
    given = tables()
    attributes = known(given)
    return given, attributes, broken_down(given, attributes)
