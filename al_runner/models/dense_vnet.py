"""The dense V-Net (Gibson et al., IEEE Transactions on Medical Imaging 37, 2018), in 2D and 3D."""

from typing import Annotated

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from al_runner.models.layers import Shape, of_dimension, padded
from al_runner.values import Natural, ShareBelowOne

UNITS = (5, 10, 10)
"""Convolutions of each dense feature stack."""
DILATIONS = (1, 2, 4)
"""Of their kernels, in each stack: what strides would give, without losing resolution."""
GROWTH = (4, 8, 16)
"""Channels that each of them adds."""
SKIPS = (12, 24, 24)
"""Channels that each stack hands on to the output."""
FIRST = 24
"""Channels of the first convolution, and of those between stacks."""


def dense_vnet(
    in_channels: int,
    n_outputs: int,
    image_size: Shape,
    width: Annotated[float, Ge(0.25)] = 1.0,
    dilated: bool = False,
    prior: Natural = 0,
    dropout: ShareBelowOne = 0.0,
) -> nn.Module:
    """Three dense feature stacks at 1/2, 1/4 and 1/8 of the resolution, joined at 1/2, enlarged linearly.

    The paper's network, whose spatial prior and dropout have to be asked for.

    Args:
        in_channels: of an image.
        n_outputs: labels.
        image_size: (height, width) or (depth, height, width).
        width: factor of all numbers of channels.
        dilated: kernels of the second and third stack are dilated, as in NiftyNet's; for images of 100 pixels
            and more.
        prior: edge of a grid of learned logits, one for each label, which is enlarged linearly and added to
            the output: where labels usually are. For images in one frame. The paper's is 12; 0 = none.
        dropout: share of the features that each unit of a stack but its last drops in training. NiftyNet's is
            0.5. As later units see them directly, too, `posterior=mc_dropout` computes all layers for each
            sample.
    """
    network = _DenseVNet(in_channels, n_outputs, image_size, width, dilated, dropout)
    if prior:
        network.prior = nn.Parameter(torch.zeros(1, n_outputs, *[prior] * len(image_size)))
    return padded(network, image_size, 8)


class _DenseVNet(nn.Module):
    prior: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        n_outputs: int,
        image_size: Shape,
        width: float,
        dilated: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.passes_by_dropout = dropout > 0
        self.register_parameter("prior", None)
        first = round(width * FIRST)
        self.shrink = of_dimension("AvgPool", image_size)(2)
        self.first = _unit(in_channels, first, image_size, kernel=5, stride=2)
        self.stacks, self.skips, self.down = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inputs = first + in_channels
        for k, (units, growth, skip) in enumerate(zip(UNITS, GROWTH, SKIPS, strict=True)):
            if k:
                self.down.append(_unit(inputs, first, image_size, stride=2))
                inputs = first
            dilation = DILATIONS[k] if dilated else 1
            stack = _Stack(inputs, units, round(width * growth), image_size, dilation, dropout)
            self.stacks.append(stack)
            inputs = stack.outputs
            self.skips.append(_unit(inputs, round(width * skip), image_size))
        merged = sum(round(width * skip) for skip in SKIPS)
        self.head = of_dimension("Conv", image_size)(merged, n_outputs, 3, padding=1)
        self.mode = "bilinear" if len(image_size) == 2 else "trilinear"

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, labels, ...]."""
        features = torch.cat([self.first(images), self.shrink(images)], 1)
        handed: list[Tensor] = []
        for k, (stack, skip) in enumerate(zip(self.stacks, self.skips, strict=True)):
            features = stack(self.down[k - 1](features) if k else features)
            handed.append(skip(features))
        size = handed[0].shape[2:]
        logits = self.head(torch.cat([handed[0], *(self._enlarged(h, size) for h in handed[1:])], 1))
        if self.prior is not None:
            logits = logits + self._enlarged(self.prior, size)
        return self._enlarged(logits, images.shape[2:])

    def _enlarged(self, features: Tensor, size: torch.Size) -> Tensor:
        return F.interpolate(features, size, mode=self.mode)


class _Stack(nn.Module):
    """Each unit sees the input and all units before it; the output is that of all units."""

    def __init__(
        self, inputs: int, units: int, growth: int, image_size: Shape, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            _unit(inputs + k * growth, growth, image_size, dilation=dilation) for k in range(units)
        )
        if dropout:
            for unit in self.units[:-1]:
                unit.add_module("dropout", nn.Dropout(dropout))
        self.outputs = units * growth

    def forward(self, features: Tensor) -> Tensor:
        made = [features]
        for unit in self.units:
            made.append(unit(torch.cat(made, 1)))
        return torch.cat(made[1:], 1)


def _unit(
    inputs: int, outputs: int, image_size: Shape, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Convolution → batch norm → ReLU."""
    padding = dilation * (kernel // 2)
    convolution = of_dimension("Conv", image_size)
    return nn.Sequential(
        convolution(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        of_dimension("BatchNorm", image_size)(outputs),
        nn.ReLU(inplace=True),
    )
