"""What runs kept for an audit: samples at the ends of a strategy's order, and where the models looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from al_runner.errors import InputError
from al_runner.report.statistics.curves import Array, Flags
from al_runner.report.study.arms import Arm
from al_runner.report.study.runs import Run

FIELDS = {"group", "index", "score", "label", "probabilities", "picture", "map", "method"}
FOLLOWED = "followed"
"""The kind of samples that are shown of every model."""


@dataclass(frozen=True)
class Sample:
    """One that is shown.

    Attributes:
        index: position in the training split.
        score: the strategy's, NaN where it has none.
        label: the true one.
        picture: [h, w] or [h, w, 3], from 0 to 1.
        map: [h, w], its saliency relative to the largest.
        probabilities: the model's, [C], or [L, 2] of several labels.
    """

    index: int
    score: float
    label: str
    picture: Array
    map: Array
    probabilities: Array

    @property
    def _present(self) -> Array:
        return self.probabilities if self.probabilities.ndim == 1 else self.probabilities[:, 1]

    @property
    def said(self) -> str:
        """The number of the likeliest class, or of the likeliest label, be it present or not."""
        return str(self._present.argmax())

    @property
    def probability(self) -> float:
        """Its own."""
        return float(self._present.max())

    @property
    def right(self) -> bool:
        """Whether what the model said is true: of a label, that it is present, or absent."""
        claimed = self.probabilities.ndim == 1 or self.probability >= 0.5
        return (self.said in self.label.split("+")) == claimed


@dataclass(frozen=True)
class Group:
    """The samples of one kind by one model.

    Attributes:
        labels: that the model was trained on.
        kind: `most` or `least` informative, or of a `query` without an order.
        method: what made the maps.
        samples: at least one.
    """

    labels: int
    kind: str
    method: str
    samples: Sequence[Sample]

    @property
    def n_right(self) -> str:
        """Of how many the model said what is true."""
        return f"{sum(sample.right for sample in self.samples)} of {len(self.samples)}"

    @property
    def where(self) -> str:
        """How much of the relevance lies at the border, in words."""
        share = self.at_the_border
        return "no relevance anywhere" if np.isnan(share) else f"{share:.0%} of the relevance at the border"

    @property
    def at_the_border(self) -> float:
        """The share of a map's magnitudes at the border, their mean; NaN where all maps are 0."""
        maps = [np.abs(sample.map) for sample in self.samples if sample.map.any()]
        return float(np.mean([each[border(*each.shape)].sum() / each.sum() for each in maps] or [np.nan]))


def border(height: int, width: int) -> Flags:
    """Which pixels lie in the outer eighth at a side."""
    outside = np.ones((height, width), dtype=bool)
    outside[height // 8 : height - height // 8, width // 8 : width - width // 8] = False
    return outside


def groups(arm: Arm) -> tuple[Run, list[Group]] | None:
    """The arm's first run with an audit, and the groups of its first and last audited model.

    Raises:
        InputError: a file is not as it was written.
    """
    for run in (*arm.longest, *arm.unfinished):
        kept = [k for k in range(len(run.rounds)) if (run.folder / f"round_{k}" / "audit.npy").is_file()]
        if kept:
            return run, [group for k in sorted({kept[0], kept[-1]}) for group in _groups(run, k)]
    return None


def followed(arm: Arm) -> tuple[Run, list[Group]] | None:
    """The arm's first run that followed samples, and these by each audited model (`audit.follow`).

    Raises:
        InputError: as in `groups`.
    """
    for run in (*arm.longest, *arm.unfinished):
        kept = [k for k in range(len(run.rounds)) if (run.folder / f"round_{k}" / "audit.npy").is_file()]
        found = [group for k in kept for group in _groups(run, k, followed=True)]
        if found:
            return run, found
    return None


def _groups(run: Run, number: int, followed: bool = False) -> list[Group]:
    kept = run.array(number, "audit")
    if kept is None or not len(kept) or not set(kept.dtype.names or ()) >= FIELDS:
        raise InputError(f"{run.folder}/round_{number}/audit.npy is not as al-run wrote it")
    labels = int(run.rounds[number]["n_labeled"])
    return [
        Group(labels, kind, str(kept["method"][0]), [_sample(each) for each in kept[kept["group"] == kind]])
        for kind in dict.fromkeys(kept["group"].tolist())
        if (kind == FOLLOWED) == followed
    ]


def _sample(row: Any) -> Sample:
    picture, saliency = row["picture"].astype(float) / 255, np.nan_to_num(row["map"].astype(float))
    label, probabilities = str(row["label"]), row["probabilities"].astype(float)
    return Sample(int(row["index"]), float(row["score"]), label, picture, saliency, probabilities)
