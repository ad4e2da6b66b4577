"""What a file of one's own writes over its functions, so that a study may name them (docs/plugins.md).

    from qcxr.plugins import data_kind, figure, head, loss, metric

The configuration lists the file (`plugins: [mine.py]`). It is read for these words without being run, and run only by
the jobs that use what it has: what they are given is written out, and they stand over functions (or classes) at the top
level. They change nothing: each gives back what it stands over, so that the file can be imported and tested anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Made = TypeVar("Made", bound=Callable)
HOOKS = ("head", "loss", "data_kind", "metric", "figure")


def head(name: str) -> Callable[[Made], Made]:
    """A kind of head: a function or nnx class `(n_features, n_labels, *, key, options ...)` that gives a head.

    What a head must offer is `qcxr.models.contracts.Head`. Further arguments behind the star are its options in the
    configuration, with their types and defaults.
    """
    del name
    return _as_it_is


def loss(name: str) -> Callable[[Made], Made]:
    """A loss: a function `(targets, *, options ...)` of the training labels (films, labels), as NumPy's.

    They are 0, 1, or NaN where a film's source does not cover the label. It gives the function `(logits, targets) ->
    losses`, all (batch, labels), in JAX, with nothing summed.
    """
    del name
    return _as_it_is


def data_kind(name: str, *, attributes: bool = False) -> Callable[[Made], Made]:
    """A kind of data set: a function `(*, images, options ...)` that gives its films as pandas' DataFrame.

    images is the folder of the films. Columns: image_id, patient_id, path (below images), split (train, val or test),
    one per label (0, 1 or missing), and where they are known sex, age and view; then `attributes` is True. Arguments of
    type `Path` or `list[Path]` are tables that it reads; a change of one reads the data set again.
    """
    del name, attributes
    return _as_it_is


def metric(name: str) -> Callable[[Made], Made]:
    """A metric of one label: a function `(truth, probability) -> float` of NumPy's arrays, one number a film.

    truth is 0 or 1, both present. With an argument `threshold` behind a star it is given the one that validation chose.
    """
    del name
    return _as_it_is


def figure(
    name: str, *, needs: Sequence[str], caption: str, title: str = "", by: Sequence[str] = ()
) -> Callable[[Made], Made]:
    """A figure: a function that takes by name the tables that it needs, and gives matplotlib's Figure.

    needs: tables (metrics, tests, estimates, history, steps, predictions, counts, runs ...), each an argument. by:
    `task` and `dataset`, if it is drawn for each; then these are arguments too. `heads`, if it is one, is the heads in
    their order. caption: what it shows, in the report. title: its heading there; by default the name.
    """
    del name, needs, caption, title, by
    return _as_it_is


def _as_it_is(made: Made) -> Made:
    return made
