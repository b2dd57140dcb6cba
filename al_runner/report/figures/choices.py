"""What the strategies chose."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.contents import Figure
from al_runner.report.figures import audit, clusters, followed, montage
from al_runner.report.figures.confusion import MOST_CLASSES
from al_runner.report.figures.style import arm_looks, grid, legend, row_labels
from al_runner.report.figures.words import alt, class_names, only_first, told
from al_runner.report.statistics.curves import Array
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm

MOST_ARMS = 6
FEW = 12
"""Classes that get the thickest bars."""
SPLITS = {"train": (-0.26, "D"), "val": (0.0, "o"), "test": (0.26, "s")}
"""Where the mark of a split is in a class's row, and its form."""


def figures(analysis: Analysis) -> Iterator[Figure]:
    """All of them that the runs allow."""
    counts = analysis.experiment.arms[0].runs[0].manifest["dataset"].get("class_counts")
    if counts and 1 < len(counts["train"]) <= MOST_CLASSES:
        yield classes(analysis, counts)
    names = class_names(analysis, len(counts["train"]) if counts else 0)
    yield from montage.figures(analysis, names)
    yield from audit.figures(analysis)
    yield from followed.figures(analysis)
    yield from clusters.figures(analysis)


def classes(analysis: Analysis, counts: Mapping[str, Sequence[int]]) -> Figure:
    """Class shares of the splits, and of what each arm bought after the initial set."""
    names = class_names(analysis, len(counts["train"]))
    found = {arm.label: picked_shares(arm, len(names)) for arm in analysis.experiment.arms}
    bought = {label: shares for label, shares in found.items() if shares is not None}
    picked = dict(list(bought.items())[:MOST_ARMS])
    row = max(0.3, (0.16 if len(names) <= FEW else 0.09) * (len(picked) + 1))
    drawing, (axes,) = grid(1, 0.6 + row * len(names))
    _bars(axes, picked, {label: look[0] for label, look in arm_looks(analysis).items()})
    pool = _marks(axes, counts)
    row_labels(axes, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("share")
    legend(drawing)
    off = [int(np.abs(shares - pool).argmax()) for shares in picked.values()]
    said = [
        f"{label} buys {names[k]} most out of proportion ({shares[k]:.0%}, {pool[k]:.0%} of the pool)"
        for k, (label, shares) in zip(off, picked.items(), strict=True)
    ]
    gaps = [float(abs(shares[k] - pool[k])) for k, shares in zip(off, picked.values(), strict=True)]
    return Figure(
        "classes",
        "Classes of the splits and of what was bought",
        alt(f"Class shares. {told(said, gaps) or 'No finished run has bought any after the initial set'}."),
        drawing,
        "Bars: labels bought after the initial set, mean over seeds. Marks: the data set's splits."
        + only_first(len(picked), len(bought), analysis.experiment.nouns),
    )


def _bars(axes: Axes, picked: Mapping[str, Array], colors: Mapping[str, str]) -> None:
    thick = 0.8 / max(len(picked), 1)
    for k, (label, shares) in enumerate(picked.items()):
        places = np.arange(len(shares)) + (k - (len(picked) - 1) / 2) * thick
        axes.barh(places, shares, thick * 0.9, color=colors[label], label=f"bought by {label}")


def _marks(axes: Axes, counts: Mapping[str, Sequence[int]]) -> Array:
    """Mark the shares of each split, edged so that they are seen on any bar; those of the training split."""
    for split, (offset, marker) in SPLITS.items():
        shares = np.array(counts[split]) / max(sum(counts[split]), 1)
        axes.plot(
            shares,
            np.arange(len(shares)) + offset,
            marker,
            color="black",
            markersize=6,
            markeredgecolor="white",
            markeredgewidth=1,
            clip_on=False,
            label=f"in the {split} split",
        )
    return np.array(counts["train"]) / max(sum(counts["train"]), 1)


def picked_shares(arm: Arm, count: int) -> Array | None:
    """Mean over finished runs of the classes' shares among the labels bought after round 0; None if none."""
    found = []
    for run in arm.longest:
        labels = Counter(
            part for query in run.queries[1:] for pick in query for part in pick.label.split("+")
        )
        shares = np.array([labels[str(k)] for k in range(count)], dtype=float)
        if shares.sum():
            found.append(shares / shares.sum())
    return np.mean(found, 0) if found else None
