"""The graph of nearest neighbors."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from al_runner.acquisition.distances import chunks, origin, squared_distances


def nearest_neighbors(points_ND: Tensor, count: int) -> Tensor:
    """The nearest others of each point: int64 [N, count], fewer where there are fewer."""
    centered = points_ND - origin(points_ND)
    count, found = min(count, len(centered) - 1), []
    for part in chunks(centered, len(centered)):
        squared_BN = squared_distances(centered, centered[part])
        rows = torch.arange(part.start, part.stop, device=centered.device)
        squared_BN[torch.arange(len(rows), device=centered.device), rows] = torch.inf
        found.append(squared_BN.topk(count, largest=False).indices)
    return torch.cat(found)


def normalized_graph(neighbors_NK: Tensor) -> Any:
    """D^−½ W D^−½ of the graph in which two points are joined if one is among the other's nearest."""
    from scipy import sparse  # slow to import, and few runs need it

    n, count = neighbors_NK.shape
    ends = (np.arange(n).repeat(count), neighbors_NK.cpu().numpy().ravel())
    directed = sparse.csr_array((np.ones(n * count), ends), shape=(n, n))
    joined = directed.maximum(directed.T)
    scale = 1 / np.sqrt(np.maximum(joined.sum(1), 1))
    return sparse.diags_array(scale) @ joined @ sparse.diags_array(scale)
