"""torchvision's classifiers, adapted to any number of channels and classes and to small images."""

from collections.abc import Callable
from typing import Any, Literal

import torchvision.models
from torch import nn
from torch.hub import get_dir

from al_runner.errors import InputError
from al_runner.values import Count

SMALL = 64
"""Images up to this edge get the small-image stem, unless the stem is chosen."""
WIDTH = 64
"""Channels of the first block of a ResNet as published, and of the pretrained ones."""
BLOCKS = {
    "resnet18": ("basic", [2, 2, 2, 2]),
    "resnet34": ("basic", [3, 4, 6, 3]),
    "resnet50": ("bottleneck", [3, 4, 6, 3]),
    "resnet101": ("bottleneck", [3, 4, 23, 3]),
    "resnet152": ("bottleneck", [3, 8, 36, 3]),
}

Stem = Literal["auto", "small", "imagenet"]
ResNet = Literal[
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]
DenseNet = Literal["densenet121", "densenet161", "densenet169", "densenet201"]
VGG = Literal["vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]
"""Their names in torchvision."""


def resnet(
    in_channels: int,
    n_outputs: int,
    image_size: tuple[int, ...],
    name: ResNet,
    pretrained: bool = False,
    stem: Stem = "auto",
    base_width: Count = WIDTH,
) -> nn.Module:
    """A ResNet (He et al., 2016).

    The small stem is a 3×3 convolution of stride 1 without pooling, as in MedMNIST's own experiments and in
    CIFAR ResNets; a 28-pixel image would otherwise be one pixel before the last block. The ImageNet stem, a
    7×7 convolution and a pooling, each of stride 2, makes everything after it 16 times cheaper.

    Args:
        in_channels: of an image.
        n_outputs: of the network.
        image_size: (height, width).
        name: torchvision's, such as `resnet18`.
        pretrained: ImageNet weights.
        stem: `small`, `imagenet`, or `auto`: small up to 64 pixels.
        base_width: channels of the first block; the others have twice, four and eight times as many.

    Raises:
        InputError: the images are volumes, there are no such weights, or no such network of another width.
    """
    small = _has_small_stem(stem, image_size)
    if base_width != WIDTH:
        return _of_width(in_channels, n_outputs, image_size, name, pretrained, small, base_width)
    network = _torchvision(name, pretrained, image_size)
    network.conv1 = _stem(network.conv1, in_channels, pretrained, shrink=small)
    if small:
        network.maxpool = nn.Identity()
    network.fc = nn.Linear(network.fc.in_features, n_outputs)
    return network


def _of_width(
    in_channels: int,
    n_outputs: int,
    image_size: tuple[int, ...],
    name: str,
    pretrained: bool,
    small: bool,
    base_width: int,
) -> nn.Module:
    """MONAI's ResNet, the same network for other widths than torchvision's."""
    from monai.networks.nets.resnet import ResNet as OfMonai  # slow to import, and seldom needed

    if pretrained:
        raise InputError(
            f"model.pretrained=true: the weights have model.base_width={WIDTH}, not {base_width}"
        )
    _check_images(name, image_size)
    if name not in BLOCKS:
        raise InputError(f"model.base_width={base_width} is for {', '.join(BLOCKS)}, not {name}")
    block, layers = BLOCKS[name]
    return OfMonai(
        block,
        layers,
        [base_width * 2**k for k in range(len(layers))],
        spatial_dims=2,
        n_input_channels=in_channels,
        num_classes=n_outputs,
        conv1_t_size=3 if small else 7,
        conv1_t_stride=1 if small else 2,
        no_max_pool=small,
        bias_downsample=False,
    )


def densenet(
    in_channels: int,
    n_outputs: int,
    image_size: tuple[int, ...],
    name: DenseNet,
    pretrained: bool = False,
    stem: Stem = "auto",
) -> nn.Module:
    """A DenseNet (Huang et al., 2017); the stem as for `resnet`.

    Args:
        in_channels: of the images.
        n_outputs: logits.
        image_size: pixels of each edge.
        name: torchvision's, such as `densenet121`.
        pretrained: ImageNet weights.
        stem: `small`, `imagenet`, or `auto`, which follows the image size.
    """
    small = _has_small_stem(stem, image_size)
    network = _torchvision(name, pretrained, image_size)
    features = network.features
    features.conv0 = _stem(features.conv0, in_channels, pretrained, shrink=small)
    if small:
        features.pool0 = nn.Identity()
    network.classifier = nn.Linear(network.classifier.in_features, n_outputs)
    return network


def vgg(
    in_channels: int, n_outputs: int, image_size: tuple[int, ...], name: VGG, pretrained: bool = False
) -> nn.Module:
    """A VGG (Simonyan and Zisserman, 2015).

    Up to 64 pixels the features are pooled to one pixel and the hidden linear layers have 512 units: the
    original 25,088 inputs, seven pixels an edge, would be copies of one another. Below 32 pixels the last
    pooling, which would leave nothing, is dropped.

    Args:
        in_channels: of the images.
        n_outputs: logits.
        image_size: pixels of each edge.
        name: torchvision's, such as `vgg16`.
        pretrained: ImageNet weights.
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


def _has_small_stem(stem: Stem, image_size: tuple[int, ...]) -> bool:
    return _is_small(image_size) if stem == "auto" else stem == "small"


def _check_images(name: str, image_size: tuple[int, ...]) -> None:
    if len(image_size) != 2:
        raise InputError(
            f"model={name} takes 2D images, the data set has {len(image_size)}D ones; "
            "in 3D there are model=resnet18_3d, model=densenet121_3d and model=alda_cnn"
        )


def _torchvision(name: str, pretrained: bool, image_size: tuple[int, ...]) -> Any:
    _check_images(name, image_size)
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
