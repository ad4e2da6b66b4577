"""Memory that does not suffice, of a card or of the machine: one line with the keys to turn, in place of a traceback.

XLA's and torch's errors are told by their words, so that neither is imported here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from qcxr.errors import InputError, one_line
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Resources

WORDS = ("resource_exhausted", "out of memory")


@contextlib.contextmanager
def memory_said(ways_out: Sequence[str]) -> Iterator[None]:
    """Raises `InputError` for memory that ran out in the block, with `ways_out` in the order in which to try them."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(word in str(error).lower() for word in WORDS):
            raise
        said = one_line(error) or type(error).__name__
        raise InputError(
            f"memory does not suffice ({said}); what is saved is kept: set {', or '.join(ways_out)}; "
            "or run fewer jobs at once"
        ) from None


def of_training(recipe: Recipe, resources: Resources) -> list[str]:
    """What needs less memory in training; the first ones change no result."""
    backbone, train = recipe.backbone, recipe.train
    ways = _of_the_job(resources)
    if backbone.kept_views is None:
        if not backbone.remat:
            ways.append("backbone.remat: true")
        if train.precision == "float32":
            ways.append("train.precision: bfloat16")
    return [*ways, f"train.batch_size below {train.batch_size} (train.accumulate makes up for it)"]


def of_prediction(recipe: Recipe, resources: Resources) -> list[str]:
    """What needs less memory where nothing is trained: batches there are small."""
    ways = _of_the_job(resources)
    if recipe.train.precision == "float32":
        ways.append("train.precision: bfloat16")
    return ways if recipe.image.crop is None else [*ways, f"image.crop below {recipe.image.crop}"]


def _of_the_job(resources: Resources) -> list[str]:
    ways = [] if resources.residency == "host" else ["resources.residency: host"]
    return ways + ["resources.gpu_slots: 1"] * (resources.gpu_slots > 1)
