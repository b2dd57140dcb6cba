"""Pictures of what the strategies chose."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.contents import Figure
from al_runner.report.figures.style import WIDTH, grid
from al_runner.report.figures.words import alt, only_first, told, wrapped
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm

TILES = 10
"""Pictures in a row."""
MOST_ARMS = 6
LETTERS = 12
"""Of a line below a picture; there are two lines."""

Images = np.ndarray[Any, np.dtype[np.uint8]]
Row = tuple[str, Images, Sequence[str]]
"""A row of pictures: what they are, uint8 [n, h, w(, 3)], and their labels."""


def figures(analysis: Analysis, names: Sequence[str]) -> Iterator[Figure]:
    """The figure, where a run kept pictures."""
    found = [rows for arm in analysis.experiment.arms if (rows := pictures(arm, names))]
    if found:
        rows = [row for rows in found[:MOST_ARMS] for row in rows]
        yield montage(rows, only_first(min(len(found), MOST_ARMS), len(found), analysis.experiment.nouns))


def pictures(arm: Arm, names: Sequence[str]) -> list[Row]:
    """The first and the last query of the arm's first run; the initial set where there is no query."""
    run = next((run for run in (*arm.longest, *arm.unfinished) if run.rows), None)
    if run is None:
        return []
    last = len(run.queries) - 1
    rows: list[Row] = []
    for number in sorted({min(1, last), last}):
        images = run.array(number, "picks")
        if images is not None and len(images):
            what = f"{arm.label}, seed {run.seed}, " + ("initial set" if number == 0 else f"query {number}")
            labels = [named(pick.label, names) for pick in run.queries[number][:TILES]]
            rows.append((what, images[:TILES], labels))
    return rows


def named(label: str, names: Sequence[str]) -> str:
    """A label's name, or those of several joined by `+`, where they are numbers of classes."""
    return "+".join(
        names[int(part)] if part.isdecimal() and int(part) < len(names) else part for part in label.split("+")
    )


def montage(rows: Sequence[Row], note: str) -> Figure:
    """Pictures of the first and the last picks."""
    titles = [wrapped(what, 80) for what, _, _ in rows]
    tall, wide = rows[0][1].shape[1:3]
    row = WIDTH / TILES * min(tall / wide, 2) + 0.42 + 0.14 * max(title.count("\n") for title in titles)
    drawing, panels = grid(len(rows), row)
    for axes, title, (_, images, labels) in zip(panels, titles, rows, strict=True):
        _strip(axes, title, images, labels)
    said = told([what for what, _, _ in rows], list(range(len(rows))))
    return Figure(
        "montage",
        "First and last picks",
        alt(f"Pictures of what was queried, most informative first: {said}."),
        drawing,
        f"In the order of the query, below each picture its label.{note}",
    )


def _strip(axes: Axes, title: str, images: Images, labels: Sequence[str]) -> None:
    height, width = images.shape[1:3]
    gap = max(1, width // 16)
    canvas = np.full((height, TILES * (width + gap), *images.shape[3:]), 255, dtype=np.uint8)
    for k, (image, label) in enumerate(zip(images, labels, strict=False)):  # a picture may lack its label
        start = k * (width + gap)
        canvas[:, start : start + width] = image
        text = wrapped(label if len(label) < 2 * LETTERS else f"{label[: 2 * LETTERS - 2]}…", LETTERS)
        axes.text(start + width / 2, height * 1.04, text, ha="center", va="top", fontsize=5.5)
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(title, fontsize=8, pad=2)
    axes.set_axis_off()
