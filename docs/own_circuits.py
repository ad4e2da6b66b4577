"""Two circuits of one's own, for the head `circuit` (docs/circuits.md, which a test holds to them)."""

import pennylane as qml


def strong(weights, angles, layers=2):
    """PennyLane's strongly entangling layers, whose CNOTs of range 1 join neighbours on a ring."""
    wires = range(len(angles))
    qml.AngleEmbedding(angles, wires, rotation="Y")
    qml.StronglyEntanglingLayers(weights, wires, ranges=[1] * layers)
    return [qml.expval(qml.Z(i)) for i in wires]


strong.shape = lambda labels, layers=2: qml.StronglyEntanglingLayers.shape(layers, labels)


def bricks(weights, angles, layers=3):
    """A brick wall: CZ joins every qubit with its left and its right neighbour in turn, so that <Z_k> is read from
    qubits k - layers ... k + layers alone, however many there are."""
    n = len(angles)
    qml.AngleEmbedding(angles, range(n), rotation="Y")
    for layer in range(layers):
        qml.AngleEmbedding(weights[layer], range(n), rotation="Y")
        for i in range(layer % 2, n - 1, 2):
            qml.CZ([i, i + 1])
    qml.AngleEmbedding(weights[layers], range(n), rotation="Y")
    return [qml.expval(qml.Z(i)) for i in range(n)]


bricks.shape = lambda labels, layers=3: (layers + 1, labels)
