"""What a strategy that learns from clusters of saliency maps saw of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from al_runner.report.contents import Figure
from al_runner.report.figures.style import grid
from al_runner.report.figures.words import alt, only_first, told, wrapped
from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.embedding import FEWEST, alike, drawn, tsne
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import Run

MOST_ARMS = 3
LIGHTEST = 0.92
"""Of the scale of colors: above, they are not seen on white."""
Lessons = Mapping[str, NDArray[Any]]


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, where a run kept what its queries taught it."""
    found = [lessons for arm in analysis.experiment.arms if (lessons := taught(arm))]
    if found:
        shown = {title: lesson for lessons in found[:MOST_ARMS] for title, lesson in lessons.items()}
        yield clusters(shown, only_first(min(len(found), MOST_ARMS), len(found), analysis.experiment.nouns))


def taught(arm: Arm) -> Lessons:
    """What the first and the last query taught the arm's first run that kept it, by their titles."""
    for run in (*arm.longest, *arm.unfinished):
        numbers = range(len(run.rounds))
        ends = [_first_lesson(run, order) for order in (numbers, reversed(numbers))]  # a run keeps many
        if kept := dict(end for end in ends if end is not None):
            return {f"{arm.label}, seed {run.seed}, query {number}": kept[number] for number in kept}
    return {}


def _first_lesson(run: Run, numbers: Iterable[int]) -> tuple[int, NDArray[Any]] | None:
    """The first of some rounds whose query taught something that can be drawn."""
    for number in numbers:
        lesson = run.array(number, "lesson")
        if (
            lesson is not None
            and {"features", "level"} <= set(lesson.dtype.names or ())
            and len(lesson) >= FEWEST
        ):
            return number, lesson
    return None


def clusters(lessons: Lessons, more: str) -> Figure:
    """t-SNE of features of saliency maps, by the level of their cluster (Mahapatra et al., 2021, Fig. 4)."""
    drawing, panels = grid(len(lessons), 3.0, min(2, len(lessons)))
    said, shares = [], []
    for axes, (title, lesson) in zip(panels, lessons.items(), strict=True):
        points = drawn(lesson)
        features, levels = points["features"], points["level"]
        _points(axes, tsne(features), levels)
        shown = (
            f"{len(points)} of {len(lesson)} samples"
            if len(points) < len(lesson)
            else f"{len(lesson)} samples"
        )
        axes.set_title(f"{wrapped(title, 36)}\n{shown}", fontsize=8)
        shares.append(alike(features, levels))
        n_levels = len(np.unique(levels))
        said.append(f"{title}: {n_levels} levels, a sample's nearest has the same level for {shares[-1]:.0%}")
    return Figure(
        "clusters",
        "Clusters of saliency maps, by how informative they were",
        alt(f"Points of deep saliency features by t-SNE. {told(said, shares)}."),
        drawing,
        "Each point is a sample that was unlabeled when the query was made. Level 1, the darkest: of all "
        "clusters' representatives, the label of its own was worth most to the model. Clusters lie apart as "
        f"k-means made them so; the strategy goes by near clusters having near levels.{more}",
    )


def _points(axes: Axes, places_N2: Array, levels_N: NDArray[Any]) -> None:
    """Each level in its color, with its number on one of its samples."""
    highest = max(int(levels_N.max()), 2)
    for level in np.unique(levels_N):
        color = mpl.colormaps["viridis"](LIGHTEST * (level - 1) / (highest - 1))
        mine = places_N2[levels_N == level]
        axes.plot(*mine.T, "o", color=color, markersize=2.5, alpha=0.8, markeredgewidth=0)
        halo = [withStroke(linewidth=2.5, foreground="white")]
        x, y = mine[np.linalg.norm(mine - np.median(mine, 0), axis=1).argmin()]
        axes.text(x, y, str(level), ha="center", va="center", fontweight="bold", path_effects=halo)
    axes.set_xticks([])
    axes.set_yticks([])
