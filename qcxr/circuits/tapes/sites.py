"""A column of a tape as a site tensor: one product with an environment, instead of one for each gate.

Given values of the bonds on its wire, all that happens on a wire is one number: a row of Pauli coefficients, taken
against time through the wire's gates to its start. Such an *entry* is named by the Pauli measured and the value of each
step's bond. Entries are computed for all repeats of a column at once, most often by one dot with a constant, since each
is multilinear in the features of the wire's gates (1, cos and sin of an angle); the environment then takes one
multiply-add for every row, entry and row that belong together. `qcxr.circuits.sites` and `environments` do the same for
the paper's circuit.
"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from qcxr.circuits.contract import contract
from qcxr.circuits.environments import bilinear
from qcxr.circuits.structure import Join, Terms
from qcxr.circuits.tapes.columns import Column
from qcxr.circuits.tapes.gates import KINDS, ZERO, Kind, halves
from qcxr.circuits.tapes.support import Edges
from qcxr.circuits.tapes.tape import Values

_LARGEST_CONSTANT = 2**18  # numbers, in the compiled program


@dataclasses.dataclass(frozen=True, eq=False)  # compared by identity: a static argument
class Product:
    """An environment that passes the column: where its entries stand among the phase's, and who multiplies whom."""

    entries: slice
    onward: Terms
    back: Terms
    pull: Terms

    @classmethod
    def of(cls, edges: Edges, entry: Int[np.ndarray, " edges"], first: int, count: int) -> "Product":
        join = Join(edges.source, entry, edges.target, edges.sources, range(count), edges.targets, count)
        return cls(slice(first, first + count), join.rightward(), join.leftward(), join.pull())


@dataclasses.dataclass(frozen=True, eq=False)
class Sites:
    """Of a column: paulis, and chosen[step], one-hot, say which entries there are; products: of each of its plans.

    constant: coefficients of the entries over products of the features of shared gates, and of those of the samples'
    own; None where they would be too many: entries are then multiplied out, step by step.
    """

    paulis: Float[np.ndarray, "entries 4"]
    chosen: tuple[Float[np.ndarray, "entries _"], ...]
    products: tuple[Product, ...]
    constant: Float[np.ndarray, "shared own entries"] | None

    @classmethod
    def of(cls, column: Column, given: list[tuple[int, Edges]]) -> "Sites":
        """given: of each plan the Pauli measured, and its edges."""
        paulis: list[Int[np.ndarray, " _"]] = []
        bonds: list[Int[np.ndarray, "_ steps"]] = []
        products: list[Product] = []
        for pauli, edges in given:
            unique, entry = np.unique(edges.bonds, axis=0, return_inverse=True)
            products.append(Product.of(edges, entry.reshape(-1), sum(len(some) for some in bonds), len(unique)))
            bonds.append(unique)
            paulis.append(np.repeat(pauli, len(unique)))
        measured, values = np.eye(4)[np.concatenate(paulis)], np.concatenate(bonds)
        chosen = tuple(
            np.eye(halves(step.gate).bond)[value] for step, value in zip(column.steps, values.T, strict=True)
        )
        return cls(measured, chosen, tuple(products), _constant(column, measured, values))

    def from_features(
        self, shared: Float[Array, " shared"], own: Float[Array, "own batch"]
    ) -> Float[Array, "entries batch"]:
        assert self.constant is not None
        return contract("ok,ob->kb", contract("sok,s->ok", self.constant.astype(own.dtype), shared), own)

    def from_tables(
        self, steps: tuple[Float[Array, "4 _ 4 ..."], ...], start: Float[Array, "4 ..."], batch: int
    ) -> Float[Array, "entries batch"]:
        """steps, start: of `exact.tables`."""
        row = jnp.asarray(self.paulis, start.dtype)
        for table, chosen in zip(steps, self.chosen, strict=True):
            spread = contract("kp...,kr->kpr...", row, chosen.astype(start.dtype))
            row = contract("kpr...,srp...->ks...", spread, table)
        row = contract("kp...,p...->k...", row, start)
        return row if row.ndim == 2 else jnp.broadcast_to(row[:, None], (len(row), batch))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def passed(
    product: Product, entries: Float[Array, "entries batch"], given: Float[Array, "rows batch"]
) -> Float[Array, "wanted batch"]:
    """The environment beyond the column; linear in both, so the reverse pass is two more such products."""
    return bilinear(product.onward, _padded(entries), _padded(given))[:-1]


def _forward(
    product: Product, entries: Float[Array, "..."], given: Float[Array, "..."]
) -> tuple[Float[Array, "..."], tuple[Float[Array, "..."], Float[Array, "..."]]]:
    return passed(product, entries, given), (entries, given)


def _backward(
    product: Product, saved: tuple[Float[Array, "..."], Float[Array, "..."]], g: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    entries, given = saved
    pulled = bilinear(product.pull, _padded(given), _padded(g))
    return pulled, bilinear(product.back, _padded(entries), _padded(g))[:-1]


passed.defvjp(_forward, _backward)


def _padded(rows: Float[Array, "rows batch"]) -> Float[Array, "more batch"]:
    """With the zero row at which missing terms point."""
    return jnp.concatenate([rows, jnp.zeros((1, rows.shape[1]), rows.dtype)])


def features(column: Column, parameters: Values) -> Values:
    """All products of one feature of each gate that has parameters, of those that samples share, and of their own."""
    shared, own = parameters
    found = {False: jnp.ones(1, shared.dtype), True: jnp.ones((1, own.shape[1]), own.dtype)}
    given, used = {False: shared, True: own}, {False: 0, True: 0}
    for kind, mine, _ in _fed(column):
        if kind.parameters:
            values = given[mine][used[mine] : used[mine] + kind.parameters]
            used[mine] += kind.parameters
            more = found[mine][:, None] * kind.features(values)[None]
            found[mine] = more.reshape(-1, *more.shape[2:])
    return Values(found[False], found[True])


def _fed(column: Column) -> list[tuple[Kind, bool, int | None]]:
    """The wire's gates, against time: kind, whether samples have parameters of their own, and of halves the step."""
    out: list[tuple[Kind, bool, int | None]] = []
    for i, step in enumerate(column.steps):
        out += [(KINDS[turn.name], turn.own, None) for turn in step.turns]
        out.append((KINDS[step.gate] if step.second else _FIRST, step.own, i))
    return out + [(KINDS[turn.name], turn.own, None) for turn in column.rest]


_FIRST = KINDS["CNOT"]  # any gate without parameters stands for the half that has none


def _constant(
    column: Column, paulis: Float[np.ndarray, "entries 4"], bonds: Int[np.ndarray, "entries steps"]
) -> Float[np.ndarray, "shared own entries"] | None:
    row = paulis[None, None]
    for kind, own, step in _fed(column):
        parts = kind.parts[:, None]
        if step is not None:
            half, value = halves(column.steps[step].gate), bonds[:, step]
            parts = half.second[:, value] if column.steps[step].second else half.first[None, value]
        if len(parts) * row.size > _LARGEST_CONSTANT:
            return None
        row = np.einsum("sokp,fkpq->sofkq", row, np.broadcast_to(parts, (len(parts), len(paulis), 4, 4)), optimize=True)
        s, o, f, k, _ = row.shape
        row = row.reshape(s, o * f, k, 4) if own else row.swapaxes(1, 2).reshape(s * f, o, k, 4)
    return row @ ZERO
