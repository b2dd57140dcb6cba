"""Balance a query over classes."""

import numpy as np
import torch
from torch import Tensor


def balanced(classes_NS: Tensor, labeled_MS: Tensor, n_classes: int, size: int) -> Tensor:
    """Of ranked candidates, those that fill the classes with the fewest labels.

    Takes, again and again, the candidate one of whose (site, class) pairs has been seen least, among the
    labels and the samples taken so far; of several, the first. With one site: the best candidate of the
    rarest class that any candidate has. Time O(size N S).

    Args:
        classes_NS: int64 [N, sites], the predicted classes of the candidates, the best candidate first.
        labeled_MS: int64 [M, sites], the classes of the labeled samples.
        n_classes: of each site.
        size: how many, at most N.

    Returns:
        int64 [size]: positions in the order taken.

    >>> balanced(torch.tensor([[0], [0], [1], [0]]), torch.tensor([[0], [0]]), 2, 3).tolist()
    [2, 0, 1]
    """
    classes, labeled = classes_NS.cpu().numpy(), labeled_MS.cpu().numpy()
    sites = np.arange(classes.shape[1])
    counts_SC = np.zeros((len(sites), n_classes))
    np.add.at(counts_SC, (np.broadcast_to(sites, labeled.shape), labeled), 1)
    left = np.ones(len(classes), dtype=bool)
    taken: list[int] = []
    for _ in range(size):
        rarest_N = np.where(left, counts_SC[sites, classes].min(1), np.inf)
        taken.append(int(rarest_N.argmin()))
        counts_SC[sites, classes[taken[-1]]] += 1
        left[taken[-1]] = False
    return torch.tensor(taken, dtype=torch.int64)
