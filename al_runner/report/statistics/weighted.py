"""Metrics of weighted samples, for many weightings at once: what a bootstrap needs. Pure functions."""

from collections.abc import Callable, Mapping

import numpy as np

from al_runner.report.statistics.curves import Array

Metric = Callable[[Array, Array, Array], Array]
"""Probabilities [N, C] or [N, L, 2], targets [N] or [N, L], and weights [B, N] → the metric of each [B]."""


def accuracy(probs: Array, targets: Array, weights: Array) -> Array:
    """The share of right decisions; with several labels, of all labels together."""
    right = (probs.argmax(-1) == targets).reshape(len(targets), -1).mean(1)
    return weights @ right / weights.sum(1)


def auroc(probs: Array, targets: Array, weights: Array) -> Array:
    """The area under the ROC curve: of two classes that of the second; else the mean of one-versus-rest.

    Classes, or labels, of which a weighting has no positive or no negative sample do not count in it.
    """
    n_classes = probs.shape[-1]
    if targets.ndim > 1:
        parts = [(probs[:, k, 1], targets[:, k] == 1) for k in range(targets.shape[1])]
    elif n_classes == 2:
        parts = [(probs[:, 1], targets == 1)]
    else:
        parts = [(probs[:, k], targets == k) for k in range(n_classes)]
    areas = np.stack([_area(scores, positive, weights) for scores, positive in parts])
    known = np.isfinite(areas)
    with np.errstate(invalid="ignore"):
        return np.where(known, areas, 0).sum(0) / known.sum(0)


def _area(scores: Array, positive: Array, weights: Array) -> Array:
    """P(a positive sample scores higher than a negative one), ties counting half, of each weighting: [B]."""
    order = np.argsort(scores, kind="stable")
    level = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    found = weights[:, order], positive[order].astype(bool)
    up, down = (np.add.reduceat(found[0] * which, level, axis=1) for which in (found[1], ~found[1]))
    below = np.cumsum(down, 1) - down / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return (up * below).sum(1) / (up.sum(1) * down.sum(1))


METRICS: Mapping[str, Metric] = {"accuracy": accuracy, "auroc": auroc}
"""Those that are known of weighted samples."""
