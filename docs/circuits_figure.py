"""Draws docs/circuits-diagnostics.png: gradient variance and exact bond dimension against width and depth.

python docs/circuits_figure.py
"""

from pathlib import Path

import jax
import matplotlib
import matplotlib.pyplot
import numpy as np

from qcxr.circuits import Ansatz, make_engine
from qcxr.circuits.entanglement import bond_dimensions
from qcxr.circuits.signal import gradient_variance

matplotlib.use("Agg")
WIDTHS = (4, 8, 14, 19, 30, 45, 70, 100)
LAYERS = (1, 2, 3)
SAMPLES = 200


def variances(n, layers):
    """Variance for the weight that feels most, observed on qubit 1 (Z_0 Z_1 before the last ring) and on the last."""
    engine = make_engine("chain", n, layers)
    keys = jax.random.split(jax.random.key(n * 10 + layers))
    spreads = [gradient_variance(engine, k, observed=q, samples=SAMPLES) for k, q in zip(keys, (1, n - 1), strict=True)]
    return [max(float(s.max()), 1e-16) for s in spreads]


def bond(n, layers):
    """Largest exact bond dimension of a random state."""
    rng = np.random.default_rng(0)
    weights, angles = rng.uniform(0, 2 * np.pi, (layers, n)), rng.uniform(-np.pi / 2, np.pi / 2, n)
    return int(bond_dimensions(Ansatz(n, layers), weights, angles).max())


def main():
    """Computes everything and writes the figure beside this script."""
    figure, axes = matplotlib.pyplot.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for color, layers in zip(("#0072B2", "#009E73", "#D55E00"), LAYERS, strict=True):
        local, wide = zip(*(variances(n, layers) for n in WIDTHS), strict=True)
        axes[0].semilogy(WIDTHS, local, "o-", color=color, label=f"L = {layers}")
        axes[1].semilogy(WIDTHS, wide, "o-", color=color, label=f"L = {layers}")
        bonds = [bond(n, layers) for n in WIDTHS]
        axes[2].semilogy(WIDTHS, bonds, "o-", color=color, base=2, label=f"L = {layers}")
        print(layers, local, wide, bonds, flush=True)
    for axis, title in zip(axes, ("observed: qubit 1", "observed: last qubit", "bond dimension"), strict=True):
        axis.set(title=title, xlabel="qubits n")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("gradient variance")
    axes[2].legend()
    figure.savefig(Path(__file__).with_name("circuits-diagnostics.png"), dpi=110)


if __name__ == "__main__":
    main()
