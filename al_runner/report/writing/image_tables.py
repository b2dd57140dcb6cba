"""Tables and sentences about single images: their Dice, and how it goes with the strategy's scores."""

from collections.abc import Sequence

import numpy as np

from al_runner.report.contents import Cell, PValue, Table, bounds, number, p_words
from al_runner.report.statistics.curves import Array
from al_runner.report.statistics.intervals import LEVEL
from al_runner.report.study.analysis import Analysis
from al_runner.report.study.arms import Arm
from al_runner.report.study.scored import Relation, dice_of_images

MOST_IMAGES = 30
"""Images of a split that the table shows."""
ABSENT = "N/A"
"""Where an image lacks a label, as in Warren et al., Table 1."""


def dice_table(analysis: Analysis) -> Table | None:
    """Dice of each image and label by the models that the runs leave (Warren et al., Table 1).

    None where nothing is segmented.
    """
    split, rows, count = analysis.options.split, [], 0
    classes: list[str] = analysis.experiment.arms[0].runs[0].manifest["dataset"].get("class_names", [])
    names = classes[1:]
    for arm in analysis.experiment.arms:
        dice_NL = mean_dice(arm, f"dice_images_{split}")
        if dice_NL is not None and dice_NL.shape[1] == len(classes):  # labels that overlap have no background
            names = classes
        if dice_NL is None or dice_NL.shape[1] != len(names):
            continue
        count = len(dice_NL)
        for image, each in enumerate(dice_NL[:MOST_IMAGES]):
            cells = [
                ABSENT if np.isnan(value) else float(value) for value in (*each, *dice_of_images(each[None]))
            ]
            rows.append([arm.label, image, *cells])
    if not rows:
        return None
    return Table(
        "dice_of_images",
        f"Dice of each {split} image",
        [analysis.experiment.noun, "image", *names, "mean"],
        rows,
        f"Of the models that the runs leave, means over seeds. {ABSENT}: the image lacks the label. The mean "
        "is over the labels that it has, without the background."
        + (f" The first {MOST_IMAGES} of {count} images." if count > MOST_IMAGES else ""),
    )


def mean_dice(arm: Arm, name: str) -> Array | None:
    """Mean over seeds of what an arm's runs leave, [N, L]; None where they kept none of that name."""
    ends = [(run, run.outcome) for run in arm.longest]
    found = [run.array(int(row["round"]), name) for run, row in ends if row is not None]
    known = [dice for dice in found if dice is not None]
    alike = [dice for dice in known if dice.shape == known[0].shape]  # with --force, test images may differ
    return np.mean(alike, 0, dtype=float) if alike else None


def score_table(analysis: Analysis, found: Sequence[Relation]) -> Table:
    """How scores go with Dice, for each arm and number of labels."""
    rows: list[list[Cell]] = [
        [
            each.label,
            each.first.labels,
            each.seeds,
            len(each.first.indices),
            each.left_out,
            each.dice,
            each.queried,
            each.pearson,
            PValue(each.p),
            each.spearman,
            PValue(each.p_spearman),
        ]
        for each in found
    ]
    columns = [
        "labels",
        "seeds",
        "images",
        "left out",
        "Dice",
        "Dice of the query",
        "Pearson r",
        "p",
        "Spearman ρ",
        "p (ρ)",
    ]
    return Table(
        "score_dice",
        "Scores against Dice in the unlabeled pool",
        [analysis.experiment.noun, *columns],
        rows,
        "Each model's Dice on the images that it leaves unlabeled, by their true labels, which it never saw; "
        "with a switch of the data set, on those of the set that is queried next. Left out of r and ρ: "
        "images without a finite score or any label, of all seeds. r and ρ below 0: the strategy asks for "
        "what the model outlines badly. p: with one seed that of the correlation, with several that of the "
        "t test that its mean is 0; each for itself. In brackets: 95 % intervals over seeds.",
    )


def score_answers(found: Sequence[Relation]) -> list[str]:
    """A sentence for each arm, on the model with the fewest labels."""
    first = {each.label: each for each in reversed(found)}
    return [_sentence(each) for each in reversed(first.values())]


def _sentence(found: Relation) -> str:
    r, rho = found.pearson, found.spearman
    where = f"on the {len(found.first.indices)} images that {found.first.labels} labels leave"
    if np.isnan(r.value):
        return f"{found.label}: {where}, scores or Dice do not vary, so nothing correlates."
    if not found.p <= LEVEL:
        what = "no relation of score and Dice is shown"
    elif r.value < 0:
        what = "scores are higher where Dice is lower"
    else:
        what = "scores are higher where Dice is higher: it asks for what the model outlines well"
    mean, seeds = ("mean ", f"; {found.seeds} seeds") if found.seeds > 1 else ("", "")
    interval = f" {bounds(r)}" if found.seeds > 1 else ""
    return (
        f"{found.label}: {where}, {what} ({mean}Pearson r {number(r.value)}{interval}, {p_words(found.p)}; "
        f"Spearman ρ {number(rho.value)}, {p_words(found.p_spearman)}{seeds})."
    )
