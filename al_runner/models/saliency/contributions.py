"""Features that remember what they are made of, for Deep Taylor decomposition."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from al_runner.models.saliency.rectified import UnknownOperationError

Part = Callable[[], Tensor | None]
"""Contributions that are computed when they are needed; None = there are none."""
Rule = Callable[..., "Contributions"]
"""(operation, its arguments) → what it makes of them."""


class Contributions(Tensor):
    """Features on their way through a network, each a sum z = Σ_i v_i a_i + b.

    The a_i ≥ 0 are the features that last came out of a ReLU. A network's modules compute with this as with
    any tensor, and PyTorch asks the rules instead (`__torch_function__`). So the network stays as it is, and
    layers that are used twice, sums, concatenations and functions without a module are nothing special.

    Attributes:
        value: z, as the network computes it.
        supporting: Σ_i max(0, v_i a_i), differentiable by the a_i.
        opposing: Σ_i min(0, v_i a_i), the same.
        made: supporting = value: the a_i themselves, and what is pooled, summed or joined of them.
    """

    value: Tensor
    supporting: Tensor
    opposing: Part
    made: bool
    rules: ClassVar[dict[Any, Rule]] = {}
    """By operation."""

    @classmethod
    def sums(cls, value: Tensor, supporting: Tensor, opposing: Part) -> "Contributions":
        """Features from their parts."""
        features = value.detach().as_subclass(cls)
        features.value, features.supporting, features.made = value.detach(), supporting, False
        features.opposing = cache(opposing)
        return features

    @classmethod
    def outputs(cls, outputs: Tensor) -> "Contributions":
        """Features ≥ 0 that are made."""
        features = cls.sums(outputs, outputs, lambda: None)
        features.made = True
        return features

    @classmethod
    def rule_for(cls, *operations: Any) -> Callable[[Rule], Rule]:
        """Declare a function to be the rule of some operations."""

        def declare(rule: Rule) -> Rule:
            cls.rules.update(dict.fromkeys(operations, rule))
            return rule

        return declare

    @classmethod
    def __torch_function__(
        cls, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """By the operation's rule. What makes no tensor, such as a shape, needs none."""
        if rule := cls.rules.get(func):
            return rule(func, *args, **(kwargs or {}))
        args, kwargs = tree_map_only(Contributions, lambda features: features.value, (args, kwargs or {}))
        result = func(*args, **kwargs)
        if isinstance(result, Tensor):
            raise UnknownOperationError(getattr(func, "__name__", str(func)))
        return result


def total(*parts: Tensor | None) -> Tensor | None:
    """The sum of those that there are."""
    there = [part for part in parts if part is not None]
    return sum(there[1:], there[0]) if there else None


class _Neurons(torch.autograd.Function):
    """z⁺ = Σ_i max(0, v_i a_i) and z → max(0, z), so that relevance follows the z⁺ rule.

    Relevance is output × gradient. z⁺ hands R max(0, v_i a_i) / z⁺ on, so its gradient has to be R / z⁺.
    """

    @staticmethod
    def forward(ctx: Any, supporting: Tensor, value: Tensor) -> Tensor:
        output = value.relu()
        ctx.save_for_backward(share(output, supporting))
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (ratio,) = ctx.saved_tensors
        return gradients[0] * ratio, None


def neurons(features: Contributions) -> Tensor:
    """The outputs of a ReLU, which hand their relevance to what supports them."""
    return _Neurons.apply(features.supporting, features.value)


def share(output: Tensor, supporting: Tensor) -> Tensor:
    """output / z⁺; 0 where nothing supports an output: it is due to biases, which have no pixels."""
    return (output / supporting).masked_fill_(supporting <= 0, 0)
