"""The same networks in torch: transformers' ResNet and ViT, EfficientNet-Lite0, DenseNet by torchvision's names."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qcxr.errors import InputError


def make(section: Mapping[str, Any]) -> tuple[Any, Callable[[Any], Any], int]:
    """(module, a function: images -> pooled features, number of features) for a resolved `backbone:` section.

    Raises InputError for a network that has no peer here.
    """
    import transformers  # here: a peer, as what follows

    config = dict(section.get("config") or {})
    match section["name"]:
        case "resnet":
            body = transformers.ResNetModel(transformers.ResNetConfig(**config))
            return body, lambda images: body(images).pooler_output.flatten(1), config["hidden_sizes"][-1]
        case "vit" if config.pop("layerscale_value", None) is None and not config.pop("use_swiglu_ffn", False):
            vit = transformers.ViTModel(transformers.ViTConfig(**config), add_pooling_layer=False)
            return vit, lambda images: vit(images).last_hidden_state[:, 0], config["hidden_size"]
        case "densenet":
            dense, channels = densenet(**config)
            return dense, lambda images: dense(images), channels
        case "efficientnet-lite0":
            import efficientnet_lite_pytorch  # here, as above

            # no image size: borders for any; no stochastic depth, as in ours
            lite = efficientnet_lite_pytorch.EfficientNet.from_name(
                "efficientnet-lite0", image_size=None, drop_connect_rate=0.0
            )
            del lite._fc  # ImageNet's classifier
            return lite, lambda images: lite.extract_features(images).mean((2, 3)), 1280
    raise InputError(
        f"torch's side has resnet, vit, densenet, efficientnet-lite0, got {section['name']}; take one of them"
    )


def densenet(
    *,
    growth_rate: int = 32,
    block_config: Sequence[int] = (6, 12, 24, 16),
    num_init_features: int = 64,
    bn_size: int = 4,
    num_channels: int = 3,
) -> tuple[Any, int]:
    """(DenseNet from images to pooled features, their number), as the paper has it (Huang et al., arXiv 1608.06993)."""
    import torch  # here: see `make`
    from torch import nn

    class Block(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self:
                x = torch.cat([x, layer(x)], 1)
            return x

    class DenseNet(nn.Module):
        def __init__(self, features: nn.Sequential) -> None:
            super().__init__()
            self.features = features

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.features(images)).mean((2, 3))

    channels = num_init_features
    layers = {
        "conv0": nn.Conv2d(num_channels, channels, 7, 2, 3, bias=False),
        "norm0": nn.BatchNorm2d(channels),
        "relu0": nn.ReLU(inplace=True),
        "pool0": nn.MaxPool2d(3, 2, 1),
    }
    for i, depth in enumerate(block_config, 1):
        widths = range(channels, channels + depth * growth_rate, growth_rate)
        block = {f"denselayer{j}": _layer(width, growth_rate, bn_size) for j, width in enumerate(widths, 1)}
        layers[f"denseblock{i}"] = Block(OrderedDict(block))
        channels += depth * growth_rate
        if i < len(block_config):
            layers[f"transition{i}"] = _transition(channels)
            channels //= 2
    layers[f"norm{len(block_config) + 1}"] = nn.BatchNorm2d(channels)
    return DenseNet(nn.Sequential(OrderedDict(layers))), channels


def _layer(channels: int, growth: int, factor: int) -> Any:
    from torch import nn  # here: see `make`

    layers = {
        "norm1": nn.BatchNorm2d(channels),
        "relu1": nn.ReLU(inplace=True),
        "conv1": nn.Conv2d(channels, factor * growth, 1, bias=False),
        "norm2": nn.BatchNorm2d(factor * growth),
        "relu2": nn.ReLU(inplace=True),
        "conv2": nn.Conv2d(factor * growth, growth, 3, padding=1, bias=False),
    }
    return nn.Sequential(OrderedDict(layers))


def _transition(channels: int) -> Any:
    from torch import nn  # here: see `make`

    layers = {
        "norm": nn.BatchNorm2d(channels),
        "relu": nn.ReLU(inplace=True),
        "conv": nn.Conv2d(channels, channels // 2, 1, bias=False),
        "pool": nn.AvgPool2d(2, 2),
    }
    return nn.Sequential(OrderedDict(layers))
