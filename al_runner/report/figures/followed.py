"""Where models look in the same images as they learn."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from al_runner.report.contents import Figure, number
from al_runner.report.figures.audit import overlaid
from al_runner.report.figures.style import COLORS, WIDTH, grid
from al_runner.report.figures.words import alt, listed, only_first, told, wrapped
from al_runner.report.statistics.curves import Array
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.audited import Group, Sample, followed

MOST_ARMS = 4
MOST_MODELS = 6
BINS = 32


def figures(analysis: Analysis) -> Iterator[Figure]:
    """One for each arm that has a run that followed samples (`audit.follow`)."""
    found = [(arm.label, *kept) for arm in analysis.experiment.arms if (kept := followed(arm)) is not None]
    more = only_first(MOST_ARMS, len(found), analysis.experiment.nouns)
    for k, (label, run, models) in enumerate(found[:MOST_ARMS]):
        yield through_training(f"followed_{k}", f"{label}, seed {run.seed}", models, more)


def through_training(slug: str, what: str, models: Sequence[Group], more: str) -> Figure:
    """Each sample's map by some of the models, and below each the map's histogram (IDEAL, Figs. 1 and 2)."""
    shown = [models[k] for k in np.unique(np.linspace(0, len(models) - 1, MOST_MODELS).round().astype(int))]
    rows = len(models[0].samples)
    drawing, panels = grid(2 * rows * (len(shown) + 1), WIDTH / (len(shown) + 1) * 1.15, len(shown) + 1)
    columns = len(shown) + 1
    said, ends = [], []
    for row in range(rows):
        samples = [model.samples[row] for model in shown]
        above, below = (panels[(2 * row + k) * columns : (2 * row + k + 1) * columns] for k in (0, 1))
        _picture(above[0], samples[-1])
        below[0].set_visible(False)
        for axes, under, model, sample in zip(above[1:], below[1:], shown, samples, strict=True):
            _map(axes, sample, f"{model.labels} labels")
            _histogram(under, sample.map)
        peaks = [focus(sample.map) for sample in (samples[0], samples[-1])]
        said.append(f"sample {samples[0].index} from {number(peaks[0])} to {number(peaks[1])}")
        ends.append(peaks[1])
    drawing.suptitle(wrapped(what, 70), x=0.01, ha="left", fontsize=9)
    methods = listed(list(dict.fromkeys(model.method for model in shown)))
    return Figure(
        slug,
        f"Maps through training: {what}",
        alt(f"Maps by successive models. Relevance in the strongest tenth of pixels: {told(said, ends)}."),
        drawing,
        f"Maps by {methods}, colored as in the audit; below each, the histogram of its values, each relative "
        f"to the largest, with a logarithmic height.{more}",
    )


def focus(saliency: Array) -> float:
    """The share of a map's magnitudes in the tenth of its pixels where they are largest; NaN: it is empty."""
    magnitudes = np.sort(np.abs(saliency).flatten())[::-1]
    total = magnitudes.sum()
    return float(magnitudes[: -(-len(magnitudes) // 10)].sum() / total) if total else float("nan")


def _picture(axes: Axes, sample: Sample) -> None:
    axes.imshow(sample.picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(f"#{sample.index}", fontsize=7)
    axes.set_axis_off()


def _map(axes: Axes, sample: Sample, title: str) -> None:
    picture = sample.picture if sample.picture.ndim == 2 else sample.picture.mean(2)
    axes.imshow(overlaid(picture, sample.map), interpolation="nearest")
    axes.set_title(title, fontsize=7)
    axes.set_axis_off()


def _histogram(axes: Axes, saliency: Array) -> None:
    axes.hist(saliency.flatten(), bins=BINS, range=(-1, 1), color=COLORS[0], log=True)
    axes.set_yticks([])
    axes.set_yticks([], minor=True)
    axes.tick_params(labelsize=5, length=2, pad=1)
    axes.set_xlim(-1, 1)
    axes.set_xticks([-1, 0, 1])
