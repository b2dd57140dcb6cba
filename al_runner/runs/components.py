"""What strategies see of many features: their principal components, computed once for many runs."""

import torch
from torch import Tensor

_last: dict[str, Tensor] = {}
"""The last result, and what it was made of: the jobs of a sweep mostly ask for the same one again."""


def principal(features_ND: Tensor, size: int | None, made_of: str) -> Tensor:
    """Features on their first principal components over all rows (Pearson, 1901): float32 [N, min(size, D)].

    Distances, which most strategies that see embeddings look at, are kept as well as `size` numbers can, and
    a query of a thousand features takes a tenth of the time. Time O(N D² + D³), once for many runs.

    Args:
        features_ND: float32 [N, D].
        size: as many components, if there are more features; None = all features, as they are.
        made_of: what the features are told by.
    """
    if size is None or features_ND.shape[1] <= size:
        return features_ND
    key = f"{size} {made_of} {features_ND.sum(dtype=torch.float64).item()}"  # a file may have changed
    if key not in _last:
        _last.clear()
        _last[key] = _principal(features_ND, size)
    return _last[key]


def _principal(features_ND: Tensor, size: int) -> Tensor:
    from sklearn.decomposition import PCA  # slow to import, and most runs have few features or none

    n, dims = features_ND.shape
    solver = "covariance_eigh" if n > dims else "full"  # exact ones: the randomized one depends on a seed
    model = PCA(min(size, n), svd_solver=solver)
    return torch.from_numpy(model.fit_transform(features_ND.cpu().double().numpy())).float()
