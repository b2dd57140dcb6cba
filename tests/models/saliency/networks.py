"""The networks that saliency is made for, small where they can be."""

import copy
from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from al_runner.models import vision, volumes
from al_runner.models.alda import alda_cnn

CLASSES = 3
Build = Callable[..., nn.Module]
NETWORKS: dict[str, tuple[Build, tuple[int, ...]]] = {
    "alda_cnn": (partial(alda_cnn, width=4), (28, 28)),
    "resnet18": (partial(vision.resnet, name="resnet18"), (28, 28)),
    "resnet18, narrow": (partial(vision.resnet, name="resnet18", base_width=4), (28, 28)),
    "resnet50, narrow": (partial(vision.resnet, name="resnet50", base_width=4, stem="imagenet"), (48, 40)),
    "resnet50": (partial(vision.resnet, name="resnet50", stem="imagenet"), (32, 32)),
    "densenet121": (partial(vision.densenet, name="densenet121", stem="imagenet"), (32, 32)),
    "densenet121, small stem": (partial(vision.densenet, name="densenet121"), (32, 32)),
    "vgg16": (partial(vision.vgg, name="vgg16"), (32, 32)),
    "alda_cnn, 3D": (partial(alda_cnn, width=2), (14, 14, 14)),
    "resnet18_3d": (partial(volumes.resnet, name="resnet18"), (8, 8, 8)),
    "densenet121_3d": (volumes.densenet121, (8, 16, 8)),
}


def network_of(name: str, channels: int = 1, lowest: float = 0.5) -> nn.Module:
    """As a learner holds it: channels-last, with batch norms like trained ones, scales from `lowest` on."""
    torch.manual_seed(0)  # for what a test draws next, whoever asked for the network first
    return copy.deepcopy(_built(name, channels, lowest))


@cache  # the initial weights of a VGG take a second
def _built(name: str, channels: int, lowest: float) -> nn.Module:
    build, size = NETWORKS[name]
    torch.manual_seed(0)
    network = build(channels, CLASSES, size)
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            nn.init.uniform_(module.weight, lowest, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    layout = torch.channels_last if len(size) == 2 else torch.channels_last_3d
    return network.to(memory_format=layout)


def images_of(name: str, n: int = 3, channels: int = 1) -> Tensor:
    """Normalized noise."""
    size = NETWORKS[name][1]
    return torch.rand(n, channels, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def largest(outputs: Tensor) -> Tensor:
    """The largest output is explained."""
    return nn.functional.one_hot(outputs.argmax(1), outputs.shape[1]).to(outputs.dtype)
