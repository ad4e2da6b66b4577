"""The dressed quantum circuit: one definition, several exact engines with one signature."""

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.engine import ENGINES, make_engine

__all__ = ["ENGINES", "Ansatz", "make_engine"]
