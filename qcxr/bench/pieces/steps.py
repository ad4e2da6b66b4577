"""Whole training steps on the card, ours and torch's, in a race per batch and precision; the circuit over CDL.

`qcxr` is what a study gets: JAX's own choice for float32, which is TF32 on most cards (piece `numerics` says). So its
peers are torch's in TF32; those of `qcxr float32` are torch's as it starts, in bare float32.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from qcxr.bench import nvidia
from qcxr.bench.models import drawn
from qcxr.bench.peers.known import KINDS, OURS
from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import value
from qcxr.bench.race import Contest, Entry, Row, described, race

PEERS = {  # of ours, torch's: the first that was timed is the one to be beaten
    OURS: ("torch.compile TF32", "torch TF32"),
    "qcxr bfloat16": ("torch.compile bfloat16", "torch bfloat16"),
    "qcxr float32": ("torch.compile", "torch"),
}
FLAGS = "qcxr deterministic"
NEEDS_CARD = "not run: TF32 is of NVIDIA's cards, and there is none"


def usual(size: Size) -> Iterator[Row]:
    """The smallest batch as a study computes, with the circuit beside the linear head, and the deterministic flags."""
    return _raced(size, size.batches[0], OURS, FLAGS, circuit=True)


def bfloat16(size: Size) -> Iterator[Row]:
    """The smallest batch in bfloat16."""
    return _raced(size, size.batches[0], "qcxr bfloat16")


def float32(size: Size) -> Iterator[Row]:
    """The smallest batch in bare float32."""
    return _raced(size, size.batches[0], "qcxr float32")


def larger(size: Size) -> Iterator[Row]:
    """The other batches in every precision, the largest first."""
    for batch in reversed(size.batches[1:]):
        for ours in PEERS:
            yield from _raced(size, batch, ours)


def _raced(size: Size, batch: int, ours: str, *more: str, circuit: bool = False) -> Iterator[Row]:
    card, heads = nvidia.present(), ("cdl", "dqc") if circuit else ("cdl",)
    cases = [
        drawn(section=size.section, head=head, n_labels=size.labels, batch=batch, size=size.pixels) for head in heads
    ]
    peers = [peer for peer in (ours, *more, *PEERS[ours]) if peer in KINDS["model"] and peer not in size.without]
    for peer in [peer for peer in peers if "TF32" in peer and not card]:
        yield {"peer": peer, **described(cases[0]), "reason": NEEDS_CARD}
        peers.remove(peer)
    entries = [*(Entry(cases[0], peer) for peer in peers), *(Entry(case, OURS) for case in cases[1:])]
    # on a card libraries choose their kernels: how far they are apart is said, and is no reason not to time them
    loose = peers if card else ["qcxr bfloat16", "torch bfloat16", "torch.compile bfloat16"]
    rows = race(Contest(entries, {"own": sys.executable}, size.turns, loose=loose, aside=card))
    yield from rows
    yield from verdicts(rows, batch)


def verdicts(rows: Sequence[Row], batch: int) -> Iterator[Row]:
    """Films/s of each, and the ratios that were asked for."""
    medians = {(row["peer"], row["head"]): row["median_s"] for row in rows if "median_s" in row}
    for (peer, head), median in medians.items():
        yield value(f"{peer}, {head.upper()}, batch {batch}", batch / median, "films/s")
    for ours, peers in PEERS.items():
        theirs = next((peer for peer in peers if (peer, "cdl") in medians), None)
        if theirs and (ours, "cdl") in medians:
            ratio = medians[theirs, "cdl"] / medians[ours, "cdl"]
            yield value(f"{ours} over {theirs}, batch {batch}, films/s", ratio, "x", ">= 1")
    pairs = (
        ("DQC over CDL, step", (OURS, "dqc"), (OURS, "cdl"), "<= 1.05"),
        ("deterministic flags, step with over without", (FLAGS, "cdl"), (OURS, "cdl"), ""),
    )
    for what, over, under, asked in pairs:
        if over in medians and under in medians:
            yield value(f"{what}, batch {batch}", medians[over] / medians[under], "x", asked)
