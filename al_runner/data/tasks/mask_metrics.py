"""Metrics of masks, of one number for each image and label."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from al_runner.errors import InputError

Compare = Callable[[Tensor, Tensor], dict[str, Tensor]]
"""Probabilities and masks of n images → `dice` and, if asked for, `hausdorff`: [n, L], NaN = none."""


class _OfImages(Metric):
    """Keeps a number for each image and label, [N, L], which is small; NaN = there is none."""

    full_state_update = False
    values: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("values", default=[], dist_reduce_fx="cat")

    def table(self) -> Tensor:
        """[N, L], float64."""
        return torch.cat(self.values)


class _Dice(_OfImages):
    """Mean Dice over the images that have a label: of one label, or the mean of all labels' means."""

    higher_is_better = True

    def __init__(self, label: int | None = None) -> None:
        super().__init__()
        self.label = label

    def update(self, dice: Tensor) -> None:
        self.values.append(dice)

    def compute(self) -> Tensor:
        means = self.table().nanmean(0)
        return means.nanmean() if self.label is None else means[self.label]


class _DiceOfImages(_OfImages):
    """The whole table."""

    def update(self, dice: Tensor) -> None:
        self.values.append(dice)

    def compute(self) -> Tensor:
        return self.table().float()


class _Hausdorff(_Dice):
    """Mean distance over the images where it is defined, averaged over labels."""

    higher_is_better = False

    def update(self, hausdorff: Tensor) -> None:
        self.values.append(hausdorff)


class OfMasks(MetricCollection):
    """Metrics of what is computed once of predictions and masks."""

    def __init__(self, metrics: dict[str, Metric | MetricCollection], compare: Compare) -> None:
        super().__init__(metrics, compute_groups=False)
        self.compare = compare

    def update(self, probs: Tensor, targets: Tensor) -> None:
        """Take in probabilities and masks of some images."""
        super().update(**self.compare(probs, targets))


def metrics_of(labels: Sequence[str], hausdorff: bool, compare: Compare) -> OfMasks:
    """Those of labels with these names: `dice`, `dice_<label>`, `dice_images`; `hausdorff_95` likewise."""
    metrics: dict[str, Metric | MetricCollection] = {"dice": _Dice()}
    metrics |= {f"dice_{column(label)}": _Dice(k) for k, label in enumerate(labels)}
    metrics["dice_images"] = _DiceOfImages()
    if hausdorff:
        metrics["hausdorff_95"] = _Hausdorff()
        metrics |= {f"hausdorff_95_{column(label)}": _Hausdorff(k) for k, label in enumerate(labels)}
    return OfMasks(metrics, compare)


def check_columns(labels: Sequence[str]) -> None:
    """Refuse names of which two give the same column.

    Raises:
        InputError: names both.
    """
    taken = {"images": "the table of every image's"}
    for name in labels:
        if (other := taken.get(column(name))) is not None:
            raise InputError(
                f"the label {name} has the column dice_{column(name)}, as has {other}: name it otherwise"
            )
        taken[column(name)] = f"the label {name}"


def column(name: str) -> str:
    """A label's name as part of a column's: lower case, `_` for what is neither letter nor digit."""
    return "".join(sign if sign.isalnum() else "_" for sign in name.lower())
