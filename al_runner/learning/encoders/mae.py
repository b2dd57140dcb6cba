"""Masked autoencoders: most of an image is hidden and has to be painted from the rest."""

import math
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, MultipleOf
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.learning.encoders.features import Features
from al_runner.learning.encoders.method import Method
from al_runner.learning.encoders.selfsupervised import SelfSupervised
from al_runner.learning.encoders.views import Views
from al_runner.models.vit import ViT, blocks, places
from al_runner.values import Count, Inside

GENTLE = {"crop": (0.6, 1.0), "rotation": 0.0, "brightness": 0.0, "contrast": 0.0, "color": 0.0, "blur": 0.0}
"""Views that are cropped and mirrored alone, as in the paper."""
EPSILON = 1e-6
HEADS = 4
"""Of the painter's attention."""


@dataclass(frozen=True, kw_only=True)
class MAE(SelfSupervised):
    """A masked autoencoder (He, Chen, Xie, Li, Dollár and Girshick, 2022), for images and volumes.

    A vision transformer reads the patches that are not hidden, which makes it cheap; a small transformer
    paints the hidden ones from what it made of them. The loss is the mean squared error of hidden pixels,
    each patch with mean 0 and variance 1. `model` has to be `vit`; its features are the mean of all tokens of
    an image of which nothing is hidden.

    Args:
        views: what is done to images first.
        masked: share of the patches that are hidden.
        decoder: numbers of a token of the painter.
        decoder_depth: its blocks.
    """

    views: Views = field(default_factory=lambda: Views(**GENTLE))  # type: ignore[arg-type]
    masked: Inside = 0.75
    decoder: Annotated[int, Ge(12), MultipleOf(12)] = 48
    decoder_depth: Count = 1

    name: ClassVar[str] = "mae"

    def method(self, features: Features) -> Method:
        """The transformer with a painter.

        Raises:
            InputError: the architecture is another one.
        """
        if not isinstance(features.network, ViT):
            raise InputError(
                "encoder=mae hides tokens of a vision transformer: model@encoder.model=vit is one"
            )
        return _MAE(features, features.network, self)


class _MAE(Method):
    def __init__(self, features: Features, network: ViT, options: MAE) -> None:
        super().__init__(features)
        self.views = options.views
        width, count = options.decoder, math.prod(network.grid)
        numbers = network.embed.in_channels * network.patch ** len(network.grid)
        self.seen = max(1, round(count * (1 - options.masked)))
        if self.seen == count:
            raise InputError(f"encoder.masked={options.masked} hides none of {count} patches")
        self.places = places(network.grid, width)
        self.enter = nn.Linear(features.size, width)
        self.hidden = nn.Parameter(torch.zeros(1, 1, width))
        painter = blocks(width, options.decoder_depth, HEADS)
        self.painter = nn.Sequential(painter, nn.LayerNorm(width), nn.Linear(width, numbers))

    @property
    def network(self) -> ViT:
        """The transformer."""
        assert isinstance(self.features.network, ViT)
        return self.features.network

    def loss(self, images: Tensor, draws: torch.Generator, done: float) -> Tensor:  # noqa: ARG002
        """The error of hidden patches."""
        images = self.views(images, draws).mul_(2).sub_(1)
        tokens = self.network.tokens(images)
        n, count, _ = tokens.shape
        order = torch.rand(n, count, generator=draws).argsort(1).to(tokens.device)
        seen, hidden = order[:, : self.seen], order[:, self.seen :]
        read = self.enter(self.network.read(_at(tokens, seen)))
        joined = torch.cat([read, self.hidden.expand(n, hidden.shape[1], -1).to(read.dtype)], 1)
        painted = self.painter(joined + _at(self.places.expand(n, -1, -1), order))[:, self.seen :]
        truth = _at(_patches(self.network.padded(images), self.network.patch), hidden)
        spread = truth.var(2, keepdim=True).add(EPSILON).sqrt()
        truth = (truth - truth.mean(2, keepdim=True)) / spread
        return (painted.float() - truth).square().mean()


def _at(tokens: Tensor, places: Tensor) -> Tensor:
    """Of each image the tokens at some places: [n, all, width] → [n, some, width]."""
    return tokens.gather(1, places.unsqueeze(2).expand(-1, -1, tokens.shape[2]))


def _patches(images: Tensor, edge: int) -> Tensor:
    """[n, channels, ...] → the pixels of each patch, [n, patches, pixels], patches in the order of tokens."""
    axes = images.ndim - 2
    for axis in range(axes):
        images = images.unfold(2 + axis, edge, edge)
    return images.flatten(2, 1 + axes).transpose(1, 2).flatten(2)
