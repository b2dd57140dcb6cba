"""What the strategies chose: classes, pictures, and how alike their choices are."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.analysis import Analysis
from al_runner.report.contents import Figure
from al_runner.report.curves import Array
from al_runner.report.figures.curves import arm_looks
from al_runner.report.figures.matrices import class_names
from al_runner.report.figures.style import grid, listed
from al_runner.report.runs import Run
from al_runner.report.study import Arm

TILES = 10
"""Pictures in a row."""
MOST_ARMS = 6


def figures(analysis: Analysis) -> Iterator[Figure]:
    """All of them that the runs allow."""
    arms = analysis.experiment.arms
    counts = arms[0].runs[0].manifest["dataset"].get("class_counts")
    if counts and len(counts["train"]) > 1:
        yield classes(analysis, counts)
    names = class_names(analysis, len(counts["train"]) if counts else 0)
    rows = [row for arm in arms[:MOST_ARMS] for row in pictures(arm, names)]
    if rows:
        yield montage(rows)


def classes(analysis: Analysis, counts: dict[str, Sequence[int]]) -> Figure:
    """Class shares of the splits, and of what each arm bought after the initial set."""
    names = class_names(analysis, len(counts["train"]))
    picked = {
        arm.label: shares
        for arm in analysis.experiment.arms
        if (shares := picked_shares(arm, len(names))) is not None
    }
    drawing, (axes,) = grid(1, 1.6 + 0.16 * len(names) * (len(picked) + 1))
    looks = arm_looks(analysis)
    places = np.arange(len(names))
    thick = 0.8 / max(len(picked), 1)
    for k, (label, shares) in enumerate(picked.items()):
        axes.barh(
            places + (k - (len(picked) - 1) / 2) * thick,
            shares,
            thick * 0.9,
            color=looks[label][0],
            label=f"bought by {label}",
        )
    for split, marker in (("train", "|"), ("val", "x"), ("test", "+")):
        shares = np.array(counts[split]) / max(sum(counts[split]), 1)
        axes.plot(
            shares,
            places,
            marker,
            color="black",
            markersize=14 if split == "train" else 5,
            label=f"in the {split} split",
        )
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel("share")
    axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.4, -0.08))
    pool = np.array(counts["train"]) / sum(counts["train"])
    told = [
        f"{label} buys {names[k]} most out of proportion ({shares[k]:.0%}, {pool[k]:.0%} of the pool)"
        for label, shares in picked.items()
        for k in [int(np.abs(shares - pool).argmax())]
    ]
    return Figure(
        "classes",
        "Classes of the splits and of what was bought",
        f"Class shares. {listed(told)}.",
        drawing,
        "Bars: labels bought after the initial set, mean over seeds. Marks: the data set's splits.",
    )


def picked_shares(arm: Arm, count: int) -> Array | None:
    """Mean over runs of the classes' shares among the labels bought after round 0; None without any."""
    found = []
    for run in arm.runs:
        labels = Counter(
            part for query in run.queries[1:] for pick in query for part in pick.label.split("+")
        )
        shares = np.array([labels[str(k)] for k in range(count)], dtype=float)
        if shares.sum():
            found.append(shares / shares.sum())
    return np.mean(found, 0) if found else None


Images = np.ndarray[Any, np.dtype[np.uint8]]
Row = tuple[str, Images, Sequence[str]]
"""A row of pictures: what they are, uint8 [n, h, w(, 3)], and their labels."""


def pictures(arm: Arm, names: Sequence[str]) -> list[Row]:
    """The first and the last query of the arm's first run; the initial set where there is no query."""
    run: Run = arm.runs[0]
    last = len(run.queries) - 1
    rows: list[Row] = []
    for number in sorted({min(1, last), last}):
        images = run.array(number, "picks")
        if images is not None:
            what = f"{arm.label}, seed {run.seed}, " + ("initial set" if number == 0 else f"query {number}")
            rows.append(
                (what, images[:TILES], [_named(pick.label, names) for pick in run.queries[number][:TILES]])
            )
    return rows


def _named(label: str, names: Sequence[str]) -> str:
    """A label's name, where it is the number of a class."""
    return names[int(label)] if label.isdecimal() and int(label) < len(names) else label


def montage(rows: Sequence[Row]) -> Figure:
    """Pictures of the first and the last picks."""
    drawing, panels = grid(len(rows), 0.95)
    for axes, row in zip(panels, rows, strict=True):
        _strip(axes, *row)
    return Figure(
        "montage",
        "First and last picks",
        f"Pictures of what was queried, most informative first: {listed([what for what, _, _ in rows])}.",
        drawing,
        "In the order of the query, below each picture its label.",
    )


def _strip(axes: Axes, what: str, images: Images, labels: Sequence[str]) -> None:
    height, width = images.shape[1:3]
    gap = max(1, width // 16)
    canvas = np.full((height, TILES * (width + gap), *images.shape[3:]), 255, dtype=np.uint8)
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        start = k * (width + gap)
        canvas[:, start : start + width] = image
        axes.text(start + width / 2, height * 1.04, label[:12], ha="center", va="top", fontsize=5.5)
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(what, fontsize=8, pad=2)
    axes.set_axis_off()
