"""`mps`, a free matrix-product chain in the circuit's place: what the ansatz, a chain itself, is worth.

The circuit's <Z_k> is a closed chain of one real tensor per qubit, affine in the cosine and the sine of its angle: one
of two tensors per qubit, for a qubit that is measured and one that is not (`qcxr.circuits.sites`). Here the tensors
are free. A bond of 2 * 4^(L - 1) holds every circuit of L layers.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead

Tensors = Float[Array, "labels 2 3 bond bond"]  # of a site passed by, and of one measured; by 1, cos x, sin x
Bonds = Float[Array, "batch bond bond"]
Sites = Float[Array, "labels batch bond bond"]
NOISE = 0.05  # spectral size of what is added to every tensor at the start, or all bonds would learn the same

_matmul = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)  # a product of many: TF32 would add up


def mps(n_features: int, n_labels: int, *, key: PRNGKeyArray, bond: int = 8) -> Head:
    """Linear -> tanh * pi / 2 -> a closed chain of free tensors, one value per label -> linear."""
    if type(bond) is not int or bond < 1:
        raise InputError(f"bond must be an integer >= 1, got {bond!r}; set bond in the head's options")
    core = Core(chain, partial(start, n_labels=n_labels, bond=bond))
    return DressedHead(n_features, n_labels, key=key, core=core)


def start(key: PRNGKeyArray, *, n_labels: int, bond: int) -> Tensors:
    """Near the product circuit with all weights 0, <Z_k> = -sin(x_k).

    A site passed by is the identity, whatever its angle, so that neither values nor gradients shrink or grow with the
    number of sites; small noise on every entry lets the bonds differ.
    """
    noise = NOISE / bond**0.5 * jax.random.normal(key, (n_labels, 2, 3, bond, bond))
    passed, measured = (jnp.zeros((3, bond, bond)).at[p].set(jnp.eye(bond) * v) for p, v in ((0, 1), (2, -1 / bond)))
    return noise + jnp.stack([passed, measured])


def chain(tensors: Tensors, angles: Float[Array, "batch labels"]) -> Float[Array, "batch labels"]:
    """The trace of the chain with site k measured and all others passed by, for every k; linear in their number."""
    waves = jnp.stack([jnp.ones_like(angles), jnp.cos(angles), jnp.sin(angles)])
    sites = jnp.einsum("kopij,pbk->okbij", tensors, waves, precision=jax.lax.Precision.HIGHEST)
    passed, measured = sites[0], sites[1]
    nothing = jnp.broadcast_to(jnp.eye(tensors.shape[-1], dtype=angles.dtype), passed.shape[1:])

    def further(before: Bonds, site: Bonds) -> tuple[Bonds, Bonds]:
        return _matmul(before, site), before

    def back(behind: Bonds, site: Bonds) -> tuple[Bonds, Bonds]:
        return _matmul(site, behind), behind

    _, before = jax.lax.scan(further, nothing, passed)
    _, behind = jax.lax.scan(back, nothing, passed, reverse=True)
    return _closed(_matmul(before, measured), behind).T


def _closed(open_chain: Sites, rest: Sites) -> Float[Array, "labels batch"]:
    """The trace of their product."""
    return jnp.sum(open_chain * jnp.swapaxes(rest, -1, -2), (-2, -1))
