"""The dressed quantum circuit: one definition, several exact engines with one signature."""

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.engine import ENGINES, Engine, make_engine
from qcxr.circuits.noise import Noise, Rates

__all__ = ["ENGINES", "Ansatz", "Engine", "Noise", "Rates", "make_engine"]
