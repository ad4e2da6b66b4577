"""One run on one and on several devices, in a process of its own (the device count is fixed when JAX starts).

Arguments: the folder, the head, the number of devices. As a task of an `srun` step it joins the others first.
"""

import sys
from pathlib import Path

import jax

from qcxr.training.devices import join_hosts
from qcxr.training.loop import Loop
from tests.training.runs import run

validate = Loop.validate


def told(self) -> float:
    """Validate, and print on how many devices the state lies."""
    print("state on", {len(leaf.sharding.device_set) for leaf in jax.tree.leaves(self.state)})
    return validate(self)


if __name__ == "__main__":
    join_hosts()
    Loop.validate = told
    run(Path(sys.argv[1]), head=sys.argv[2], devices=int(sys.argv[3]), minutes=float(sys.argv[4]))
