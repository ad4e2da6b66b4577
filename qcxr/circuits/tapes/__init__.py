"""Circuits of one's own: a tape of gates, and what runs it."""

from qcxr.circuits.tapes.simulate import Cost, cost, expectations
from qcxr.circuits.tapes.tape import Feed, Gate, Tape, of_ansatz

__all__ = ["Cost", "Feed", "Gate", "Tape", "cost", "expectations", "of_ansatz"]
