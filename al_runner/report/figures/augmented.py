"""Images as they are, and as an augmentation changed them."""

from collections.abc import Iterator
from dataclasses import replace

from al_runner.report.contents import Figure
from al_runner.report.figures.montage import TILES, Images, montage
from al_runner.report.figures.words import alt
from al_runner.report.study.analysis import Analysis


def figures(analysis: Analysis) -> Iterator[Figure]:
    """The figure, of the first round that kept such images (`keep_epochs` of an augmented training)."""
    for arm in analysis.experiment.arms:
        for run in (*arm.longest, *arm.unfinished):
            for number in range(len(run.rounds)):
                pairs = run.array(number, "augmented")
                if pairs is not None and len(pairs):
                    what = f"{arm.label}, seed {run.seed}"
                    yield pictures(what, pairs[:TILES])
                    return


def pictures(what: str, pairs: Images) -> Figure:
    """Images above what the training made of them (Active Learning with Data Augmentation, Fig. 2).

    Args:
        what: whose they are.
        pairs: uint8 [n, 2, h, w], or [n, 2, h, w, 3].
    """
    labels = [""] * len(pairs)
    drawn = montage(
        [(f"{what}, as they are", pairs[:, 0], labels), ("as trained on", pairs[:, 1], labels)], ""
    )
    return replace(
        drawn,
        slug="augmented",
        title="Augmented images",
        alt=alt(f"Pictures of {len(pairs)} labeled images of {what}, and below each an augmentation of it."),
        note="One draw for each image; an epoch makes others.",
    )
