"""MONAI's classifiers for volumes."""

from typing import Literal

import monai.networks.nets
from monai.networks.nets.densenet import DenseNet121
from torch import nn

from al_runner.errors import InputError

ResNet = Literal["resnet10", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet200"]
"""Their names in MONAI."""
SMALL = 64
"""Volumes up to this edge are not halved by the stem."""


def resnet(in_channels: int, n_outputs: int, image_size: tuple[int, ...], name: ResNet) -> nn.Module:
    """A 3D ResNet (MONAI's, after Hara et al., 2018), `name` such as `resnet18`.

    Up to 64 voxels an edge the stem is a 3×3×3 convolution of stride 1 without pooling.
    """
    _check_volumes(f"{name}_3d", image_size)
    small = max(image_size) <= SMALL
    builder = getattr(monai.networks.nets, name)
    return builder(
        spatial_dims=len(image_size),
        n_input_channels=in_channels,
        num_classes=n_outputs,
        conv1_t_size=3 if small else 7,
        conv1_t_stride=1 if small else 2,
        no_max_pool=small,
    )


def densenet121(in_channels: int, n_outputs: int, image_size: tuple[int, ...]) -> nn.Module:
    """A 3D DenseNet-121 (MONAI's)."""
    _check_volumes("densenet121_3d", image_size)
    network = DenseNet121(spatial_dims=len(image_size), in_channels=in_channels, out_channels=n_outputs)
    if max(image_size) <= SMALL:
        # Five halvings would leave less than one voxel of 28: keep the stem's resolution.
        network.features.conv0 = nn.Conv3d(in_channels, 64, 3, padding=1, bias=False)
        network.features.pool0 = nn.Identity()
    return network


def _check_volumes(name: str, image_size: tuple[int, ...]) -> None:
    if len(image_size) != 3:
        raise InputError(
            f"model={name} takes 3D images, the data set has {len(image_size)}D ones; "
            f"in 2D there is model={name.removesuffix('_3d')}"
        )
