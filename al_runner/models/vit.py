"""A small vision transformer, in 2D and 3D, of PyTorch's blocks."""

import math
import warnings
from typing import Annotated

import torch.nn.functional as F
from annotated_types import Ge, MultipleOf
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.models.layers import Shape, of_dimension
from al_runner.values import Count

TOKENS = 8
"""Patches along the shortest edge, about, where their size is not given."""


def vit(
    in_channels: int,
    n_outputs: int,
    image_size: Shape,
    patch: Count | None = None,
    width: Annotated[int, Ge(12), MultipleOf(12)] = 96,
    depth: Count = 4,
    heads: Count = 4,
) -> nn.Module:
    """A vision transformer (Dosovitskiy et al., 2021) that averages its tokens before a linear layer.

    Args:
        in_channels: of an image.
        n_outputs: classes.
        image_size: (height, width) or (depth, height, width); padded to whole patches.
        patch: pixels along its edge; None = a power of 2 that gives about 8 along the shortest edge.
        width: numbers of a token: a multiple of `heads`, and of 12, for fixed sines tell places in 2D and 3D.
        depth: transformer blocks.
        heads: of attention.

    Raises:
        InputError: `width` is no multiple of `heads`.
    """
    edge = 2 ** max(1, round(math.log2(min(image_size) / TOKENS))) if patch is None else patch
    if width % heads:
        raise InputError(f"model.width={width} must be a multiple of model.heads={heads}")
    return ViT(in_channels, n_outputs, image_size, edge, width, depth, heads)


class ViT(nn.Module):
    """See `vit`."""

    def __init__(
        self,
        in_channels: int,
        n_outputs: int,
        image_size: Shape,
        patch: int,
        width: int,
        depth: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.patch, self.heads = patch, heads
        self.pads = [part for edge in reversed(image_size) for part in (0, -edge % patch)]
        self.grid = tuple(math.ceil(edge / patch) for edge in image_size)
        self.embed = of_dimension("Conv", image_size)(in_channels, width, patch, patch)
        self.places = places(self.grid, width)
        self.blocks = blocks(width, depth, heads)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs)

    def tokens(self, images: Tensor) -> Tensor:
        """[n, channels, ...] → a token with its place for each patch, [n, patches, width]."""
        return self.embed(self.padded(images)).flatten(2).transpose(1, 2) + self.places

    def padded(self, images: Tensor) -> Tensor:
        """Images of whole patches."""
        return F.pad(images, self.pads, mode="replicate") if any(self.pads) else images

    def read(self, tokens: Tensor) -> Tensor:
        """Tokens [n, any number, width] → the same, as the last block leaves them."""
        return self.norm(self.blocks(tokens))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, outputs]."""
        return self.head(self.read(self.tokens(images)).mean(1))


def blocks(width: int, depth: int, heads: int) -> nn.Module:
    """Transformer blocks that normalize first, without dropout: tokens [n, any number, width] → the same."""
    return nn.Sequential(
        *(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
    )


def places(grid: Shape, width: int) -> nn.Parameter:
    """Fixed sines that tell the places of a grid [1, places, width]; a multiple of 12 does for 2D and 3D."""
    from monai.networks.blocks.pos_embed_utils import build_sincos_position_embedding  # slow to import

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.meshgrid")
        return build_sincos_position_embedding(list(grid), width, len(grid))
