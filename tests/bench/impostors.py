"""A peer's process with two impostors: tensorcircuit's values are wrong, quimb dies at its third step."""

import os
import sys
import types

import numpy as np

from qcxr.bench.peers import __main__ as process
from qcxr.bench.peers.case import Case, Peer
from qcxr.bench.peers.known import CIRCUITS, OURS, Known


def wrong(case: Case) -> Peer:
    return Peer(lambda: None, lambda: {"values": np.ones(case.angles.shape)})


def dying(case: Case) -> Peer:
    from qcxr.bench.peers.ours import engine

    peer, steps = engine(case), []

    def once():
        steps.append(None)
        if len(steps) == 3:
            os.kill(os.getpid(), 9)
        return peer.once()

    return Peer(once, peer.results)


sys.modules["qcxr.bench.peers.impostors"] = types.SimpleNamespace(wrong=wrong, dying=dying)
CIRCUITS["tensorcircuit"] = Known("impostors:wrong", (), "", "jax")
CIRCUITS["quimb"] = Known("impostors:dying", CIRCUITS[OURS].packages, "", "jax")
process.main(sys.argv[3:])  # behind `-m qcxr.bench.peers`
