"""A run keeps the protocol, is the same bits every time, and survives being stopped anywhere."""

import itertools
import json
import os
import shutil
import signal

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from flax.traverse_util import flatten_dict

from qcxr.data import batches
from qcxr.data.feed import Batch
from qcxr.errors import InputError
from qcxr.models import arrays, classifier, features, groups
from qcxr.study.sections import Augment, Train
from qcxr.training import assemble
from qcxr.training.inputs import of_films
from qcxr.training.loop import Loop
from qcxr.training.losses import bce
from qcxr.training.optimizers import make_optimizer
from qcxr.training.progress import Progress
from qcxr.training.step import TrainState, make_steps
from tests.training.runs import BACKBONE, PROTOCOL, results, run, split


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return folder


def stop_after(monkeypatch, steps: list[int], signum: int = signal.SIGTERM):
    """Send ourselves a real signal when the run has taken that many steps in all."""
    taken = [0]
    advance = Progress.advance

    def advanced(self, count):
        taken[0] += count
        if taken[0] in steps:
            os.kill(os.getpid(), signum)
        advance(self, count)

    monkeypatch.setattr(Progress, "advance", advanced)


def test_outputs_are_what_they_say(undisturbed):
    out = undisturbed / "out"
    assert sorted(p.name for p in out.iterdir()) == ["best.safetensors", "history.csv", "run.json", "steps.csv"]
    assert not (undisturbed / "work").exists()
    history, steps = pd.read_csv(out / "history.csv"), pd.read_csv(out / "steps.csv")
    facts = json.loads((out / "run.json").read_text())
    assert list(history["epoch"]) == [1, 2, 3] and len(steps) == 3 * 6  # 22 films in batches of 4
    np.testing.assert_allclose(history["train_loss"], steps.groupby("epoch")["loss"].mean(), rtol=1e-6)
    assert (history["seconds"] > 0).all() and history["seconds"].nunique() > 1  # each epoch's own
    assert facts["best_val_loss"] == history["val_loss"].min()
    assert facts["best_epoch"] == history["epoch"][history["val_loss"].idxmin()]
    assert facts["stopped"] == "max_epochs" and facts["parameters"]["preprocess"] == 8 * 2 + 2
    assert {"jax", "flax", "numpy"} <= set(facts["versions"]) and facts["peak_memory_mb"] > 10


def test_the_kept_weights_are_those_of_the_best_epoch(undisturbed):
    net, metadata = classifier.restore(undisturbed / "out/best.safetensors")
    films = split(9, 2)
    mean, std = metadata["image"]["mean"], metadata["image"]["std"]
    pixels = (np.repeat(films.images[..., None], 3, -1) / 255 - np.array(mean)) / np.array(std)
    logits = np.asarray(net(jnp.asarray(pixels, jnp.float32), train=False), np.float64)
    expected = np.mean(np.logaddexp(0, logits) - films.targets * logits)
    assert expected == pytest.approx(json.loads((undisturbed / "out/run.json").read_text())["best_val_loss"], rel=1e-5)


def test_tensorboard_shows_the_history(undisturbed, tmp_path):
    """The event files are read back by their own format, not by the writer."""
    from tensorboardX.proto.event_pb2 import Event

    run(tmp_path, tensorboard=True)
    (file,) = (tmp_path / "progress").glob("events.out.tfevents.*")
    data, scalars = file.read_bytes(), {}
    while data:  # a record: length (8), its checksum (4), the event, its checksum (4)
        length = int.from_bytes(data[:8], "little")
        event = Event.FromString(data[12 : 12 + length])
        scalars.update({(value.tag, event.step): value.simple_value for value in event.summary.value})
        data = data[16 + length :]
    history = pd.read_csv(tmp_path / "out/history.csv").set_index("epoch")
    assert len(scalars) == 9
    for (name, epoch), value in scalars.items():
        assert value == pytest.approx(history.loc[epoch, name], rel=1e-6)
    assert results(tmp_path) == results(undisturbed)


def test_same_seed_same_bits(undisturbed, tmp_path):
    run(tmp_path)
    assert results(tmp_path) == results(undisturbed)


def test_another_seed_is_another_run(undisturbed, tmp_path):
    run(tmp_path, seed=1)
    assert all(a != b for a, b in zip(results(tmp_path), results(undisturbed), strict=True))


@pytest.mark.parametrize("steps", [[1], [6], [9], [3, 4, 11]])
def test_stopped_and_resumed_is_bit_identical(undisturbed, tmp_path, monkeypatch, steps):
    stop_after(monkeypatch, steps)
    for _ in steps:
        with pytest.raises(SystemExit) as stopped:
            run(tmp_path)
        assert stopped.value.code == 128 + signal.SIGTERM
        assert not (tmp_path / "out/run.json").exists()
    run(tmp_path)
    assert results(tmp_path) == results(undisturbed)
    states = [json.loads(line)["state"] for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert states.count("resumed") == states.count("stopped") == len(steps) and states[-1] == "done"


def test_better_weights_that_a_kill_loses_are_made_again(undisturbed, tmp_path, monkeypatch):
    """Saved in the second epoch, killed in the last one: the best weights in between were in memory only."""
    stop_after(monkeypatch, [7])
    with pytest.raises(SystemExit):
        run(tmp_path)

    class Killed(BaseException):
        """What no handler of ours catches."""

    weights, better = Loop.weights, []

    def kept(loop):
        better.append(loop.epoch)
        if loop.epoch == 3:
            raise Killed
        return weights(loop)

    with monkeypatch.context() as patched:
        patched.setattr(Loop, "weights", kept)
        with pytest.raises(Killed):
            run(tmp_path)
    assert better == [2, 3]
    run(tmp_path)
    assert results(tmp_path) == results(undisturbed)


def test_a_checkpoint_at_every_step_changes_nothing(undisturbed, tmp_path):
    run(tmp_path, minutes=1e-9)
    assert results(tmp_path) == results(undisturbed)


def test_another_configuration_is_not_resumed_and_says_why(undisturbed, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    stop_after(monkeypatch, [4])
    with pytest.raises(SystemExit):
        run(tmp_path, config="other")
    run(tmp_path)
    assert "is not resumed: its config differ(s) from this run's" in caplog.text
    assert results(tmp_path) == results(undisturbed)


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_fingerprint_loses_nothing(undisturbed, tmp_path, monkeypatch, caplog, content):
    """Its own folder is known by its name; another run's is passed over."""
    stop_after(monkeypatch, [4])
    with pytest.raises(SystemExit):
        run(tmp_path)
    (own,) = (tmp_path / "work").iterdir()
    other = tmp_path / "work" / "0123456789ab"
    other.mkdir()
    for folder in (own, other):
        (folder / "fingerprint.json").write_text(content)
    caplog.set_level("INFO")
    run(tmp_path)
    assert caplog.text.count("fingerprint.json is damaged") == 2 and "resuming at epoch" in caplog.text
    assert results(tmp_path) == results(undisturbed)


# reads that were under way when the damage was found end after Orbax has closed its event loop, and say so
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_truncated_checkpoint_falls_back_to_the_one_before(undisturbed, tmp_path, monkeypatch, caplog):
    stop_after(monkeypatch, [5])
    with pytest.raises(SystemExit):
        run(tmp_path, minutes=1e-9)  # saves at every step and keeps the last two
    (folder,) = (tmp_path / "work").iterdir()
    saved = sorted((folder / "checkpoints").iterdir(), key=lambda path: int(path.name))
    assert [path.name for path in saved] == ["4", "5"]
    for path in saved[-1].rglob("*"):
        if path.is_file() and path.parent.name == "d":
            path.write_bytes(path.read_bytes()[:20])
    run(tmp_path)
    assert "checkpoint of step 5 is damaged" in caplog.text and "falling back to the one before" in caplog.text
    assert results(tmp_path) == results(undisturbed)


def test_a_checkpoint_with_other_numbers_is_found_out(tmp_path, undisturbed, monkeypatch, caplog):
    stop_after(monkeypatch, [5])
    with pytest.raises(SystemExit):
        run(tmp_path, minutes=1e-9)
    (folder,) = (tmp_path / "work").iterdir()
    last, before = folder / "checkpoints/5/arrays", folder / "checkpoints/4/arrays"
    shutil.rmtree(last)
    shutil.copytree(before, last)  # readable, whole, and not what was saved at step 5
    run(tmp_path)
    assert "its arrays do not match their digest" in caplog.text
    assert results(tmp_path) == results(undisturbed)


def test_a_diverging_run_stops_with_the_place_and_leaves_no_output(tmp_path):
    with pytest.raises(
        InputError, match=r"loss became (nan|inf) at epoch \d, step \d+ \(last finite loss .*lower train"
    ):
        run(tmp_path, learning_rate=1e30)
    assert list((tmp_path / "out").iterdir()) == []
    last = json.loads((tmp_path / "progress.jsonl").read_text().splitlines()[-1])
    assert last["state"] == "failed" and "loss became" in last["reason"]


def test_patience_counts_epochs_without_a_better_validation_loss(tmp_path, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.0, 2.6, 1.0])
    monkeypatch.setattr(Loop, "validate", lambda self: next(losses))
    run(tmp_path, epochs=6, patience=3)
    facts = json.loads((tmp_path / "out/run.json").read_text())
    assert (facts["stopped"], facts["epochs"], facts["best_epoch"], facts["best_val_loss"]) == ("patience", 5, 2, 2.0)
    assert list(pd.read_csv(tmp_path / "out/history.csv")["best"]) == [True, True, False, False, False]


def test_permuted_labels_keep_their_counts_and_lose_their_films(tmp_path, monkeypatch):
    seen = {}
    make = assemble.make_loss
    monkeypatch.setattr(assemble, "make_loss", lambda n, o, targets: seen.update(t=targets) or make(n, o, targets))
    run(tmp_path, permute_labels=True, epochs=1)
    truth = split(22, 1).targets
    assert not (seen["t"] == truth).all() and (seen["t"].sum(0) == truth.sum(0)).all()


def test_the_backbone_joins_after_its_epochs(tmp_path, monkeypatch):
    """With micro-batches and in bfloat16: for two epochs the backbone's arrays keep their bits, then they move too."""
    seen, weights = [], Loop.weights

    def kept(loop):
        found = weights(loop)
        seen.append(arrays.collect(loop.classifier(found)))
        return found

    monkeypatch.setattr(Loop, "weights", kept)
    run(tmp_path, freeze_epochs=2, head_learning_rate=3e-2, accumulate=2, precision="bfloat16", prior_bias=True)
    section = BACKBONE.model_dump(include={"name", "weights", "config"})
    first = classifier.build(classifier.Architecture(section, "cdl", n_labels=2, precision="bfloat16"), seed=0)
    seen.insert(0, arrays.collect(first))
    assert len(seen) == 4  # every epoch was the best so far
    for name in seen[0]:
        if not name.endswith(("norm.mean", "norm.var")):
            moved = [not np.array_equal(a[name], b[name]) for a, b in itertools.pairwise(seen)]
            assert moved == ([True] * 3 if name.startswith("head") else [False, False, True]), name
    facts = json.loads((tmp_path / "out" / "run.json").read_text())
    assert facts["backbone_sha256"] == features.fingerprint(first.extractor)


def test_patience_waits_for_the_backbone(tmp_path):
    """Nothing is better than the start (a learning rate of almost 0), yet the frozen epochs do not use patience up."""
    run(tmp_path, epochs=9, freeze_epochs=4, patience=2, learning_rate=1e-12)
    history = pd.read_csv(tmp_path / "out" / "history.csv")
    best = json.loads((tmp_path / "out" / "run.json").read_text())["best_epoch"]
    assert len(history) == min(9, max(best, 4) + 2) >= 6


def test_more_micro_batches_than_steps_are_refused(tmp_path):
    with pytest.raises(InputError, match="train.accumulate must be at most the run's 18 steps, .* got 19; lower it"):
        run(tmp_path, accumulate=19)


def steps_for(head: str):
    section = BACKBONE.model_dump(include={"name", "weights", "config"})
    net = classifier.build(classifier.Architecture(section, head, n_labels=2, batch_norm="batch"), seed=3)
    graphdef, trained, frozen, statistics = groups.split(net)
    optimizer = make_optimizer(Train(learning_rate=1e-2), steps_per_epoch=1)
    steps = make_steps(
        graphdef, optimizer=optimizer, loss=bce, inputs=of_films(mean=(0.5,) * 3, std=(0.5,) * 3, augment=Augment())
    )
    return steps, TrainState(trained, statistics, optimizer.init(trained)), frozen


def test_padded_rows_change_neither_weights_nor_statistics_nor_loss():
    films, mask, rows = split(5, 4), np.array([True, True, True, False, False]), np.arange(5, dtype=np.int32)
    outcomes = []
    for garbage in (0, 200):
        steps, state, frozen = steps_for("cdl")
        images, targets = films.images.copy(), films.targets.copy()
        images[3:], targets[3:] = garbage, garbage % 2
        batch = Batch(images, targets, mask, rows)
        state, loss = steps.train(state, frozen, batch, np.uint32(0), np.uint32(0))
        total, _ = steps.evaluate(state.trained, frozen, state.statistics, batch)
        outcomes.append([np.asarray(x) for x in jax.tree.leaves((state, loss, total))])
    assert all((a == b).all() for a, b in zip(*outcomes, strict=True))


def test_heads_of_one_seed_see_the_same_films_and_start_from_the_same_backbone(tmp_path, monkeypatch):
    seen: dict[str, list] = {"cdl": [], "dqc": []}
    current = []
    make = assemble.make_steps

    def recorded(*args, **options):
        steps = make(*args, **options)

        def train(state, frozen, batch, seed, epoch):
            if not seen[current[-1]]:
                first = [v for k, v in flatten_dict(state.trained).items() if k[0] == "backbone"]
                seen[current[-1]].append([np.asarray(v[...]).tobytes() for v in first])
            seen[current[-1]].append(
                (np.asarray(batch.rows).tobytes(), int(seed), int(epoch), np.asarray(batch.images).tobytes())
            )
            return steps.train(state, frozen, batch, seed, epoch)

        return steps._replace(train=train)

    monkeypatch.setattr(assemble, "make_steps", recorded)
    for head in seen:
        current.append(head)
        run(tmp_path / head, head=head, seed=5, epochs=1)
    assert len(seen["cdl"]) == 1 + 6 and seen["cdl"] == seen["dqc"]
    assert seen["cdl"][1][0] == batches.order(5, 0, 22)[: PROTOCOL.batch_size].tobytes()


def test_dqc_trains_to_the_same_losses_with_every_engine(tmp_path):
    losses = {}
    for engine in ("chain", "statevector", "auto", "pennylane"):
        folder = tmp_path / engine
        run(folder, head="dqc", head_options={"engine": engine, "layers": 2}, epochs=1)
        losses[engine] = pd.read_csv(folder / "out/steps.csv")["loss"].to_numpy()
    for engine in losses:
        np.testing.assert_allclose(losses[engine], losses["pennylane"], rtol=1e-4, err_msg=engine)
    assert len(losses["chain"]) == 6 and np.ptp(losses["chain"]) > 0
