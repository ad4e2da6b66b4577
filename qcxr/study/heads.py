"""The kinds of head: where the code of each is, and what each may be told (`head:` in the configuration).

The names and the limits are those of the heads' own code, known here without importing JAX; tests hold them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field, GetJsonSchemaHandler, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from qcxr.study import plugged
from qcxr.study.circuit import Circuit, Init, state_vectors_mb
from qcxr.study.fields import Count, Kept, Positive, Section
from qcxr.study.function import Own


class Kind(NamedTuple):
    """Where the code of a kind of head is: `make` is module:function, which takes (n_features, n_labels, key, options).

    `needs` names what decides its result though its module does not import it at module level.
    """

    make: str
    needs: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The module that makes it."""
        return self.make.partition(":")[0]

    @property
    def function(self) -> str:
        """The function (or class) there."""
        return self.make.partition(":")[2]


KINDS: dict[str, Kind] = {
    "cdl": Kind("qcxr.models.heads.cdl:cdl"),
    "dqc": Kind("qcxr.models.heads.dqc:dqc", needs=("qcxr.circuits.pennylane", "qcxr.circuits.walk")),
    "mlp": Kind("qcxr.models.heads.mlp:mlp"),
    "product": Kind("qcxr.models.heads.product:product"),
    "bottleneck": Kind("qcxr.models.heads.bottleneck:bottleneck"),
    "random": Kind("qcxr.models.heads.random:random", needs=("qcxr.circuits.pennylane", "qcxr.circuits.walk")),
    "permuted": Kind("qcxr.models.heads.permuted:permuted", needs=("qcxr.circuits.pennylane",)),
    "fourier": Kind("qcxr.models.heads.fourier:fourier"),
    "mps": Kind("qcxr.models.heads.mps:mps"),
    "circuit": Kind("qcxr.models.heads.circuit:circuit"),
}


class Cdl(Section):
    """The classical head: one linear layer. It has no options."""


class Mlp(Section):
    """The dressed head without its circuit: linear, tanh, linear. It has no options."""


class Product(Section):
    """The dressed head whose circuit never entangles: the same rotations without the ring of CNOTs."""

    layers: Count = Field(3, description="Rotation layers.", examples=[3])
    init: Init = Field(
        "uniform", description="How the rotations are drawn at the start, as for dqc.", examples=["small"]
    )


class Dqc(Circuit):
    """The dressed quantum circuit: linear, tanh, circuit with one qubit per label, linear."""

    kind = "dqc"
    train_circuit: bool = Field(
        True,
        description="Whether the circuit's weights train; without it they stay as drawn (the head random).",
        examples=[False],
    )


class Bottleneck(Section):
    """The dressed head without circuit and tanh: linear, linear, through one value per label. It has no options."""


class Random(Circuit):
    """The dressed circuit that does not learn: its weights stay as drawn, the linear layers train."""

    kind = "random"


class Permuted(Section):
    """The dressed circuit whose ring of CNOTs visits the qubits in another random order in every layer."""

    layers: Count = Field(3, description="Rotation layers, each followed by its ring.", examples=[3])
    init: Init = Field(
        "uniform", description="How the rotations are drawn at the start, as for dqc.", examples=["small"]
    )
    permutation_seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        0, description="Draws the layers' orders; the same for every run of the head.", examples=[1]
    )
    memory_mb: Positive = Field(
        4096,
        description="Megabytes that the state vectors may take; a batch goes in chunks.",
        examples=[8192],
    )

    def fit(self, n_qubits: int) -> None:
        """Raise ValueError if the state vector of that many qubits has no room."""
        needed = state_vectors_mb(n_qubits, real=True)
        if needed > self.memory_mb:
            raise ValueError(
                f"head.permuted.memory_mb must be >= {needed:.3g} for the state vector of {n_qubits} qubits (one per "
                f"label), got {self.memory_mb:g}; raise it, or leave the head out of this task's study"
            )


class Fourier(Section):
    """Random Fourier features in the circuit's place: linear, tanh, fixed random features, linear."""

    features: Count | None = Field(
        None,
        description="How many; null is the number of labels + 3. With labels + L of them the head has exactly as many "
        "trained parameters as dqc with L layers.",
        examples=[17],
    )
    bandwidth: Positive | None = Field(
        None,
        description="Standard deviation of the Gaussian kernel that they stand for, in radians of the angles; null is "
        "the square root of the number of labels.",
        examples=[2.0],
    )


class Mps(Section):
    """A chain of free tensors in the circuit's place: linear, tanh, matrix-product chain, linear."""

    bond: Count = Field(
        8,
        description="Size of the bonds between neighbours: 2 * 4^(L - 1) holds every circuit of L layers.",
        examples=[4],
    )


class Heads(Section):
    """The options of every head, by its name."""

    cdl: Cdl = Field(Cdl(), description="The paper's classical head: one linear layer.", examples=[{}])
    dqc: Dqc = Field(Dqc(), description="The paper's dressed quantum circuit.", examples=[{"engine": "chain"}])
    mlp: Mlp = Field(Mlp(), description="The dressed head without its circuit.", examples=[{}])
    product: Product = Field(
        Product(), description="The dressed head whose circuit never entangles.", examples=[{"layers": 1}]
    )
    bottleneck: Bottleneck = Field(Bottleneck(), description="The dressed head without nonlinearity.", examples=[{}])
    random: Random = Field(
        Random(), description="The dressed head whose circuit does not train.", examples=[{"layers": 1}]
    )
    permuted: Permuted = Field(
        Permuted(), description="The dressed head without the ring's order.", examples=[{"permutation_seed": 1}]
    )
    fourier: Fourier = Field(
        Fourier(), description="Random Fourier features in the circuit's place.", examples=[{"bandwidth": 2.0}]
    )
    mps: Mps = Field(Mps(), description="A free chain of tensors in the circuit's place.", examples=[{"bond": 4}])
    circuit: Own = Field(
        Own(), description="A dressed circuit of one's own.", examples=[{"function": "circuits.py:layers"}]
    )

    def fit(self, kind: str, n_labels: int) -> None:
        """Raise ValueError if a head of that kind cannot have so many labels."""
        section = getattr(self, kind)
        if isinstance(section, Circuit | Own | Permuted):
            section.fit(n_labels)


HEAD_NAMES = tuple(Heads.model_fields)


class KeptHeads(Kept):
    """`Kept(Heads)`, with the kinds of the plug-ins in force."""

    def accepting(self, before: Mapping[str, Any]) -> type[Section]:
        """All kinds' sections, by name."""
        own: dict[str, Any] = {one.name: (one.section, None) for one in plugged.every("head")}
        return create_model("Heads", __base__=self.section, **own) if own else self.section

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = super().__get_pydantic_json_schema__(schema, handler)
        # kinds of plug-ins, whose options their files say
        handler.resolve_ref_schema(found)["additionalProperties"] = {"type": "object"}
        return found


def options_of(kind: str) -> type[Section]:
    """The section of a kind of head, ours or a plug-in's."""
    if found := plugged.find("head", kind):
        assert found.section is not None  # said to mypy
        return found.section
    section = Heads.model_fields[kind].annotation
    assert isinstance(section, type) and issubclass(section, Section)  # said to mypy
    return section
