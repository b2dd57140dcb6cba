"""MONAI's segmentation networks, for images of any size."""

import math
from typing import Annotated

from annotated_types import Ge, Len, MultipleOf
from monai.networks.nets.dynunet import DynUNet
from monai.networks.nets.segresnet import SegResNet
from torch import nn

from al_runner.models.layers import Shape, padded
from al_runner.values import Count

SMALLEST = 4
"""Pixels of an axis in the deepest feature maps of `dynunet`, as in nnU-Net."""


def segresnet(
    in_channels: int,
    n_outputs: int,
    image_size: Shape,
    width: Annotated[int, Ge(8), MultipleOf(8)] = 8,
    blocks: Annotated[tuple[Count, ...], Len(1)] = (1, 2, 2),
) -> nn.Module:
    """SegResNet (Myronenko, 2018), without its variational part.

    Args:
        in_channels: of an image.
        n_outputs: labels.
        image_size: (height, width) or (depth, height, width).
        width: channels of the first level; each level has twice those of the one above.
        blocks: residual blocks of each level on the way down; one on the way up.
    """
    network = SegResNet(
        spatial_dims=len(image_size),
        init_filters=width,
        in_channels=in_channels,
        out_channels=n_outputs,
        blocks_down=tuple(blocks),
        blocks_up=(1,) * (len(blocks) - 1),
    )
    return padded(network, image_size, 2 ** (len(blocks) - 1))


def dynunet(
    in_channels: int, n_outputs: int, image_size: Shape, width: Count = 16, most: Count = 320
) -> nn.Module:
    """nnU-Net's network (Isensee et al., 2021), MONAI's DynUNet: halved while an axis has 8 pixels or more.

    Args:
        in_channels: of an image.
        n_outputs: labels.
        image_size: (height, width) or (depth, height, width).
        width: channels of the first level, doubled at each next one; nnU-Net takes 32.
        most: channels at most.
    """
    halvings = [max(0, int(math.log2(edge / SMALLEST))) for edge in image_size]
    levels = max(1, *halvings)
    strides = [(1,) * len(image_size)]
    strides += [tuple(2 if level < count else 1 for count in halvings) for level in range(levels)]
    network = DynUNet(
        spatial_dims=len(image_size),
        in_channels=in_channels,
        out_channels=n_outputs,
        kernel_size=[3] * len(strides),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=[min(width * 2**level, most) for level in range(len(strides))],
    )
    return padded(network, image_size, tuple(2**count for count in halvings))
