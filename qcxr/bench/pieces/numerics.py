"""What a product in float32 is on this card: how far from float64, and how fast, at each precision of JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Once, Row, reason, rotate, value

PRECISIONS = ("default", "tensorfloat32", "float32")  # of jax_default_matmul_precision; the first is a study's


def numerics(size: Size) -> Iterator[Row]:
    """A square product in float32 at each precision and in bfloat16; a 3 x 3 convolution's rounding."""
    n = 36 * size.pixels if size.pixels > 64 else 64  # 8064 on a card
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((n, n), np.float32) for _ in range(2))
    true = a[:64].astype(float) @ b.astype(float)
    for name, spread in rotate(_products(a, b), repeats=size.repeats, seconds=size.seconds).items():
        what = f"product of {n} x {n}, {name}"
        if isinstance(spread, Exception):
            yield reason(what, spread)
            continue
        yield value(what, 2 * n**3 / spread.median / 1e12, "TFLOP/s")
        found = np.asarray(_products(a, b)[name]()()[:64], float)
        yield value(
            f"{what}: off float64 by", float(np.max(np.abs(found - true)) / np.max(np.abs(true))), "of the largest"
        )
    for name in PRECISIONS:
        yield value(f"convolution 3 x 3, {name}: off bare float64 by", _convolution(name), "of the largest")


def _products(a: np.ndarray, b: np.ndarray) -> dict[str, Callable[[], Once]]:
    def make(precision: str, dtype: str) -> Callable[[], Once]:
        def made() -> Once:
            with jax.default_matmul_precision(precision):
                left, right = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
                product = jax.jit(jnp.matmul).lower(left, right).compile()
            return lambda: product(left, right)

        return made

    float32 = {f"float32 at {precision}": make(precision, "float32") for precision in PRECISIONS}
    return float32 | {"bfloat16": make("default", "bfloat16")}


def _convolution(precision: str) -> float:
    """The largest error over the largest value, of 64 channels to 64 on 14 x 14, against float64 in numpy."""
    rng = np.random.default_rng(1)
    images, kernel = rng.standard_normal((2, 14, 14, 64), np.float32), rng.standard_normal((3, 3, 64, 64), np.float32)
    with jax.default_matmul_precision(precision):
        convolve = jax.jit(lambda x, k: jax.lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=AXES))
        found = np.asarray(convolve(images, kernel), float)
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(float), (3, 3), (1, 2))
    true = np.einsum("bxycij,ijcd->bxyd", windows, kernel.astype(float), optimize=True)
    return float(np.max(np.abs(found - true)) / np.max(np.abs(true)))


AXES = ("NHWC", "HWIO", "NHWC")
