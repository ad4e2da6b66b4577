"""Whole training steps on the card, ours and torch's, in one race per batch; the circuit over the linear head.

Every peer's float32 is bare float32 here, whatever JAX and torch take for it (piece `numerics`); TF32, which is what
they take on most cards, is a peer of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from qcxr.bench import nvidia
from qcxr.bench.peers.known import KINDS, OURS
from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import value
from qcxr.bench.race import Contest, Entry, Row, described, race
from qcxr.bench.suite import drawn

OWN = ("qcxr TF32", "qcxr bfloat16")
NEEDS_CARD = "not run: TF32 is of NVIDIA's cards, and there is none"
GIGABYTES = 0.11  # of the card that a film of ResNet-50's step takes in float32
FORMS_OF_TORCH = ("torch.compile", "torch")  # compiled, else as it is


def first(size: Size) -> Iterator[Row]:
    """The smallest batch: every precision, the deterministic flags, and the circuit beside the linear head."""
    yield from _raced(size, size.batches[0], [*OWN, "qcxr deterministic"], circuit=True)


def larger(size: Size) -> Iterator[Row]:
    """The other batches, the largest first."""
    for batch in reversed(size.batches[1:] or size.batches):
        yield from _raced(size, batch, OWN)


def _raced(size: Size, batch: int, own: Sequence[str], *, circuit: bool = False) -> Iterator[Row]:
    card = nvidia.present()
    linear, dqc = (
        drawn(section=size.section, head=head, n_labels=size.labels, batch=batch, size=size.pixels)
        for head in ("cdl", "dqc")
    )
    peers = [peer for peer in (*own, *size.peers) if peer in KINDS["model"]]
    for peer in [peer for peer in peers if "TF32" in peer and not card]:
        yield {"peer": peer, **described(linear), "reason": NEEDS_CARD}
        peers.remove(peer)
    os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "float32"  # of the peers, which inherit it
    found: list[Row] = []
    for k, together in enumerate(_fitting(peers, batch)):
        entries = [Entry(linear, peer) for peer in together]
        entries += [Entry(dqc, OURS)] * (circuit and k == 0)
        # on a card libraries choose their kernels: how far they are apart is said, and is no reason not to time them
        loose = [*peers] if card else [peer for peer in peers if "bfloat16" in peer]
        contest = Contest(entries, {"own": sys.executable}, size.turns, loose=loose, aside=card)
        rows = race(contest)
        yield from rows
        found += rows
    yield from verdicts(found, batch)


def _fitting(peers: list[str], batch: int) -> list[list[str]]:
    """All peers in one race if the card holds them, else a race per precision."""
    total = nvidia.asked("memory.total")
    need = batch * GIGABYTES * (1 + sum(0.5 if "bfloat16" in peer else 1 for peer in peers))
    if not total or not total[0].isdigit() or need < 0.9 * int(total[0]) / 1024:
        return [peers]
    words = ("TF32", "bfloat16")
    kinds = [[peer for peer in peers if word in peer] for word in words]
    return [one for one in ([peer for peer in peers if not any(w in peer for w in words)], *kinds) if one]


def verdicts(rows: Sequence[Row], batch: int) -> Iterator[Row]:
    """Films/s of each, and the ratios that were asked for."""
    medians: dict[tuple[str, str], float] = {}
    for row in rows:
        if "median_s" in row:
            medians.setdefault((row["peer"], row["head"]), row["median_s"])
    for (peer, head), median in medians.items():
        yield value(f"{peer}, {head.upper()}, batch {batch}", batch / median, "films/s")
    for ours in (OURS, *OWN):
        precision = ours.removeprefix(OURS)
        theirs = next((f"{t}{precision}" for t in FORMS_OF_TORCH if (f"{t}{precision}", "cdl") in medians), None)
        if theirs and (ours, "cdl") in medians:
            ratio = medians[theirs, "cdl"] / medians[ours, "cdl"]
            yield value(f"{ours} over {theirs}, batch {batch}, films/s", ratio, "x", ">= 1")
    pairs = (
        ("dqc over cdl, step", (OURS, "dqc"), (OURS, "cdl"), "<= 1.05"),
        ("deterministic flags, step with over without", ("qcxr deterministic", "cdl"), (OURS, "cdl"), ""),
    )
    for what, over, under, asked in pairs:
        if over in medians and under in medians:
            yield value(f"{what}, batch {batch}", medians[over] / medians[under], "x", asked)
