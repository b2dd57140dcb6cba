"""Figures."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from al_runner.report.curves import Curve

COLORS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB")
"""Paul Tol's bright scheme, distinct for color-blind readers too."""

mpl.rcParams["svg.hashsalt"] = "al-runner"  # the same figure, the same file


def learning_curve(curves: Mapping[str, Curve], metric: str, stem: Path) -> list[Path]:
    """Mean and standard deviation over seeds against the number of labels, as `<stem>.svg` and `.png`."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (label, curve) in enumerate(curves.items()):
        color = COLORS[number % len(COLORS)]
        axes.plot(curve.labels, curve.mean, marker="o", markersize=4, color=color, label=label)
        if len(curve.values) > 1:
            low, high = curve.mean - curve.deviation, curve.mean + curve.deviation
            axes.fill_between(curve.labels, low, high, color=color, alpha=0.15, linewidth=0)
    seeds = max(len(curve.values) for curve in curves.values())
    axes.set_xlabel("labels")
    axes.set_ylabel(metric)
    axes.set_title(f"mean ± standard deviation over {seeds} seeds", fontsize="medium", loc="left")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    return paths
