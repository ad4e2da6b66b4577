"""`backbone.config`: the shape of a network of your own, one section for each family that takes one.

The names and defaults are those of the library that the family's checkpoints come from; tests hold them equal to the
networks'.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from qcxr.study.fields import Count, Positive, Section

Activation = Literal["relu", "relu6", "gelu", "silu"]
Channels = Literal[1, 3]


class Shape(Section):
    """The shape of a network."""

    @property
    def stages(self) -> int:
        """What `trainable: last:N` counts."""
        raise NotImplementedError


REDUCTION = 4  # a bottleneck's inner width is its outer width / 4
CHANNELS = "Channels of a film: its gray three times (3), or once (1)."


class ResNet(Shape):
    """The shape of a ResNet, with Hugging Face's names and defaults (a ResNet-50)."""

    num_channels: Channels = Field(3, description=CHANNELS, examples=[1])
    embedding_size: Count = Field(64, description="Channels of the stem.", examples=[16])
    hidden_sizes: list[Count] = Field(
        [256, 512, 1024, 2048], min_length=1, description="Channels of each stage.", examples=[[16, 32, 64]]
    )
    depths: list[Count] = Field([3, 4, 6, 3], min_length=1, description="Blocks of each stage.", examples=[[1, 1, 1]])
    layer_type: Literal["basic", "bottleneck"] = Field(
        "bottleneck",
        description="Kind of block: basic (two 3 x 3 convolutions) or bottleneck (1 x 1, 3 x 3, 1 x 1; needs stages "
        "of a multiple of 4 channels).",
        examples=["basic"],
    )
    hidden_act: Activation = Field(
        "relu", description="Activation of the stem and after each block's sum.", examples=["gelu"]
    )
    downsample_in_first_stage: bool = Field(
        False, description="Whether the first stage halves the resolution too.", examples=[True]
    )
    downsample_in_bottleneck: bool = Field(
        False, description="Whether a bottleneck's stride sits on its first 1 x 1, not on its 3 x 3.", examples=[True]
    )

    @model_validator(mode="after")
    def _stages_agree(self) -> ResNet:
        if len(self.hidden_sizes) != len(self.depths):
            raise ValueError(
                "backbone.config.hidden_sizes and backbone.config.depths must be equally long, got "
                f"{len(self.hidden_sizes)} and {len(self.depths)}; set both in the config"
            )
        if self.layer_type == "bottleneck" and any(width % REDUCTION for width in self.hidden_sizes):
            raise ValueError(
                f"backbone.config.hidden_sizes must be multiples of {REDUCTION} for bottlenecks, got "
                f"{self.hidden_sizes}; change them, or set backbone.config.layer_type to basic"
            )
        return self

    @property
    def stages(self) -> int:
        return len(self.depths)


class ViT(Shape):
    """The shape of a Vision Transformer, with Hugging Face's names and defaults (a ViT-B/16)."""

    num_channels: Channels = Field(3, description=CHANNELS, examples=[1])
    image_size: Count = Field(
        224,
        description="Side in pixels that the position embeddings are for; films of another size read them interpolated "
        "(bicubic).",
        examples=[64],
    )
    patch_size: Count = Field(
        16, description="Side of a patch in pixels; image.crop must be a multiple of it.", examples=[8]
    )
    hidden_size: Count = Field(768, description="Width of a token; a multiple of num_attention_heads.", examples=[64])
    num_hidden_layers: Count = Field(12, description="Blocks; what last:N counts.", examples=[4])
    num_attention_heads: Count = Field(12, description="Attention heads of a block.", examples=[4])
    intermediate_size: Count = Field(3072, description="Width inside a block's MLP.", examples=[256])
    hidden_act: Activation = Field("gelu", description="Activation of the MLP.", examples=["relu"])
    layer_norm_eps: Positive = Field(1.0e-12, description="What LayerNorm adds to the variance.", examples=[1.0e-6])
    qkv_bias: bool = Field(True, description="Whether queries, keys and values have a bias.", examples=[False])
    layerscale_value: Positive | None = Field(
        None, description="Start of DINOv2's layer scale; null is a network without.", examples=[1.0]
    )
    use_swiglu_ffn: bool = Field(
        False,
        description="Whether the MLP is gated as in DINOv2's giant: silu of one half times the other; "
        "intermediate_size is the width of a half.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _divides(self) -> ViT:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                "backbone.config.hidden_size must be a multiple of num_attention_heads, got "
                f"{self.hidden_size} and {self.num_attention_heads}; set both in the config"
            )
        if self.image_size % self.patch_size:
            raise ValueError(
                "backbone.config.image_size must be a multiple of patch_size, got "
                f"{self.image_size} and {self.patch_size}; set both in the config"
            )
        return self

    @property
    def stages(self) -> int:
        return self.num_hidden_layers


class DenseNet(Shape):
    """The shape of a DenseNet, with torchvision's names and defaults (a DenseNet-121)."""

    num_channels: Channels = Field(3, description=CHANNELS, examples=[1])
    growth_rate: Count = Field(32, description="Channels that each layer adds.", examples=[8])
    block_config: list[Count] = Field(
        [6, 12, 24, 16], min_length=1, description="Layers of each dense block.", examples=[[2, 2]]
    )
    num_init_features: Count = Field(64, description="Channels of the stem.", examples=[16])
    bn_size: Count = Field(
        4, description="Width of a layer's 1 x 1 convolution, in multiples of growth_rate.", examples=[2]
    )

    @property
    def stages(self) -> int:
        return len(self.block_config)
