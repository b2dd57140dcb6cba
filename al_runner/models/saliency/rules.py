"""What the operations of ReLU networks make of contributions."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from al_runner.models.saliency.contributions import Contributions, neurons, total
from al_runner.models.saliency.rectified import BY_THE_BATCH, UnknownOperationError

rule_for = Contributions.rule_for

AFFINE = (F.linear, F.conv1d, F.conv2d, F.conv3d)
AVERAGES = (
    *(F.avg_pool1d, F.avg_pool2d, F.avg_pool3d),
    *(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d),
)
MAXIMA = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
RESHAPES = (torch.flatten, Tensor.flatten, Tensor.view, Tensor.reshape, Tensor.contiguous)
DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d)
"""Off in evaluation mode."""


RELUS = (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
SUMS = (torch.add, Tensor.add, Tensor.add_, Tensor.__add__, Tensor.__iadd__)
JOINS = (torch.cat, torch.concat)


@rule_for(*RELUS)
def relu(_func: Any, features: Contributions, **_: Any) -> Contributions:
    """Neurons: contributions are counted anew from their outputs."""
    return features if features.made else Contributions.outputs(neurons(features))


@rule_for(*AFFINE)
def affine(
    func: Any, features: Contributions, weight: Tensor, bias: Tensor | None = None, *args: Any
) -> Contributions:
    """A convolution or a linear layer."""
    weight = weight.detach()
    up, down = weight.clamp(min=0), weight.clamp(max=0)
    supporting = func(features.supporting, up, None, *args)
    if (opposing := features.opposing()) is not None:  # of a layer that no ReLU follows
        supporting = supporting + func(opposing, down, None, *args)

    def against() -> Tensor | None:
        of_opposing = None if opposing is None else func(opposing, up, None, *args)
        return total(func(features.supporting, down, None, *args), of_opposing)

    with torch.no_grad():
        value = func(features.value, weight, bias, *args)
    return Contributions.sums(value, supporting, against)


@rule_for(F.batch_norm)
def batch_norm(
    func: Any,
    features: Contributions,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    **options: float,
) -> Contributions:
    """Each channel times a number, plus a bias, exactly as if merged with the layer before or after."""
    if training or variance is None:
        raise UnknownOperationError(BY_THE_BATCH)
    with torch.no_grad():
        value = func(features.value, mean, variance, weight, bias, training, **options)
        one = variance.new_ones(1, len(variance), *[1] * (value.ndim - 2))
        scale = func(one, torch.zeros_like(variance), variance, weight, None, False, **options)
        up, down = scale.clamp(min=0), scale.clamp(max=0)
    flips = bool((scale < 0).any())  # rare, and costs the opposing contributions
    supporting = features.supporting * up
    if flips and (opposing := features.opposing()) is not None:
        supporting = supporting + opposing * down

    def against() -> Tensor | None:
        opposing = features.opposing()
        return total(
            None if opposing is None else opposing * up, features.supporting * down if flips else None
        )

    return Contributions.sums(value, supporting, against)


@rule_for(*AVERAGES, *RESHAPES, *DROPOUTS)
def average(func: Any, features: Contributions, *args: Any, **kwargs: Any) -> Contributions:
    """What has no weights below 0 and no bias does the same to every part."""
    supporting = func(features.supporting, *args, **kwargs)
    if features.made:
        return Contributions.outputs(supporting)

    def against() -> Tensor | None:
        opposing = features.opposing()
        return None if opposing is None else func(opposing, *args, **kwargs)

    return Contributions.sums(func(features.value, *args, **kwargs), supporting, against)


@rule_for(*MAXIMA)
def max_pool(func: Any, features: Contributions, *args: Any, **kwargs: Any) -> Contributions:
    """The largest feature takes all relevance."""
    if features.made:
        return Contributions.outputs(func(features.supporting, *args, **kwargs))
    value, places = func(features.value, *args, **{**kwargs, "return_indices": True})

    def chosen(part: Tensor) -> Tensor:
        return at_places(part.flatten(2), places.flatten(2)).view_as(value)

    def against() -> Tensor | None:
        opposing = features.opposing()
        return None if opposing is None else chosen(opposing)

    return Contributions.sums(value, chosen(features.supporting), against)


def at_places(maps: Tensor, places: Tensor) -> Tensor:
    """What `maps` [n, channels, pixels] have at some places of each: [n, channels, places].

    Places may repeat, and then gradients are summed. A GPU does that in one order only in one dimension.
    """
    if not maps.is_cuda:
        return maps.gather(2, places)
    return in_one_dimension(maps, places)


def in_one_dimension(maps: Tensor, places: Tensor) -> Tensor:
    """The same, from all maps one after the other."""
    first = torch.arange(maps.shape[:2].numel(), device=maps.device) * maps.shape[2]
    whole = places + first.view(*maps.shape[:2], 1)
    return maps.flatten().gather(0, whole.flatten()).view_as(places)


@rule_for(*SUMS)
def add(_func: Any, features: Contributions, other: Contributions) -> Contributions:
    """A residual connection."""
    if not (isinstance(features, Contributions) and isinstance(other, Contributions)):
        raise UnknownOperationError("adding a constant")
    supporting = features.supporting + other.supporting
    if features.made and other.made:
        return Contributions.outputs(supporting)
    return Contributions.sums(
        features.value + other.value, supporting, lambda: total(features.opposing(), other.opposing())
    )


@rule_for(*JOINS)
def cat(_func: Any, joined: list[Contributions], dim: int = 0) -> Contributions:
    """A dense connection."""
    if not all(isinstance(features, Contributions) for features in joined):
        raise UnknownOperationError("joining a constant")
    supporting = torch.cat([features.supporting for features in joined], dim)
    if all(features.made for features in joined):
        return Contributions.outputs(supporting)

    def against() -> Tensor:
        parts = ((features.opposing(), features.value) for features in joined)
        return torch.cat([torch.zeros_like(value) if part is None else part for part, value in parts], dim)

    return Contributions.sums(torch.cat([features.value for features in joined], dim), supporting, against)
