"""What the suite runs: every peer has its place, every group its environments, and what is lost is not asked again."""

import numpy as np
import pytest

from qcxr.bench import environment, race, suite
from qcxr.bench.agreement import TOLERANCE, beyond, differences
from qcxr.bench.peers.case import Case
from qcxr.bench.peers.known import CIRCUITS, KINDS, MODELS, OURS
from qcxr.bench.peers.model import Model


@pytest.mark.parametrize("size", suite.SIZES)
def test_groups_are_named_once_and_say_which_environments_they_need(size):
    names = suite.groups(size)
    assert len(set(names)) == len(names)
    for name in names:
        assert set(suite.environments(name, size)) <= set(environment.names())
    assert suite.environments("training", size) == []


def test_every_peer_runs_somewhere_in_the_full_suite():
    models = {OURS, *suite.FRAMEWORKS, *suite.PAPERS, *suite.ENGINES, *suite.NETWORKS, *suite.CARDS}
    assert models == set(MODELS)


def test_an_axis_of_circuits_asks_nobody_again_who_was_lost(monkeypatch):
    asked = []

    def raced(contest):
        asked.append([(entry.case.n_qubits, entry.peer) for entry in contest.entries])
        lost = {"quimb": "not done in 3 s"}
        return [
            {"peer": e.peer, **race.described(e.case)}
            | ({"reason": lost[e.peer]} if e.peer in lost else {"median_s": 1})
            for e in contest.entries
        ]

    monkeypatch.setattr(suite, "race", raced)
    rows = suite.along(suite.Axis((2, 3, 4), batch=2), (OURS, "quimb"), race.Turns(), {})
    assert asked == [[(2, OURS), (2, "quimb")], [(3, OURS)], [(4, OURS)]]
    said = [row["reason"] for row in rows if row["peer"] == "quimb"]
    assert said == ["not done in 3 s", *["not done in 3 s (at 2 qubits and 3 layers)"] * 2]


def test_cases_come_back_from_their_files_as_they_were(tmp_path):
    circuit = Case.draw(3, 2, 4, noise=0.1)
    circuit.write(tmp_path / "c.npz")
    again = Case.read(tmp_path / "c.npz")
    assert again.noise == 0.1 and again.n_qubits == 3
    np.testing.assert_array_equal(again.weights, circuit.weights)
    model = suite.drawn(head="dqc", n_labels=3, **suite.SIZES[suite.SMALL].steps)
    model.write(tmp_path / "m.npz")
    back = Model.read(tmp_path / "m.npz")
    assert back == model and set(back.arrays) == set(model.arrays)
    assert {"head.quantum", "backbone.stem.kernel"} <= set(back.watched) <= set(back.arrays)
    assert back.films().shape == (4, 32, 32, 3) and not back.zeros()[0].any()


def test_differences_are_of_the_largest_element_and_gradients_apart():
    ours = {"logits": np.array([2.0, 0.0]), "by head.w": np.array([1e-3, 0.0])}
    theirs = {"logits": np.array([2.0, 0.2]), "by head.w": np.array([1e-3, 1e-4])}
    found = differences(theirs, ours, relative=True)
    assert found == pytest.approx({"values_differ_by": 0.1, "gradients_differ_by": 0.1})
    found = differences(theirs, ours, relative=False)
    assert found == pytest.approx({"values_differ_by": 0.1, "gradients_differ_by": 1e-4})
    assert np.isnan(differences({**theirs, "loss": np.nan}, {**ours, "loss": 1.0}, relative=True)["values_differ_by"])
    assert not beyond({"values_differ_by": 1e-3, "gradients_differ_by": None, "backbone_differs_by": 1e-2})
    assert beyond({"values_differ_by": 2e-3, "gradients_differ_by": 9e-4}) == [2e-3]
    assert len(beyond({"values_differ_by": np.nan})) == len(beyond({"backbone_differs_by": 2e-2})) == 1
    assert beyond({"values_differ_by": 2e-4, "peer": "quimb"}, TOLERANCE) == [2e-4]
    assert not beyond({"values_differ_by": 1e-4, "peer": "quimb"}, TOLERANCE)
    deep = differences({"by backbone.k": np.ones(2)}, {"by backbone.k": np.array([1.0, 1.1])}, relative=True)
    assert deep["backbone_differs_by"] == pytest.approx(0.1 / 1.1) and deep["gradients_differ_by"] is None
    assert differences({"logits": ours["logits"]}, ours, relative=True)["gradients_differ_by"] is None


def test_packages_are_named_for_every_peer():
    for known in [*CIRCUITS.values(), *MODELS.values()]:
        assert known.packages and known.what and ":" in known.place
    assert [*KINDS] == ["circuit", "model"]
