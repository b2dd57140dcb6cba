"""Logits of a mean of predictions, from the logits of each: no probability is rounded to 0 on the way."""

import torch.nn.functional as F
from torch import Tensor


def of_softmax(logits: Tensor) -> Tensor:
    """log of J times the mean over j of softmax(logits_j): [J, n, C, ...] → [n, C, ...]."""
    return logits.log_softmax(2).logsumexp(0)


def of_sigmoid(logits: Tensor) -> Tensor:
    """The logit of the mean over j of sigmoid(logits_j): [J, ...] → [...]."""
    return F.logsigmoid(logits).logsumexp(0) - F.logsigmoid(-logits).logsumexp(0)
