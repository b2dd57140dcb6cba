"""Deep Taylor decomposition as iNNvestigate computes it by default."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from al_runner.models.saliency.base import Explained, explaining
from al_runner.models.saliency.rectified import (
    BY_THE_BATCH,
    UnknownOperationError,
    divided,
    passed,
)
from al_runner.models.saliency.rules import (
    AFFINE,
    AVERAGES,
    DROPOUTS,
    JOINS,
    MAXIMA,
    RELUS,
    RESHAPES,
    SUMS,
)
from al_runner.values import Natural

Rules = Literal["1.0.9", "1.0.8", "2.1.2", "w_squared"]
BY_GRADIENT = {*RELUS, *AVERAGES, *MAXIMA, *RESHAPES, *DROPOUTS, *SUMS, *JOINS}
Operation = Callable[[Tensor, Tensor], Tensor]
"""A layer without its bias: (features, weight) → sums."""
Rule = Callable[[Tensor, Tensor], Tensor]
"""(what went into an operation, relevance of what came out) → its relevance."""


@dataclass(frozen=True)
class DeepTaylorInnvestigate:
    """Deep Taylor as `DeepTaylor` of iNNvestigate computes it (Alber et al., JMLR 20, 2019).

    Mahapatra et al. (2021) made their maps by its default parameters. They are not the rules of Montavon et
    al. (2017), which `DeepTaylor` follows here: each layer hands on its relevance by itself.

    - A convolution or linear layer z = Σ_i w_i x_i + b hands w_i x_i / Σ_j w_j x_j of it to each i, over the
      positive w_i x_i. So pixels below 0 count by negative weights, and no bounds of theirs are known.
    - A batch norm hands on what it gets. A ReLU lets through what was active; poolings hand on by their
      gradient; a sum hands *all* of it to both of its terms, so relevance grows with each residual block.
    - It begins with max(0, output): an output below 0 has an empty map. So has the "no" of a single logit, as
      the library explains outputs and not their negatives.

    Args:
        rules: of the release. `1.0.9` (2020): as above. `1.0.8` (2019): the sum of the positive w_j x_j has
            the bias b added, whatever its sign. `2.1.2`: a batch norm multiplies by its scale. `w_squared`:
            w_i² / Σ_j w_j² in place of the first rule, which the library's table has for layers without an
            activation of their own, but no layer of Keras gets, as all can have one.
        of: the class whose output is explained; None = what the model predicts.
    """

    rules: Rules = "1.0.9"
    of: Natural | None = None

    def __call__(self, network: nn.Module, images: Tensor, explained: Explained) -> Tensor:
        """Relevance of each pixel: [n, ...].

        Raises:
            InputError: a layer that it knows nothing of; says which.
        """
        with explaining(network):
            pixels = images.detach().clone().requires_grad_()
            with _ByRules(self.rules):
                outputs = passed(network, pixels, "iNNvestigate's Deep Taylor")
            chosen = explained(outputs.detach()).clamp(min=0)
            return torch.autograd.grad(outputs, pixels, chosen * outputs.detach().relu())[0].sum(1)


class _ByRules(TorchFunctionMode):
    """While it lasts, gradients through what a network computes are relevance."""

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self.rules = rules

    def __torch_function__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in AFFINE:
            return self._affine(func, *args, **kwargs)
        if func is F.batch_norm:
            return self._batch_norm(*args, **kwargs)
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and result.requires_grad and func not in BY_GRADIENT:
            raise UnknownOperationError(getattr(func, "__name__", str(func)))
        return result

    def _affine(self, func: Any, x: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any) -> Tensor:
        weight = weight.detach()

        def summed(features: Tensor, weights: Tensor) -> Tensor:
            result: Tensor = func(features, weights, None, *args)
            return result

        if self.rules == "w_squared":
            rule = partial(by_squared_weights, summed, weight)
        else:
            counts = self.rules == "1.0.8" and bias is not None
            with torch.no_grad():
                offset = func(torch.zeros_like(x[:1]), weight, bias, *args) if counts else None
            rule = partial(by_positive_parts, summed, weight, offset)
        return handed(x, lambda x: func(x, weight, bias, *args), rule)

    def _batch_norm(
        self,
        features: Tensor,
        mean: Tensor | None,
        variance: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        **options: float,
    ) -> Tensor:
        if training or variance is None:
            raise UnknownOperationError(BY_THE_BATCH)

        def norm(features: Tensor) -> Tensor:
            return F.batch_norm(features, mean, variance, weight, bias, training, **options)

        if self.rules == "2.1.2":
            return norm(features)
        return handed(features, norm, lambda _, relevance: relevance)


class _Handed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, operation: Callable[[Tensor], Tensor], rule: Rule) -> Tensor:
        ctx.save_for_backward(x)
        ctx.rule = rule
        return operation(x)

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        return ctx.rule(x, relevance[0]), None, None


def handed(x: Tensor, operation: Callable[[Tensor], Tensor], rule: Rule) -> Tensor:
    """What an operation makes of x, relevance of which is x's by a rule."""
    result: Tensor = _Handed.apply(x, operation, rule)
    return result


@torch.enable_grad()
def by_positive_parts(
    summed: Operation, weight: Tensor, offset: Tensor | None, x: Tensor, relevance: Tensor
) -> Tensor:
    """To each input by its share of the positive w x, to whose sum an offset may be added (α = 1, β = 0)."""
    parts = [
        (values.detach().requires_grad_(), summand)
        for values, summand in ((x.clamp(min=0), weight.clamp(min=0)), (x.clamp(max=0), weight.clamp(max=0)))
        if values.any()
    ]
    if not parts:
        return torch.zeros_like(x)
    total: Tensor = sum(summed(*part) for part in parts)  # type: ignore[assignment]
    with torch.no_grad():
        ratio = divided(relevance, total if offset is None else total + offset)
    inputs = [values for values, _ in parts]
    handed = zip(inputs, torch.autograd.grad(total, inputs, ratio), strict=True)
    return torch.stack([values.detach() * gradient for values, gradient in handed]).sum(0)


@torch.enable_grad()
def by_squared_weights(summed: Operation, weight: Tensor, x: Tensor, relevance: Tensor) -> Tensor:
    """To each input by its share of the squared weights, whatever it is."""
    ones = torch.ones_like(x).requires_grad_()
    total = summed(ones, weight.square())
    return torch.autograd.grad(total, ones, divided(relevance, total.detach()))[0]
