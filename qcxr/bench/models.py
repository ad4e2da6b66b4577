"""Timed training steps of whole models, ours and torch's, side by side: `python -m qcxr.bench.models --help`.

Every case runs in a process of its own, so that its peak memory and its threads are its own. A step is forward,
mean BCE, backward and Adam on resident data.
"""

import argparse
import dataclasses
import itertools
import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from jaxtyping import Float

from qcxr.arguments import positive
from qcxr.bench import torchnets
from qcxr.study import memory

log = logging.getLogger(__name__)

N_LABELS = 14
COLUMNS = (
    "framework",
    "backbone",
    "batch",
    "size",
    "precision",
    "batch_norm",
    "step_seconds",
    "films_per_second",
    "cpu_seconds",
    "compile_seconds",
    "peak_memory_mb",
    "device",
)
FRAMEWORKS = ("jax", "torch", "torch-channels-last")
SHAPES: dict[str, dict[str, Any]] = {
    "vit-b16": {"name": "vit", "config": {}},
    "vit-s16": {
        "name": "vit",
        "config": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
    },
}
DEMO: dict[str, Any] = {
    "name": "resnet",
    "config": {"embedding_size": 16, "hidden_sizes": [16, 32, 64], "depths": [1, 1, 1], "layer_type": "basic"},
}


Images = Float[np.ndarray, "batch height width 3"]
Labels = Float[np.ndarray, "batch labels"]


@dataclasses.dataclass(frozen=True)
class Case:
    """A model's training step. backbone: a known name or of SHAPES; size: of the square films; head: JAX's only."""

    framework: str
    backbone: str
    batch: int
    size: int
    precision: str = "float32"
    batch_norm: str = "running"
    head: str = "cdl"


def run(cases: Iterable[Case], *, repeats: int = 5) -> list[dict]:
    """One row (a dict over COLUMNS) per case; seconds are medians.

    Each row is also logged as soon as it is there.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
        rows = []
        for row in pool.map(measure, cases, itertools.repeat(repeats)):
            log.info("%s", row)
            rows.append(row)
        return rows


def measure(case: Case, repeats: int) -> dict:
    """Time one case in this process."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((case.batch, case.size, case.size, 3), np.float32)
    labels = (rng.random((case.batch, N_LABELS)) < 0.2).astype(np.float32)
    arguments = (_section(case.backbone), images, labels, case.precision, case.batch_norm)
    if case.framework == "jax":
        step, device = jax_step(*arguments, case.head)
    else:
        step, device = torch_step(*arguments, channels_last="channels-last" in case.framework)
    started = time.perf_counter()
    step()
    compile_seconds = time.perf_counter() - started
    step()
    wall, cpu = [], []
    for _ in range(repeats):
        started, started_cpu = time.perf_counter(), time.process_time()
        step()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - started_cpu)
    seconds = statistics.median(wall)
    values = (
        *(case.framework, case.backbone, case.batch, case.size, case.precision, case.batch_norm),
        *(seconds, case.batch / seconds, statistics.median(cpu), compile_seconds - seconds),
        *(peak_memory_mb(case.framework), device),
    )
    return dict(zip(COLUMNS, values, strict=True))


def jax_step(
    section: dict, images: Images, labels: Labels, precision: str, batch_norm: str, head: str
) -> tuple[Callable[[], float], str]:
    """(a function that runs one training step to its end, the device's name) for our model."""
    # here: the command's own process only starts those that measure, each with its own framework
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    from qcxr.models import classifier, groups  # here: it imports JAX

    architecture = classifier.Architecture(section, head, N_LABELS, batch_norm=batch_norm, precision=precision)
    network = classifier.build(architecture, seed=0)
    graphdef, trained, frozen, running = groups.split(network)
    optimizer = optax.adam(1e-4)

    State = tuple[nnx.State, nnx.State, optax.OptState]  # what trains, running statistics, Adam's moments

    def step(
        state: State, images: Float[jax.Array, "batch height width 3"], labels: Float[jax.Array, "batch labels"]
    ) -> tuple[State, Float[jax.Array, ""]]:
        trained, running, moments = state

        def loss(trained: nnx.State) -> tuple[Float[jax.Array, ""], nnx.State]:
            copy = groups.merge(graphdef, trained, frozen, running)
            logits = copy(images, train=True)
            return optax.sigmoid_binary_cross_entropy(logits, labels).mean(), groups.statistics(copy)

        (value, running), gradient = jax.value_and_grad(loss, has_aux=True)(trained)
        updates, moments = optimizer.update(gradient, moments, trained)
        return (optax.apply_updates(trained, updates), running, moments), value

    compiled = jax.jit(step, donate_argnums=0)
    state = jax.tree.map(jnp.copy, (trained, running, optimizer.init(trained)))
    resident = jax.device_put((images, labels))

    def once() -> float:
        nonlocal state
        state, value = compiled(state, *resident)
        return float(value)

    return once, jax.devices()[0].device_kind


def torch_step(
    section: dict, images: Images, labels: Labels, precision: str, batch_norm: str, channels_last: bool
) -> tuple[Callable[[], float], str]:
    """The same step for torch's network of that shape; compiled by torch on a GPU, eager on the CPU."""
    import torch  # here: a peer, not installed everywhere

    from qcxr.models import backbones  # here: it imports JAX

    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    body, features, width = torchnets.make(backbones.describe(section).section)
    body.to(device)
    top = torch.nn.Linear(width, N_LABELS).to(device)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    body = body.to(memory_format=layout)
    body.train(batch_norm == "batch")
    parameters = [*body.parameters(), *top.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-4, fused=cuda)
    x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device, memory_format=layout)
    y = torch.from_numpy(labels).to(device)

    def forward() -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = top(features(x))
        return torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), y)

    forward = torch.compile(forward) if cuda else forward

    def once() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss.item()

    return once, torch.cuda.get_device_name() if cuda else "cpu"


def peak_memory_mb(framework: str) -> float:
    """Peak memory of this process: of the GPU where one is used, else resident."""
    if framework == "jax":
        import jax  # here: see jax_step

        peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
        if peak:
            return peak / 1e6
    else:
        import torch  # here: a peer, not installed everywhere

        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated() / 1e6
    return memory.peak_memory_mb() * 2**20 / 1e6


def table(rows: list[dict]) -> str:
    """Rows as aligned text."""
    cells = [list(COLUMNS)]
    for row in rows:
        cells.append([f"{v:.4g}" if isinstance(v, float) else str(v) for v in (row[c] for c in COLUMNS)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(f"{cell:>{w}}" for cell, w in zip(line, widths, strict=True)) for line in cells)


def _section(backbone: str) -> dict:
    return DEMO if backbone == "demo" else SHAPES.get(backbone, {"name": backbone})


def main(argv: list[str] | None = None) -> None:
    """Command line: print the table."""
    parser = argparse.ArgumentParser(prog="qcxr bench models", description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", nargs="+", default=["resnet50"])
    parser.add_argument("--frameworks", nargs="+", default=list(FRAMEWORKS), choices=FRAMEWORKS)
    parser.add_argument("--batches", nargs="+", type=positive, default=[8])
    parser.add_argument("--sizes", nargs="+", type=positive, default=[224])
    parser.add_argument("--precisions", nargs="+", default=["float32"], choices=["float32", "bfloat16"])
    parser.add_argument("--batch-norm", default="running", choices=["running", "batch"])
    parser.add_argument("--head", default="cdl", help="JAX's head (torch's is always linear)")
    parser.add_argument("--repeats", type=positive, default=5)
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    cases = [
        Case(framework, backbone, batch, size, precision, given.batch_norm, given.head)
        for backbone in given.backbones
        for size in given.sizes
        for precision in given.precisions
        for batch in given.batches
        for framework in given.frameworks
    ]
    print(table(run(cases, repeats=given.repeats)))


if __name__ == "__main__":
    main()
