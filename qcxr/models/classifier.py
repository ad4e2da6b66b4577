"""The whole classifier: images -> backbone -> pooled features -> head -> logits; built, saved, restored."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
from flax import nnx
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from qcxr.errors import InputError, one_line
from qcxr.models import arrays, backbones
from qcxr.models.contracts import Head, Measured
from qcxr.models.description import Backbone
from qcxr.models.features import Extractor
from qcxr.models.heads.create import create

FORMAT = "qcxr-model-1"
AGAIN = "use a run's best.safetensors"


@dataclass(frozen=True)
class Architecture:
    """All that a classifier is but its arrays; the header of its weights file.

    `backbone` is a section for `qcxr.models.backbones`. `batch_norm` None is `running` for a pretrained backbone and
    `batch` from scratch.
    """

    backbone: dict[str, Any]
    head: str
    n_labels: int
    head_options: dict[str, Any] = field(default_factory=dict)
    batch_norm: str | None = None
    precision: str = "float32"
    remat: bool = False


class Classifier(nnx.Module):
    """Images, normalised as the backbone wants them -> logits, float32.

    Its `architecture` is enough to build the same model again without its weights' source.
    """

    def __init__(self, backbone: Backbone, head: Head, architecture: Architecture) -> None:
        self.backbone = backbone
        self.head = head
        self.architecture_json = json.dumps(asdict(architecture), sort_keys=True)  # text: nnx hashes what is no array

    @property
    def architecture(self) -> Architecture:
        """What the model is, with nothing left to be chosen."""
        return Architecture(**json.loads(self.architecture_json))

    @property
    def extractor(self) -> Extractor:
        """What computes its features."""
        return Extractor(self.backbone, self.architecture.backbone, self.architecture.precision)

    def __call__(
        self,
        images: Float[Array, "batch height width channels"],
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "batch labels"]:
        """Logits; with train=True BatchNorm in `batch` mode updates its statistics, from rows with mask True only.

        key: of a training step; a head with shots is then measured, and every other is as without.
        """
        return _logits(self.head, self.features(images, train, mask), key)

    def features(
        self,
        images: Float[Array, "batch height width channels"],
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        """Pooled features, float32."""
        if images.ndim != 4:
            raise InputError(f"images must have shape (B, H, W, C), got {images.shape}; add the missing axes")
        return self.backbone(images, train=train, mask=mask)


class FeatureClassifier(nnx.Module):
    """A head that reads features where `Classifier` reads images; it trains in the same loop."""

    def __init__(self, classifier: Classifier) -> None:
        self.head = classifier.head

    def __call__(
        self,
        features: Float[Array, "batch features"],
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "batch labels"]:
        """Logits; `train` and `mask` change nothing."""
        del train, mask
        return _logits(self.head, features, key)


def _logits(
    head: Head, features: Float[Array, "batch features"], key: PRNGKeyArray | None
) -> Float[Array, "batch labels"]:
    if key is None or not isinstance(head, Measured) or head.shots is None:
        return head(features)
    return head.from_shots(features, key)


def build(architecture: Architecture, *, seed: int) -> Classifier:
    """Build the classifier of that architecture, from random arrays or a checkpoint's.

    The head has a key of its own (fold_in of the seed), so one seed gives every head the same backbone.
    """
    described = backbones.describe(architecture.backbone)
    batch_norm = architecture.batch_norm or ("running" if described.pretrained else "batch")
    key = jax.random.key(seed)
    network = backbones.create(
        architecture.backbone,
        key=jax.random.fold_in(key, 0),
        batch_norm=batch_norm,
        precision=architecture.precision,
        remat=architecture.remat,
    )
    head = create(
        architecture.head,
        network.n_features,
        architecture.n_labels,
        key=jax.random.fold_in(key, 1),
        options=architecture.head_options,
    )
    return Classifier(network, head, replace(architecture, backbone=described.section, batch_norm=batch_norm))


def save(path: Path | str, model: Classifier, *, metadata: dict[str, Any] | None = None) -> None:
    """Write the model, with its architecture and `metadata` (JSON), as one safetensors file, atomically."""
    # one key, since safetensors writes several in no fixed order and equal models must be equal bytes
    about = {"format": FORMAT, "model": asdict(model.architecture), "metadata": metadata or {}}
    arrays.write(path, arrays.collect(model), {"qcxr": json.dumps(about, sort_keys=True)})


def restore(path: Path | str) -> tuple[Classifier, dict[str, Any]]:
    """(model, metadata) from a file that `save` wrote; nothing else is needed, but a user's own circuit's file."""
    values, header = arrays.read(path)
    try:
        about = json.loads(header.get("qcxr", "{}"))
        found = about.get("format")
        architecture = _described(about["model"]) if found == FORMAT else None
        metadata = dict(about["metadata"]) if found == FORMAT else {}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # no JSON, or not what `save` writes
        found, architecture, metadata = "a header that is not ours", None, {}
    if architecture is None:
        raise InputError(
            f"{path} must be a model written by qcxr ({FORMAT}), got {str(found or 'no such header')[:80]}; {AGAIN}"
        )
    most = sum(value.size for value in values.values())
    if (largest := max(_sizes([architecture.n_labels, architecture.backbone.get("config")]), default=0)) > most:
        raise InputError(f"{path}: its header has a size of {largest}, beyond its {most} numbers; {AGAIN}")
    try:
        model = build(architecture, seed=0)
    except InputError:
        raise
    except Exception as error:  # of a header that was edited, whatever it meets first
        raise InputError(
            f"{path}: its header is of no network that can be built ({one_line(error)}); {AGAIN}"
        ) from error
    return arrays.fill(model, values, source=str(path)), metadata


def trained(path: Path | str) -> tuple[Classifier, dict[str, Any]]:
    """`restore`, of weights that a run has written: they say their labels, and how films were preprocessed.

    Raises InputError for others, and for a file that is not whole.
    """
    model, metadata = restore(path)
    if not {"image", "labels"} <= metadata.keys():
        raise InputError(
            f"{path} does not say its labels and how films were preprocessed; give a run's best.safetensors"
        )
    return model, metadata


def _described(header: dict[str, Any]) -> Architecture:
    """The architecture of a header. Raises TypeError unless its parts are of the types that `save` writes."""
    found = Architecture(**header)
    dictionaries = isinstance(found.backbone, dict) and isinstance(found.head_options, dict)
    if not dictionaries or not isinstance(found.head, str) or type(found.n_labels) is not int:
        raise TypeError("parts of other types")
    return found


def _sizes(content: Any) -> list[int]:
    """All whole numbers in lists and dictionaries."""
    if isinstance(content, dict | list):
        inside = content.values() if isinstance(content, dict) else content
        return [number for part in inside for number in _sizes(part)]
    return [content] if isinstance(content, int) else []
