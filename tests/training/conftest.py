"""Runs of one shape share one compilation, through the persistent cache, as a study's seeds do; a head of two seeds."""

import jax
import pytest

from qcxr.training.ensemble import Ensemble
from qcxr.training.members import members

from .untrained import save


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory):
    options = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("jax")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in options.items():
        jax.config.update(name, value)
    yield
    jax.config.update("jax_compilation_cache_dir", None)


@pytest.fixture(scope="module")
def head(tmp_path_factory):
    """A head's folder with two seeds."""
    folder = tmp_path_factory.mktemp("runs") / "cdl"
    for seed in (10, 2):
        save(folder / f"seed{seed}", seed=seed)
    return folder


@pytest.fixture(scope="module")
def ensemble(head):
    return Ensemble(members(head))
