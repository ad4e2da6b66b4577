"""Memory that runs out is one line that names the keys to turn; any other error stays what it was."""

import subprocess
import sys
from dataclasses import replace

import jax
import pytest

from qcxr.errors import InputError
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Image, Resources
from qcxr.training.exhausted import memory_said, of_prediction, of_training
from tests.training.runs import BACKBONE, PROTOCOL

XLAS = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 97.66GiB.\nBufferAssignment OOM Debugging.\n"
RECIPE = Recipe("cdl", {}, BACKBONE, Image(resize=16, crop=16), Augment(), PROTOCOL)


@pytest.mark.parametrize(
    "error",
    [
        jax.errors.JaxRuntimeError(XLAS),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 79.10 GiB total capacity)"),
        MemoryError("Unable to allocate 3.2 TiB for an array"),
        MemoryError(),
    ],
    ids=["XLA's", "torch's", "numpy's", "Python's"],
)
def test_it_is_one_line_with_the_ways_out(error):
    with pytest.raises(InputError) as caught, memory_said(["backbone.remat: true", "train.batch_size below 32"]):
        raise error
    said = str(caught.value)
    assert "\n" not in said and said.startswith("memory does not suffice (")
    assert "is kept: set backbone.remat: true, or train.batch_size below 32; or run fewer jobs at once" in said


def test_another_error_stays_what_it_is():
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL: x"), memory_said(["nothing"]):
        raise jax.errors.JaxRuntimeError("INTERNAL: x")


def test_the_keys_are_those_that_are_left_to_turn():
    batch = "train.batch_size below 4 (train.accumulate makes up for it)"
    keys = ["resources.residency: host", "backbone.remat: true", "train.precision: bfloat16", batch]
    assert of_training(RECIPE, Resources()) == keys
    turned = replace(RECIPE, backbone=BACKBONE.model_copy(update={"remat": True}))
    assert of_training(turned, Resources(residency="host", gpu_slots=2)) == ["resources.gpu_slots: 1", *keys[2:]]
    assert of_prediction(RECIPE, Resources()) == [keys[0], keys[2], "image.crop below 16"]


def test_memory_that_really_runs_out():
    code = """
import resource, jax, jax.numpy as jnp
from qcxr.errors import InputError
from qcxr.training.exhausted import memory_said
jnp.zeros(4).block_until_ready()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
try:
    with memory_said(["train.batch_size below 32"]):
        jnp.zeros(1 << 30).block_until_ready()
except InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("memory does not suffice (RESOURCE_EXHAUSTED"), done.stderr[-2000:]
    assert done.stdout.count("\n") == 1
