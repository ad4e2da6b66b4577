"""What ResNet and DenseNet have in common: a stem, a maximum, stages, the mean of the last map."""

from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.models.layers import ConvNorm, widened
from qcxr.models.pooling import max_pool


class Staged(nnx.Module):
    """Normalised images -> pooled features in float32 (`qcxr.models.description.Backbone`)."""

    stem: ConvNorm
    stages: nnx.List
    n_features: int

    def __call__(
        self,
        images: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        x = max_pool(self.stem(images, train=train, mask=mask))
        for stage in self.stages:
            x = stage(x, train=train, mask=mask)
        return widened(x).mean((1, 2))

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """The stages that `trainable: last:N` counts, first to last."""
        return [("stages", i) for i in range(len(self.stages))]
