"""Every form of the convolution against XLA's own, in value and both gradients; and which form is chosen."""

from pathlib import Path

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

import qcxr
from qcxr.models.convolution import convolve, fastest_form

SAME = ((1, 1), (1, 1))
CASES = [
    ("product", (2, 5, 6, 3), (1, 1, 3, 4), 1, ((0, 0), (0, 0))),
    ("product", (2, 5, 6, 3), (1, 1, 3, 4), 2, ((0, 0), (0, 0))),
    ("winograd", (2, 8, 6, 5), (3, 3, 5, 4), 1, SAME),
    ("winograd", (1, 7, 5, 3), (3, 3, 3, 6), 1, SAME),
    ("winograd", (3, 1, 1, 2), (3, 3, 2, 2), 1, SAME),
    ("patches", (2, 7, 5, 3), (3, 3, 3, 4), 1, SAME),
    ("patches", (2, 9, 8, 3), (5, 3, 3, 4), 2, ((2, 1), (0, 2))),
    ("taps", (2, 9, 8, 3), (3, 3, 3, 4), 2, SAME),
    ("taps", (2, 9, 8, 3), (5, 5, 3, 4), 3, ((1, 2), (2, 2))),
    ("depthwise", (2, 9, 8, 6), (3, 3, 1, 6), 1, SAME),
    ("depthwise", (2, 9, 8, 6), (5, 5, 1, 6), 2, ((1, 2), (2, 2))),
    ("depthwise", (2, 8, 8, 6), (3, 3, 1, 6), 2, ((0, 1), (0, 1))),
]


@pytest.mark.parametrize(("form", "image_shape", "kernel_shape", "stride", "padding"), CASES)
def test_every_form_agrees_with_the_library_in_value_and_gradients(form, image_shape, kernel_shape, stride, padding):
    rng = np.random.default_rng(0)
    images, kernel = (rng.standard_normal(shape, np.float32) for shape in (image_shape, kernel_shape))

    def both(form):
        @jax.jit
        def run(images, kernel):
            value, pull = jax.vjp(lambda *a: convolve(*a, stride=stride, padding=padding, form=form), images, kernel)
            return value, *pull(jnp.cos(jnp.arange(value.size, dtype=value.dtype)).reshape(value.shape))

        return run(images, kernel)

    for ours, reference in zip(both(form), both("direct"), strict=True):
        assert ours.shape == reference.shape
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-5 * float(jnp.abs(reference).max()))


@pytest.mark.parametrize(
    ("image_shape", "kernel_shape", "stride", "dtype", "form"),
    [
        ((8, 56, 56, 64), (1, 1, 64, 256), 1, jnp.float32, "product"),
        ((8, 56, 56, 64), (3, 3, 64, 64), 1, jnp.float32, "winograd"),
        ((8, 7, 7, 512), (3, 3, 512, 512), 1, jnp.float32, "patches"),
        ((8, 56, 56, 128), (3, 3, 128, 128), 2, jnp.float32, "taps"),
        ((8, 56, 56, 64), (3, 3, 64, 64), 1, jnp.bfloat16, "direct"),
        ((32, 16, 16, 16), (3, 3, 16, 16), 1, jnp.float32, "direct"),
        ((8, 224, 224, 3), (7, 7, 3, 64), 2, jnp.float32, "direct"),
        ((8, 56, 56, 96), (3, 3, 1, 96), 1, jnp.float32, "depthwise"),
    ],
)
def test_the_form_follows_the_shape(image_shape, kernel_shape, stride, dtype, form):
    padding = ((kernel_shape[0] // 2,) * 2,) * 2
    assert fastest_form(image_shape, kernel_shape, stride, padding, dtype) == form


@pytest.mark.parametrize("form", ["winograd", "taps"])
def test_a_step_takes_the_form_of_the_platform_that_it_is_lowered_for(form):
    """For a GPU the library's convolution alone, in both directions; JAX's own platform here is a CPU."""
    stride = 1 if form == "winograd" else 2
    images, kernel = jnp.zeros((8, 56, 56, 64)), jnp.zeros((3, 3, 64, 64))
    assert fastest_form(images.shape, kernel.shape, stride, SAME, jnp.float32) == form

    def text(platform, form=None):
        step = jax.jit(jax.grad(lambda *a: convolve(*a, stride=stride, padding=SAME, form=form).sum(), (0, 1)))
        return jax.export.export(step, platforms=[platform])(images, kernel).mlir_module()

    def kinds(program):
        return {name: program.count(f"stablehlo.{name}") for name in ("convolution", "dot_general")}

    assert kinds(text("cuda")) == kinds(text("cpu", "direct"))
    assert kinds(text("cpu")) == kinds(text("cpu", form))


def test_no_traced_code_asks_for_jaxs_own_platform():
    """A program may be lowered for another one: `jax.lax.platform_dependent` knows which."""
    for room in ("models", "circuits"):
        for path in (Path(qcxr.__file__).parent / room).rglob("*.py"):
            assert "default_backend" not in path.read_text(encoding="utf-8"), path
