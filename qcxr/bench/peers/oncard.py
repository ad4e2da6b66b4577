"""Our training step as a card may take it: in bare float32, or with the same bits every time."""

import os

from qcxr.bench.peers import jaxmodel
from qcxr.bench.peers.case import Peer
from qcxr.bench.peers.model import Model


def ours(model: Model, matmul: str | None = None, deterministic: bool = False) -> Peer:
    """Our classifier. matmul: `jax_default_matmul_precision`; deterministic: `resources.deterministic`."""
    from qcxr.training.devices import configure  # here: other peers' environments do not have what it needs

    if matmul:
        os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = matmul  # read, as XLA's flags are, when JAX is imported
    configure(None, None, deterministic=deterministic)
    return jaxmodel.ours(model)
