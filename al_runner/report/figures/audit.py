"""What the strategies find most and least informative, and where the models see what they say."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from al_runner.report.contents import Figure
from al_runner.report.figures.montage import named
from al_runner.report.figures.style import WIDTH, grid
from al_runner.report.figures.words import alt, listed, only_first, shortened, wrapped
from al_runner.report.statistics.curves import Array
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.audited import Group, Sample, border, groups

MOST_ARMS = 6
FEWEST_TILES = 6
"""In a row: fewer samples leave the rest of it empty."""
LETTER = 5
"""Points of the letters below a picture."""
FOR, AGAINST = "#FF8C00", "#3D8BFF"
"""Told apart by color-blind readers too, on any gray."""
OPACITY = 0.85
KINDS = {"most": "most informative", "least": "least informative", "query": "of the next query"}
NO_ORDER = (
    " The strategy chooses sets: the samples shown are the first of its next query, and it has no least "
    "informative ones."
)


def figures(analysis: Analysis) -> Iterator[Figure]:
    """One for each arm that has a run with an audit."""
    found = [(arm.label, *kept) for arm in analysis.experiment.arms if (kept := groups(arm)) is not None]
    more = only_first(MOST_ARMS, len(found), analysis.experiment.nouns)
    for number, (label, run, rows) in enumerate(found[:MOST_ARMS]):
        asked = run.manifest.get("proxy") or run.manifest["dataset"]  # a proxy has classes of its own
        names = list(map(shortened, asked.get("class_names", [])))
        yield montage(f"audit_{number}", f"{label}, seed {run.seed}", rows, names, more)


def montage(slug: str, what: str, rows: Sequence[Group], names: Sequence[str], more: str) -> Figure:
    """Pictures of samples, and below each the same with the map over it."""
    columns = max(FEWEST_TILES, *(len(row.samples) for row in rows))
    tall, wide = rows[0].samples[0].picture.shape[:2]
    tile = WIDTH / columns
    letters = int(tile * 72 / (0.71 * LETTER)) - len("said ")
    drawing, panels = grid(len(rows), 2 * tile * min(tall / wide, 2) + 0.78)
    drawing.suptitle(wrapped(what, 70), x=0.01, ha="left", fontsize=9)
    for axes, row in zip(panels, rows, strict=True):
        _strip(axes, row.samples, columns, lambda label: _cut(named(label, names), letters))
        axes.set_title(f"{_title(row)}: {row.where}", fontsize=8)
    area = border(tall, wide).mean()
    said = [f"{_title(row)}, {row.n_right} said right, {row.where}" for row in rows]
    order = NO_ORDER if any(row.kind == "query" for row in rows) else ""
    methods = listed(list(dict.fromkeys(row.method for row in rows)))
    return Figure(
        slug,
        f"Audit: {what}",
        alt(f"Images, and maps of where the model sees what it says. {'; '.join(said)}."),
        drawing,
        f"Maps by {methods}. Orange speaks for what the model said, blue against it: clear up to the median "
        "of a map's magnitudes, full from their 99th percentile. Below: index, score, true label, what the "
        "model said with its probability, bold if wrong. The border is the outer eighth at each side, "
        f"{area:.0%} of the area.{order}{more}",
    )


def _title(row: Group) -> str:
    return f"{row.labels} labels, {KINDS.get(row.kind, row.kind)}"


def _strip(axes: Axes, samples: Sequence[Sample], columns: int, word: Callable[[str], str]) -> None:
    height, width = samples[0].picture.shape[:2]
    gap = max(1, width // 16)
    canvas = np.ones((2 * height + gap, columns * (width + gap), 3))
    for k, sample in enumerate(samples):
        start = k * (width + gap)
        picture = sample.picture if sample.picture.ndim == 3 else sample.picture[..., None]
        canvas[:height, start : start + width] = picture
        canvas[-height:, start : start + width] = overlaid(picture.mean(2), sample.map)
        score = "no score" if np.isnan(sample.score) else f"score {sample.score:.3g}"
        lines = [f"#{sample.index}", score, f"is {word(sample.label)}", f"said {word(sample.said)}"]
        text = "\n".join([*lines, f"p {sample.probability:.2f}"])
        weight, place = "normal" if sample.right else "bold", (start + width / 2, len(canvas) + gap / 4)
        axes.text(*place, text, ha="center", va="top", fontsize=LETTER, fontweight=weight)
    axes.imshow(canvas, interpolation="nearest")
    axes.set_axis_off()


def overlaid(gray: Array, saliency: Array) -> Array:
    """A picture of 0 to 1, [h, w], with a map over it: [h, w, 3]."""
    opacity = OPACITY * strength(saliency)[..., None]
    color = np.where(saliency[..., None] > 0, to_rgb(FOR), to_rgb(AGAINST))
    return (1 - opacity) * gray[..., None] + opacity * color


def strength(saliency: Array) -> Array:
    """From 0 up to the median of a map's magnitudes to 1 from their 99th percentile on."""
    magnitude = np.abs(saliency)
    low, high = np.quantile(magnitude, [0.5, 0.99])
    high = high if high > low else magnitude.max()
    return np.clip((magnitude - low) / (high - low), 0, 1) if high > low else np.zeros_like(magnitude)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
