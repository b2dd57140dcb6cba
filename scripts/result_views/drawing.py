"""Learning curves with their intervals, as SVG."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from al_runner.report.contents import Figure
from al_runner.report.figures.style import BASELINE, COLORS, DASHES, grid, legend


def drawn(curves: Mapping[str, NDArray[np.float64]], height: float, logarithmic: bool = False) -> bytes:
    """The figure of some curves.

    Args:
        curves: name → [B, 4], labels, mean, low and high; the baseline first.
        height: in inches.
        logarithmic: whether the labels are.
    """
    figure, (axes,) = grid(1, height)
    looks = [(BASELINE, "-"), *((color, dash) for dash in DASHES for color in COLORS)]
    assert len(curves) <= len(looks)
    for (name, curve), (color, dash) in zip(curves.items(), looks, strict=False):
        labels, mean, low, high = curve.T
        axes.plot(labels, mean, marker="o", linestyle=dash, markersize=3, color=color, label=name)
        axes.fill_between(labels, low, high, color=color, alpha=0.15, linewidth=0)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xlabel("labels")
    axes.set_ylabel("test/auroc")
    axes.grid()
    legend(figure)
    return Figure("figure", "", "", figure).image("svg")
