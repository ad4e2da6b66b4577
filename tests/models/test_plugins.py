"""Plug-ins at work: the examples of docs/plugins.md against others' code, and what is no head, loss or metric."""

import re
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_curve

from qcxr.analysis.ownmetrics import own_metrics
from qcxr.errors import InputError
from qcxr.models import arrays, classifier, parameters
from qcxr.models.classifier import Architecture
from qcxr.models.heads.create import create
from qcxr.study import plugged
from qcxr.training.losses import check_loss, make_loss

EXAMPLES = Path(__file__).parents[2] / "docs/own_plugins.py"
TINY = {
    "name": "resnet",
    "weights": None,
    "config": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
}


@pytest.fixture(autouse=True)
def mine(tmp_path, monkeypatch):
    """The examples as `mine.py` where the study runs, in force."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLES, "mine.py")
    plugged.use(["mine.py"])
    yield tmp_path / "mine.py"
    plugged.use([])
    plugged.offer([])


def test_the_page_shows_the_file():
    page = (EXAMPLES.parent / "plugins.md").read_text(encoding="utf-8")
    written = EXAMPLES.read_text(encoding="utf-8").splitlines()
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    shown = [line for block in blocks for line in block.splitlines() if line.strip() not in ("", "...")]
    assert len(blocks) == 5 and [line for line in shown if line not in written] == []
    line = next(k for k, text in enumerate(written, 1) if "hidden, key=first" in text)
    assert f"mine.py:{line}: head gelu_mlp must run, got NameError: name 'hiden'" in page
    readme = (EXAMPLES.parents[1] / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r'@(\w+)\("(\w+)"', readme))
    assert named == {(one.hook, one.name) for one in plugged.every()}


def options(**told):
    one = plugged.get("head", "gelu_mlp")
    return {**told, "plugin": {"file": one.listed, "digest": one.digest}}


def test_the_head_is_drawn_by_its_key_and_a_saved_run_needs_the_file_as_it_was(mine):
    made = [create("gelu_mlp", 6, 3, key=jax.random.key(k), options=options(hidden=5)) for k in (0, 0, 1)]
    first, again, other = (np.asarray(head.preprocess.kernel[...]) for head in made)
    assert first.shape == (6, 5) and (first == again).all() and (first != other).any()
    net = classifier.build(Architecture(TINY, "gelu_mlp", 3, options(hidden=5)), seed=0)
    counted = parameters.count(net)
    assert (counted["preprocess"], counted["quantum"], counted["postprocess"]) == (8 * 5 + 5, 0, 5 * 3 + 3)

    classifier.save("best.safetensors", net)
    plugged.use([])  # predicting knows no configuration
    kept = mine.rename(mine.parent / "kept.py")
    with pytest.raises(InputError, match="mine.py must have the head gelu_mlp of this run, got mine.py does not exist"):
        classifier.restore("best.safetensors")
    plugged.offer([str(kept)])
    again, _ = classifier.restore("best.safetensors")
    saved, restored = arrays.collect(net), arrays.collect(again)
    assert saved.keys() == restored.keys() and all((saved[name] == restored[name]).all() for name in saved)
    kept.write_text(kept.read_text().replace("gelu(self", "silu(self"))
    with pytest.raises(InputError, match=r"kept.py:[0-9]+: head gelu_mlp must be what it was \(digest .*with --plugin"):
        classifier.restore("best.safetensors")


def test_the_loss_is_the_papers_for_each_label_by_itself():
    """Eq. 12 with the margins of Eq. 13, for classes 0 and 1 whose logits are 0 and x; negative log likelihood."""
    rng = np.random.default_rng(0)
    targets = (rng.random((50, 3)) < [0.5, 0.1, 0.02]).astype(np.float32)
    targets[:, 2] = 0  # a label without a positive film counts as if it had one
    logits = rng.normal(size=(4, 3)).astype(np.float32)
    seen = np.array([[0, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 1]], np.float32)
    positives = targets.sum(0)
    largest = max(np.maximum(counts, 1) ** -0.25 for counts in [*positives, *(50 - positives)])
    expected = np.empty((4, 3))
    for i, j in np.ndindex(4, 3):
        counts = positives[j] if seen[i, j] else 50 - positives[j]
        margin = 0.7 * max(counts, 1) ** -0.25 / largest
        z = np.array([0.0, logits[i, j]])
        z[int(seen[i, j])] -= margin
        expected[i, j] = -np.log(np.exp(z[int(seen[i, j])]) / np.exp(z).sum())
    loss = make_loss("ldam", {"margin": 0.7}, targets)
    np.testing.assert_allclose(loss(jnp.asarray(logits), jnp.asarray(seen)), expected, rtol=1e-5)
    no_margin = make_loss("ldam", {"margin": 0.0}, targets)
    plain = -np.log(np.where(seen > 0, expit(logits), expit(-logits)))
    np.testing.assert_allclose(no_margin(jnp.asarray(logits), jnp.asarray(seen)), plain, rtol=1e-5)


def test_a_loss_cannot_change_the_labels_that_are_trained_on(mine):
    mine.write_text(
        EXAMPLES.read_text().replace("    positives = np.nansum", "    targets *= 0\n    positives = np.nansum")
    )
    plugged.use(["mine.py"])
    targets = np.eye(4, 3, dtype=np.float32)
    make_loss("ldam", {}, targets)
    assert (targets == np.eye(4, 3)).all()


def test_the_metric_is_what_scikit_learns_curve_has_there():
    (metric,) = own_metrics(["sensitivity_at_95"]).values()
    rng = np.random.default_rng(0)
    for films in (20, 41, 100, 333):
        truth = (rng.random(films) < 0.3).astype(float)
        truth[:2] = [0, 1]
        probability = np.round(rng.random(films) * 0.7 + truth * 0.3, 2)
        false, true, _ = roc_curve(truth, probability, drop_intermediate=False)
        assert metric.of(truth, probability, np.nan) == pytest.approx(true[false <= 0.05 + 1e-12].max())


HEAD = ("head gelu_mlp", lambda: create("gelu_mlp", 6, 3, key=jax.random.key(0), options=options()))
LOSS = ("loss ldam", lambda: check_loss("ldam", {}, n_labels=3))
PARTLY = ("loss ldam", lambda: check_loss("ldam", {}, n_labels=3, partly=True))
METRIC = ("metric sensitivity_at_95", lambda: own_metrics(["sensitivity_at_95"]))
WRONG = {
    "at import": ("@head", "print(1 / 0)\n\n\n@head", HEAD, "1 / 0", "# must run, got ZeroDiv"),
    "exit": ("@head", "raise SystemExit(1)\n\n\n@head", HEAD, "SystemExit", "# must run, got SystemExit: 1"),
    "no such module": ("import jax\n", "import jaxx\n", LOSS, "jaxx", "# must run, got ModuleNotFoundError: No module"),
    "in a head": ("hidden, key=first", "hiden, key=first", HEAD, "hiden", "# must run, got NameError: name 'hiden'"),
    "in its call": ("jax.nn.gelu(", "jax.nn.glue(", HEAD, ".glue(", "# must run, got Attribute"),
    "its logits": ("jax.nn.gelu(self.preprocess(features)))", "features)[0]", HEAD, "(features)[0]", "# must run"),
    "no last": ("def last", "def final", HEAD, "@head(", "#' has no last; a head is an nnx.Module with"),
    "its parts": ("self.preprocess", "self.hidden", HEAD, "@head(", "#' has a parameter hidden.*"),
    "its shape": ("(jax.nn.gelu(self.preprocess(features)))", "(jax.nn.gelu(self.preprocess(features[:1])))", HEAD,
                  "@head(", "#' gives float32 .1, 3. for 2 films and 3 labels; a head is"),
    "a summed loss": ("return jax.nn.softplus(", "return jnp.mean(", LOSS, "@loss(", "# must give one float32"),
    "no loss": ("return elements", "return 1", LOSS, "@loss(", "# must give a function of logits and targets, got int"),
    "not finite": ("np.maximum(counts, 1.0)", "counts", LOSS, "@loss(", "# must give finite losses, got nan"),
    "not of NaN": ("np.nansum(targets", "np.sum(targets", PARTLY, "@loss(", "# must give finite losses, got nan"),
    "its slope": ("jax.nn.softplus(jnp.where(targets > 0, -kept, kept))", "jnp.sqrt(jnp.maximum(kept, 0.0))", LOSS,
                  "@loss(", "# must give finite gradients, got nan at the logit"),
    "in a metric": ("0.95 * negatives.size", "0.95 * negatives.many", METRIC, ".many", "# must run, got Att"),
    "no number": (".mean()\n", "\n", METRIC, "@metric(", "# must give a finite number or NaN, got array"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of quotients that a check finds
def test_what_is_none_is_one_line_with_the_files_line(mine, name):
    old, new, (what, use), where, said = WRONG[name]
    text = EXAMPLES.read_text()
    assert old in text
    mine.write_text(text := text.replace(old, new))
    plugged.use(["mine.py"])
    line = next(k for k, written in enumerate(text.splitlines(), 1) if where in written)
    said = said.replace("#'", "head 'gelu_mlp'").replace("#", what)
    with pytest.raises(InputError, match=f"^mine.py:{line}: {said}") as caught:
        use()
    assert "\n" not in str(caught.value)
