"""A head by its kind's name, held to the contract; and where its logits start.

`qcxr.study.heads.KINDS` says which module makes which kind. It is imported when a head of that kind is built, so that
the hash of a run's code follows its own head and no other (`qcxr.study.slices.HEAD_CODE`). A plug-in's head has an
option `plugin`, which says where it is written and what the file must say.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping, Set
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models.contracts import Head, check_head
from qcxr.study import execution, plugged
from qcxr.study.heads import KINDS


def create(
    kind: str, n_features: int, n_labels: int, *, key: PRNGKeyArray, options: Mapping[str, Any] | None = None
) -> Head:
    """Build a head of that kind.

    An option that it does not take, or a head that does not offer what it must, is an InputError.
    """
    if n_labels < 1:
        raise InputError(f"n_labels must be >= 1, got {n_labels}; give the task at least one label")
    options = dict(options or {})
    if (where := options.pop("plugin", None)) is not None:
        written = plugged.recorded("head", kind, listed=where["file"], digest=where["digest"])
        make = execution.load(written)
        with execution.saying(written):
            head = make(n_features, n_labels, key=key, **options)
            return check_head(kind, head, n_features=n_features, n_labels=n_labels)
    if kind not in KINDS:
        raise InputError(f"head must be one of {', '.join(KINDS)}, got {kind!r}; set heads in the config")
    make = maker(kind)
    # of a class the options are its __init__'s, which nnx's metaclass hides
    signature = inspect.signature(make.__init__ if inspect.isclass(make) else make)
    takes = signature.parameters.values()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in takes)
    allowed = [p.name for p in takes if p.kind is p.KEYWORD_ONLY and p.name != "key"]
    unknown = sorted(set(options) - set(allowed))
    if unknown and not open_ended:
        raise InputError(
            f"head {kind!r} has no option {unknown[0]!r}; allowed: {', '.join(allowed) or 'none'}; "
            "correct the head's options in the config"
        )
    layers = options.get("layers", 1)
    if type(layers) is not int or layers < 1:
        raise InputError(f"head.{kind}.layers must be an integer >= 1, got {layers!r}; set it")
    try:
        head = make(n_features, n_labels, key=key, **options)
    except InputError as error:
        raise InputError(_keyed(kind, str(error), {*allowed, *options})) from None
    return check_head(kind, head, n_features=n_features, n_labels=n_labels)


def _keyed(kind: str, message: str, options: Set[str]) -> str:
    """An error of the head's own code, by the configuration's key: `head.dqc.layers`, not `layers`."""
    option = message.partition(" ")[0]
    if option in options | {"engine", "encoding", "rotation"}:
        return f"head.{kind}.{message}"
    return message if message.startswith("head") else f"head.{kind}: {message}"


def maker(kind: str) -> Callable[..., Any]:
    """The function (n_features, n_labels, key, the kind's options) -> head."""
    return getattr(importlib.import_module(KINDS[kind].module), KINDS[kind].function)


def start_at_prevalence(head: Head, targets: Float[np.ndarray, "films labels"]) -> None:
    """Set the last bias to the log odds of each label, of (positives + 1) among (films + 2) that cover it (not NaN).

    A rare label's logit then starts where a thousand steps would have to bring it (Lin et al. 2017, arXiv 1708.02002,
    section 3.3).
    """
    known = np.asarray(targets, np.float64)
    prevalence = (np.nansum(known, 0) + 1) / (np.isfinite(known).sum(0) + 2)
    head.last.bias[...] = jnp.asarray(np.log(prevalence / (1 - prevalence)), jnp.float32)
