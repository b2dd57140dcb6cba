"""The scores of the unlabeled pool: in their order, and against Dice."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from al_runner.report.contents import Figure, number, p_words
from al_runner.report.figures.style import COLORS, LINE, grid, legend
from al_runner.report.figures.words import alt, only_first, told, wrapped
from al_runner.report.statistics.curves import Array, Flags
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.scored import Relation, Scored, pearson, spearman

MOST_ARMS = 6
MOST_BARS = 80
"""Images up to which each has a bar of its own, its index below it; more are one filled step line."""
REST, QUERY = COLORS[0], COLORS[1]


def figures(analysis: Analysis, found: Sequence[Relation]) -> Iterator[Figure]:
    """Both, of each arm's first run and the model with the fewest labels."""
    firsts = {each.label: each.first for each in reversed(found) if np.isfinite(each.first.scores).any()}
    every = dict(reversed(firsts.items()))
    shown = dict(list(every.items())[:MOST_ARMS])
    if shown:
        more = only_first(len(shown), len(every), analysis.experiment.nouns)
        yield bars(shown, more)
        yield scatter(shown, more)


def bars(shown: dict[str, Scored], more: str) -> Figure:
    """Every image's score, rising, and where the query begins (Warren et al., Fig. 1).

    A strategy that does not pick by its scores alone has no cut-off: its query is among the others.
    """
    drawing, panels = grid(len(shown), 2.9)
    for axes, (label, scored) in zip(panels, shown.items(), strict=True):
        ranks = rising(scored.scores)
        n, queried = len(ranks), ranks < scored.n_queried
        for color, chosen, name in ((REST, ~queried, "not queried"), (QUERY, queried, "queried")):
            _columns(axes, scored.scores[ranks], chosen, color, name)
        if (np.diff(ranks) < 0).all():
            axes.axvline(
                n - queried.sum() - 0.5, color="black", linewidth=1.2, linestyle="--", label="cut-off"
            )
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_title(_title(label, scored))
        axes.set_ylabel("score")
        axes.set_xlim(-1, n)
        if n <= MOST_BARS:
            axes.set_xticks(range(n), map(str, scored.indices[ranks]), rotation=90, fontsize=6)
            axes.tick_params(axis="x", length=0, pad=1)
        axes.set_xlabel("image of the pool" if n <= MOST_BARS else "images of the pool, by their score")
    legend(drawing, 3)
    said = [
        f"{label} {_range(each.scores)}, the query {_range(each.scores[: each.n_queried])}"
        for label, each in shown.items()
    ]
    return Figure(
        "score_bars",
        "Scores of the unlabeled pool",
        alt(f"Bars of rising scores: {told(said, range(len(said)))}."),
        drawing,
        "Right of the cut-off is what is queried next, or would be, had the run not ended with this model; "
        "there is none where a strategy does not pick by its scores alone. Scores that are not finite are "
        f"not drawn.{more}",
    )


def rising(scores: Array) -> "np.ndarray[Any, np.dtype[np.intp]]":
    """The positions of the finite scores, the least score first; of equal ones the last in the order."""
    ranks = np.flatnonzero(np.isfinite(scores))[::-1]
    return ranks[np.argsort(scores[ranks], kind="stable")]


def _columns(axes: Axes, heights: Array, chosen: Flags, color: str, name: str) -> None:
    """The chosen ones of some columns, at their places."""
    places = np.arange(len(heights))
    if len(heights) <= MOST_BARS:
        axes.bar(places[chosen], heights[chosen], 0.8, color=color, label=name)
    else:
        edges = np.arange(len(heights) + 1) - 0.5
        axes.stairs(np.where(chosen, heights, 0), edges, fill=True, color=color, label=name)


def _range(scores: Array) -> str:
    known = scores[np.isfinite(scores)]
    return f"from {number(known.min())} to {number(known.max())}" if len(known) else "without a finite score"


def scatter(shown: dict[str, Scored], more: str) -> Figure:
    """Score against Dice of every image (Warren et al., Fig. 2)."""
    columns = 2 if len(shown) > 1 else 1
    titles = {label: _title(label, each, 56 // columns) for label, each in shown.items()}
    drawing, panels = _panels(list(titles.values()), columns)
    said, values = [], []
    for axes, (label, each) in zip(panels, shown.items(), strict=True):
        scores, dice = each.pairs
        r, rho = pearson(scores, dice), spearman(scores, dice)
        for color, form, part, name in (
            (REST, "o", slice(each.n_queried, None), "not queried"),
            (QUERY, "D", slice(each.n_queried), "queried"),
        ):
            axes.plot(
                each.scores[part], each.dice[part], form, color=color, markersize=4, alpha=0.8, label=name
            )
        if not np.isnan(r.value):
            slope, start = np.polyfit(scores, dice, 1)
            ends = np.array([scores.min(), scores.max()])
            axes.plot(ends, start + slope * ends, color="black", linewidth=1, label="least squares")
        facts = f"r = {number(r.value)}, {p_words(r.p)}\nρ = {number(rho.value)}, {p_words(rho.p)}"
        axes.set_title(f"{titles[label]}\n{facts}")
        axes.set_xlabel("score")
        axes.set_ylabel("Dice")
        axes.grid()
        said.append(f"{label} r {number(r.value)} ({p_words(r.p)})")
        values.append(r.value)
    legend(drawing, 3)
    return Figure(
        "score_dice",
        "Scores against Dice",
        alt(f"Points of score and Dice, one for each unlabeled image: {told(said, values)}."),
        drawing,
        "Dice: mean over the labels that an image has, without the background. r: Pearson's, ρ: Spearman's, "
        f"with their p values.{more}",
    )


def _panels(titles: Sequence[str], columns: int) -> tuple[Drawing, list]:  # type: ignore[type-arg]
    extra = LINE * 1.3 * (2 + max(title.count("\n") for title in titles))
    return grid(len(titles), (2.6 if columns > 1 else 3.4) + extra, columns, sharey=True)


def _title(label: str, scored: Scored, width: int = 60) -> str:
    return wrapped(f"{label}, seed {scored.seed}, {scored.labels} labels", width)
