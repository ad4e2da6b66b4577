"""The one definition of the circuit, which every engine reads.

The paper's circuit (section III-C) is the default: H and RY(x_i) on every qubit, then `n_layers` times RY(w[l, i]) on
every qubit and the ring of CNOTs, then <Z_i> of every qubit; PennyLane calls the layers
`BasicEntanglerLayers(rotation=RY)`. The other choices keep the frame and change one part of it.
"""

import dataclasses

import numpy as np

from qcxr.errors import InputError

ROTATIONS = ("RX", "RY", "RZ")
ENTANGLERS = ("CNOT", "CZ")
PATTERNS = ("ring", "chain", "none", "all_to_all")


@dataclasses.dataclass(frozen=True)
class Ansatz:
    """A dressed circuit without its dressing.

    n_qubits: wires, one per label. n_layers: trainable layers (at least 1).
    encoding: rotation that takes the angles, after one H per wire. rotation: rotation that takes the weights.
    entangler: two-qubit gate. pattern: `ring` (i, i + 1) and (n - 1, 0), as in `BasicEntanglerLayers` one gate only
    for n = 2 and none for n = 1; `chain` is the ring without its closing gate; `none`; `all_to_all`: every (i, j) with
    i < j in lexicographic order. reupload: the angles enter again before the weights of every layer, not of the
    first alone. permutation_seed: None, or every layer's entanglers see the qubits in a random order of its own (ring
    and chain then run over that order), drawn by this seed.

    Raises InputError for a value out of these.
    """

    n_qubits: int
    n_layers: int
    encoding: str = "RY"
    rotation: str = "RY"
    entangler: str = "CNOT"
    pattern: str = "ring"
    reupload: bool = False
    permutation_seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("n_qubits", "n_layers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number >= 1, got {value!r}; pass {name}=1 or more")
        choices = {"encoding": ROTATIONS, "rotation": ROTATIONS, "entangler": ENTANGLERS, "pattern": PATTERNS}
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise InputError(
                    f"{name} must be one of {', '.join(allowed)}, got {value!r}; set {name} to one of them"
                )
        if not isinstance(self.reupload, bool):
            raise InputError(f"reupload must be true or false, got {self.reupload!r}; set reupload to one of them")
        seed = self.permutation_seed
        if seed is not None and (type(seed) is not int or not 0 <= seed < 2**32):
            raise InputError(f"permutation_seed must be an integer from 0 to 2^32 - 1, got {seed!r}; set another seed")

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(control, target) of one layer's entanglers, in the order in which they act, by the qubits' numbers."""
        n = self.n_qubits
        if self.pattern == "none":
            return ()
        if self.pattern == "all_to_all":
            return tuple((i, j) for i in range(n) for j in range(i + 1, n))
        closing = ((n - 1, 0),) if self.pattern == "ring" and n > 2 else ()
        return tuple((i, i + 1) for i in range(n - 1)) + closing

    def joined(self, layer: int) -> tuple[tuple[int, int], ...]:
        """(control, target) of that layer's entanglers: `pairs`, in the layer's own order of qubits if it has one."""
        if self.permutation_seed is None:
            return self.pairs
        # RandomState: the one generator of numpy whose numbers no version may change
        order = np.random.RandomState([self.permutation_seed, layer]).permutation(self.n_qubits).tolist()
        return tuple((order[i], order[j]) for i, j in self.pairs)

    @property
    def is_real(self) -> bool:
        """Whether every amplitude of the state is real, so that an engine may drop the imaginary half."""
        return self.encoding == "RY" and self.rotation == "RY"
