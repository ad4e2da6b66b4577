"""Timed training steps of whole models, ours beside its peers (`qcxr.bench.race`): `qcxr bench models --options`.

A step is forward, mean BCE, backward and Adam on a resident batch. Each peer has a process, and the memory, of its own.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qcxr.arguments import positive
from qcxr.bench import environment
from qcxr.bench.peers.known import MODELS, OURS
from qcxr.bench.peers.model import Model
from qcxr.bench.race import Contest, Entry, Row, Turns, race
from qcxr.study.files import write_json

COLUMNS = ("peer", "backbone", "batch", "size", "median_s", "films_per_s", "p10_s", "p90_s", "first_s", "peak_mb")
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


def drawn(*, section: Mapping[str, Any], head: str, n_labels: int, **step: Any) -> Model:
    """A case of a training step with random arrays, equal on every machine; step: what else a `Model` has.

    Its processor computes it, so that nothing is taken of a card that the peers are timed on.
    """
    import jax  # here: `qcxr bench models --options` does without

    from qcxr.models import arrays, backbones, classifier  # here: as above

    jax.config.update("jax_platforms", "cpu")
    described = backbones.describe(dict(section)).section
    batch_norm = step.setdefault("batch_norm", "running")
    network = classifier.build(classifier.Architecture(described, head, n_labels, batch_norm=batch_norm), seed=0)
    return Model(described, head, n_labels, arrays=arrays.collect(network), **step)


def section_of(backbone: str) -> dict[str, Any]:
    """The `backbone:` section of a name: demo, one of SHAPES, or any that a configuration may have."""
    return DEMO if backbone == "demo" else SHAPES.get(backbone, {"name": backbone})


def table(rows: Sequence[Row]) -> str:
    """Rows as aligned text; one without times ends with its reason."""
    lines = [list(COLUMNS)]
    for row in rows:
        cells = [row.get(column, "") for column in COLUMNS]
        lines.append([f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    said = ["", *(f"  not run: {row['reason']}" if "reason" in row else "" for row in rows)]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() + why
        for line, why in zip(lines, said, strict=True)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qcxr bench models", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backbones", nargs="+", default=["resnet50"], help="names, or demo, vit-s16, vit-b16")
    parser.add_argument("--peers", nargs="+", default=[OURS, "torch"], choices=[*MODELS], metavar="PEER")
    parser.add_argument("--batches", nargs="+", type=positive, default=[8])
    parser.add_argument("--sizes", nargs="+", type=positive, default=[224])
    parser.add_argument("--batch-norm", default="running", choices=["running", "batch"])
    parser.add_argument("--head", default="cdl", choices=["cdl", "dqc"])
    parser.add_argument("--labels", type=positive, default=14)
    parser.add_argument("--repeats", type=positive, default=5)
    parser.add_argument(
        "--limit", type=positive, default=900, help="seconds until a peer that has not answered is ended"
    )
    parser.add_argument("--environments", type=Path, help="folder of the peers' environments, made there if need be")
    parser.add_argument("--json", type=Path, help="write the rows there as well")
    return parser


def main(argv: list[str] | None = None) -> None:
    """Command line: print the table."""
    given = _parser().parse_args(argv)
    pythons = environment.pythons({MODELS[peer].environment for peer in (OURS, *given.peers)}, given.environments)
    turns = Turns(timed=given.repeats, seconds=float("inf"), limit=given.limit)
    rows: list[Row] = []
    for backbone in given.backbones:
        for size in given.sizes:
            for batch in given.batches:
                about = {"batch": batch, "size": size, "batch_norm": given.batch_norm}
                case = drawn(section=section_of(backbone), head=given.head, n_labels=given.labels, **about)
                found = race(Contest([Entry(case, peer) for peer in given.peers], pythons, turns))
                rows += [_with_films({"backbone": backbone} | row) for row in found]
    print(table(rows))
    if given.json:
        write_json(rows, given.json)


def _with_films(row: Row) -> Row:
    return row | {"films_per_s": row["batch"] / row["median_s"]} if "median_s" in row else row


if __name__ == "__main__":
    main()
