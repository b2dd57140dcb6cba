"""The scores of "Enhancing X-Ray Imaging Analysis with Active Learning" by its released code, not its text.

Both look at the one output of its network, the probability of the positive class. What the text describes is
`least_confidence` and `entropy` of `uncertainty`. Both functions take `probs` [..., 2], probabilities of the
negative and the positive class, and return scores [...]. Saturated probabilities (exactly 0 or 1) are fine;
NaN in gives NaN out.
"""

import torch
from torch import Tensor


def uncertainty_released(probs: Tensor) -> Tensor:
    """One minus the largest of the network's outputs, where there is but one: U(p) = 1 − p₁.

    In [0, 1]; largest for what is most surely negative, where `least_confidence` would be 0.

    >>> uncertainty_released(torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])).tolist()
    [1.0, 0.5, 0.0]
    """
    return 1 - probs[..., 1]


def entropy_released(probs: Tensor) -> Tensor:
    """The positive class's term of the entropy alone: E(p) = − p₁ ln p₁, with 0 ln 0 = 0.

    In [0, 1 / e], in nats; largest at p₁ = 1 / e = 0.37, where `entropy` is largest at 0.5.

    >>> entropy_released(torch.tensor([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [0.0, 0.3465735912322998]
    """
    return torch.special.entr(probs[..., 1])
