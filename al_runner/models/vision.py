"""torchvision's classifiers, adapted to any number of channels and classes and to small images."""

from collections.abc import Callable
from typing import Any

import torchvision.models
from torch import nn
from torch.hub import get_dir

from al_runner.errors import InputError

SMALL = 64
"""Images up to this edge get the small-image stem."""


def resnet(
    in_channels: int, n_outputs: int, image_size: tuple[int, ...], name: str, pretrained: bool = False
) -> nn.Module:
    """A ResNet (He et al., 2016), `name` as in torchvision.

    Up to 64 pixels the stem is a 3×3 convolution of stride 1 without pooling, as in MedMNIST's own
    experiments and in CIFAR ResNets; a 28-pixel image would otherwise be one pixel before the last block.
    """
    network = _torchvision(name, pretrained, image_size)
    network.conv1 = _stem(network.conv1, in_channels, pretrained, shrink=_is_small(image_size))
    if _is_small(image_size):
        network.maxpool = nn.Identity()
    network.fc = nn.Linear(network.fc.in_features, n_outputs)
    return network


def densenet(
    in_channels: int, n_outputs: int, image_size: tuple[int, ...], name: str, pretrained: bool = False
) -> nn.Module:
    """A DenseNet (Huang et al., 2017); the small-image stem as for `resnet`."""
    network = _torchvision(name, pretrained, image_size)
    features = network.features
    features.conv0 = _stem(features.conv0, in_channels, pretrained, shrink=_is_small(image_size))
    if _is_small(image_size):
        features.pool0 = nn.Identity()
    network.classifier = nn.Linear(network.classifier.in_features, n_outputs)
    return network


def vgg(
    in_channels: int, n_outputs: int, image_size: tuple[int, ...], name: str, pretrained: bool = False
) -> nn.Module:
    """A VGG (Simonyan and Zisserman, 2015).

    Up to 64 pixels the features are pooled to one pixel and the hidden linear layers have 512 units: the
    original 25,088 inputs, seven pixels an edge, would be copies of one another. Below 32 pixels the last
    pooling, which would leave nothing, is dropped.
    """
    network = _torchvision(name, pretrained, image_size)
    network.features[0] = _stem(network.features[0], in_channels, pretrained, shrink=False)
    if min(image_size) < 32:
        network.features = network.features[:-1]
    if _is_small(image_size):
        network.avgpool = nn.AdaptiveAvgPool2d(1)
        network.classifier[0] = nn.Linear(512, 512)
        network.classifier[3] = nn.Linear(512, 512)
    network.classifier[6] = nn.Linear(network.classifier[3].out_features, n_outputs)
    return network


def _is_small(image_size: tuple[int, ...]) -> bool:
    return max(image_size) <= SMALL


def _torchvision(name: str, pretrained: bool, image_size: tuple[int, ...]) -> Any:
    if len(image_size) != 2:
        raise InputError(
            f"model={name} takes 2D images, the data set has {len(image_size)}D ones; "
            "in 3D there are model=resnet18_3d, model=densenet121_3d and model=alda_cnn"
        )
    builder: Callable[..., Any] = getattr(torchvision.models, name)
    if not pretrained:
        return builder()
    weights = torchvision.models.get_model_weights(name).DEFAULT
    try:
        return builder(weights=weights)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"model.pretrained=true: cannot load the weights ({error}); "
            f"download {weights.url} elsewhere and put it into {get_dir()}/checkpoints"
        ) from error


def _stem(conv: nn.Conv2d, in_channels: int, pretrained: bool, shrink: bool) -> nn.Conv2d:
    """The first convolution for `in_channels`; `shrink` makes it 3×3 with stride 1.

    Pretrained weights are kept: the center of the kernel, and for other than three channels their sum over
    the channels, shared evenly, which leaves the response to a gray image as it was.
    """
    geometry: Any = {"kernel_size": 3, "stride": 1, "padding": 1}
    if not shrink:
        geometry = {"kernel_size": conv.kernel_size, "stride": conv.stride, "padding": conv.padding}
    stem = nn.Conv2d(in_channels, conv.out_channels, **geometry, bias=conv.bias is not None)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    if pretrained:
        weight = conv.weight.data
        if shrink:
            weight = weight[:, :, 2:5, 2:5]
        if in_channels != weight.shape[1]:
            weight = weight.sum(1, keepdim=True).repeat(1, in_channels, 1, 1) / in_channels
        stem.weight.data.copy_(weight)
        if stem.bias is not None and conv.bias is not None:
            stem.bias.data.copy_(conv.bias.data)
    return stem
