"""Loss and accuracy over the epochs of a training."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from al_runner.report.contents import Figure, number
from al_runner.report.figures.style import COLORS, LINE, grid, legend
from al_runner.report.figures.words import alt, only_first, told, wrapped
from al_runner.report.statistics.curves import Array
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import Run

MOST_ARMS = 4
LOOKS = dict(zip(("train", "val", "test"), zip(COLORS, ("-", "--", ":"), strict=False), strict=True))
PARTS = ("loss", "accuracy")
Table = Mapping[str, Array]


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, where runs kept what they measured after each epoch (`keep_epochs`)."""
    found = {arm.label: kept for arm in analysis.experiment.arms if (kept := last_training(arm)) is not None}
    if found:
        shown = dict(list(found.items())[:MOST_ARMS])
        yield curves(shown, only_first(len(shown), len(found), analysis.experiment.nouns))


def last_training(arm: Arm) -> tuple[Run, int, Table] | None:
    """The last training that an arm's first run kept, and its round."""
    for run in (*arm.longest, *arm.unfinished):
        for k in reversed(range(len(run.rounds))):
            table = run.array(k, "epochs")
            if table is not None and len(table):
                return run, k, {name: table[name].astype(float) for name in table.dtype.names or ()}
    return None


def curves(shown: Mapping[str, tuple[Run, int, Table]], more: str) -> Figure:
    """Loss and accuracy of what is trained on, of validation and of test samples (IDEAL, Fig. 17)."""
    titles = [
        wrapped(f"{label}, seed {run.seed}, {int(run.rounds[k]['n_labeled'])} labels", 28)
        for label, (run, k, _) in shown.items()
    ]
    height = 1.9 + LINE * 1.3 * max(title.count("\n") for title in titles)
    drawing, panels = grid(2 * len(shown), height, 2)
    said, ends = [], []
    for row, (label, (_, _, table)) in enumerate(shown.items()):
        for axes, part in zip(panels[2 * row : 2 * row + 2], PARTS, strict=True):
            _lines(axes, table, part)
            axes.set_ylabel(part)
            axes.set_title(titles[row] if part == "loss" else "")
        last = {split: table[f"{split}_loss"][-1] for split in LOOKS if f"{split}_loss" in table}
        said.append(f"{label} " + ", ".join(f"{split} {number(value)}" for split, value in last.items()))
        ends.append(last["train"])
    for axes in panels[-2:]:
        axes.set_xlabel("epoch")
    legend(drawing, len(LOOKS))
    return Figure(
        "epochs",
        "Loss and accuracy by epoch",
        alt(f"Curves over epochs. Losses after the last one: {told(said, ends)}."),
        drawing,
        "Measured after each epoch of the last training that the first run kept: train is what it trained "
        f"on, without augmentation. Accuracy is the share of right decisions.{more}",
    )


def _lines(axes: Axes, table: Table, part: str) -> None:
    for split, (color, dashes) in LOOKS.items():
        if (values := table.get(f"{split}_{part}")) is not None:
            axes.plot(np.arange(1, len(values) + 1), values, dashes, color=color, label=split)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid()
