"""The whole classifier: images -> backbone -> pooled features -> head -> logits; built, saved, restored."""

import json
from pathlib import Path

import jax
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import arrays, backbones, heads

FORMAT = "qcxr-model-1"


class Classifier(nnx.Module):
    """Images (B, H, W, C) float32, normalised as the backbone wants them -> logits (B, L) float32."""

    def __init__(self, backbone: nnx.Module, head: nnx.Module, description: dict):
        self.backbone = backbone
        self.head = head
        self.description_json = json.dumps(description, sort_keys=True)

    @property
    def description(self) -> dict:
        """All that is needed to build the same model again without its weights' source."""
        return json.loads(self.description_json)

    def __call__(self, images: jax.Array, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        """Logits; with train=True BatchNorm in `batch` mode updates its statistics, from rows with mask (B,) 1 only."""
        return self.head(self.features(images, train, mask))

    def features(self, images: jax.Array, train: bool = False, mask: jax.Array | None = None) -> jax.Array:
        """Pooled features (B, F) float32."""
        if images.ndim != 4:
            raise InputError(f"images must have shape (B, H, W, C), got {images.shape}; add the missing axes")
        return self.backbone(images, train=train, mask=mask)


def build(
    *,
    backbone: dict,
    head: str,
    head_options: dict | None = None,
    n_labels: int,
    seed: int,
    batch_norm: str | None = None,
    precision: str = "float32",
    remat: bool = False,
) -> Classifier:
    """Build the classifier that the arguments describe.

    The head has a key of its own (fold_in of the seed), so one seed gives every head the same backbone.
    batch_norm None means `running` for a pretrained backbone and `batch` from scratch.
    """
    description = backbones.describe(backbone)
    batch_norm = batch_norm or ("running" if description.pretrained else "batch")
    key = jax.random.key(seed)
    network = backbones.create(
        backbone, key=jax.random.fold_in(key, 0), batch_norm=batch_norm, precision=precision, remat=remat
    )
    top = heads.create(head, network.n_features, n_labels, key=jax.random.fold_in(key, 1), options=head_options)
    resolved = {
        "backbone": description.section,
        "head": head,
        "head_options": dict(head_options or {}),
        "n_labels": n_labels,
        "batch_norm": batch_norm,
        "precision": precision,
        "remat": remat,
    }
    return Classifier(network, top, resolved)


def save(path: Path | str, model: Classifier, *, metadata: dict | None = None) -> None:
    """Write the model, with its description and `metadata` (JSON), as one safetensors file, atomically."""
    # one key, since safetensors writes several in no fixed order and equal models must be equal bytes
    about = {"format": FORMAT, "model": model.description, "metadata": metadata or {}}
    arrays.write(path, arrays.collect(model), {"qcxr": json.dumps(about, sort_keys=True)})


def restore(path: Path | str) -> tuple[Classifier, dict]:
    """(model, metadata) from a file that `save` wrote; nothing else is needed."""
    values, header = arrays.read(path)
    about = json.loads(header.get("qcxr", "{}"))
    if about.get("format") != FORMAT:
        raise InputError(
            f"{path} must be a model written by qcxr ({FORMAT}), got format {about.get('format')!r}; "
            "use a run's best.safetensors"
        )
    model = build(seed=0, **about["model"])
    return arrays.fill(model, values, source=str(path)), about["metadata"]
