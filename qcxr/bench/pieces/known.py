"""The pieces by name, in the order in which they are run: what is asked for first comes first."""

from typing import NamedTuple


class Piece(NamedTuple):
    """place: module:function of this package. limit: seconds after which it is stopped. what: a heading."""

    place: str
    limit: float
    what: str


PIECES = {
    "numerics": Piece("numerics:numerics", 60, "What float32 means"),
    "steps": Piece("steps:usual", 300, "Training steps as a study takes them; the circuit over the linear head"),
    "loop": Piece("loop:loop", 120, "The loop over its step"),
    "forms": Piece("circuits:forms", 150, "Forms of the circuit, the smaller batch"),
    "steps-bfloat16": Piece("steps:bfloat16", 200, "Training steps in bfloat16"),
    "suspects": Piece("suspects:suspects", 150, "Two ways of doing the same"),
    "profile": Piece("ablation:profile", 150, "Where a step's time goes"),
    "determinism": Piece("determinism:determinism", 200, "Two runs bit by bit"),
    "features": Piece("features:features", 120, "Features of a frozen backbone"),
    "sharing": Piece("sharing:sharing", 150, "Two jobs on one card"),
    "steps-float32": Piece("steps:float32", 200, "Training steps in bare float32"),
    "deep": Piece("circuits:deep", 120, "Deep circuits"),
    "forms-larger": Piece("circuits:forms_larger", 150, "Forms of the circuit, the larger batch"),
    "steps-larger": Piece("steps:larger", 500, "Training steps, larger batches"),
}
