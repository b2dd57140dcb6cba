"""Segmentation with labels that may overlap: a pixel has any number of them, or none."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MetricCollection

from al_runner.data.tasks import mixture
from al_runner.data.tasks.base import NO_SALIENCY
from al_runner.data.tasks.bit_fields import MOST, joined, kind, planes
from al_runner.data.tasks.hausdorff import hausdorff_95_of_planes
from al_runner.data.tasks.mask_metrics import check_columns, metrics_of
from al_runner.data.tasks.segmentation import SMOOTH
from al_runner.errors import InputError


def dice_of_planes(predicted: Tensor, true: Tensor) -> Tensor:
    """Dice coefficient of each image and label, as `segmentation.dice`: bool [n, L, ...] → float64 [n, L]."""
    ours, truth = predicted.flatten(2), true.flatten(2)
    sizes_NL, true_NL = ours.sum(2) + truth.sum(2), truth.sum(2)
    overlap_NL = 2 * (ours & truth).sum(2).double() / sizes_NL
    return overlap_NL.masked_fill(true_NL == 0, torch.nan)


@dataclass(frozen=True)
class Overlapping:
    """Any of L labels for each pixel, as regions that hold each other (whole tumor, tumor core) or organs and
    what grows in them: one sigmoid for each label and pixel, no background.

    Targets are bit fields (`bit_fields`), uint8 or int16 [n, (depth,) height, width]. A prediction is a
    distribution over (absent, present) for each label of each pixel: [n, pixels, L, 2]. A pixel has the
    labels whose probability is above ½. Dice is as in `Segmentation`, of each label by itself.

    Args:
        names: of the labels, for the columns of the record.
        hausdorff: also measure the 95th percentile of the Hausdorff distance.
        spacing: distance of neighboring pixels along each axis, such as millimeters; 1 by default.

    Raises:
        InputError: no label, more than 15, or names of which two give the same column.
    """

    names: tuple[str, ...]
    hausdorff: bool = False
    spacing: tuple[float, ...] | None = None
    headline: str = "dice"
    dense: ClassVar[bool] = True
    several: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= MOST:
            raise InputError(f"labels that may overlap: 1 to {MOST}, here are {len(self.names)}")
        check_columns(self.names)

    @property
    def n_classes(self) -> int:
        """Labels."""
        return len(self.names)

    @property
    def n_outputs(self) -> int:
        """One logit for each label."""
        return self.n_classes

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Binary cross-entropy plus 1 − the mean over labels of 2 Σ p t / Σ (p + t), over the batch.

        As nnU-Net trains on regions (Isensee et al., "nnU-Net for brain tumor segmentation", 2020).
        """
        logits, true = logits.float(), planes(targets, self.n_classes).float()
        probs = logits.sigmoid()
        over = (0, *range(2, probs.ndim))
        overlap, both = (probs * true).sum(over), (probs + true).sum(over)
        soft_dice = (2 * overlap + SMOOTH) / (both + SMOOTH)
        return F.binary_cross_entropy_with_logits(logits, true) + 1 - soft_dice.mean()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Sigmoid: [n, pixels, L, 2]."""
        present = logits.float().sigmoid().flatten(2).movedim(1, -1)
        return torch.stack([1 - present, present], -1)

    def mixture(self, logits: Tensor) -> Tensor:
        """Logits of the mean of sigmoids."""
        return mixture.of_sigmoid(logits)

    def explained(self, logits: Tensor) -> Tensor:  # noqa: ARG002
        """Refused."""
        raise InputError(NO_SALIENCY)

    def metrics(self) -> MetricCollection:
        """Metrics of probs [n, pixels, L, 2] and masks [n, ...]."""
        return metrics_of(self.names, self.hausdorff, self.compared)

    def compared(self, probs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What the metrics are made of: of each image and label, [n, L]."""
        predicted = self._found(probs, targets)
        true = planes(targets, self.n_classes).bool()
        found = {"dice": dice_of_planes(predicted, true)}
        if self.hausdorff:
            found["hausdorff"] = hausdorff_95_of_planes(predicted, true, self.spacing)
        return found

    def _found(self, probs: Tensor, targets: Tensor) -> Tensor:
        """Which labels a prediction has where: bool [n, L, ...]."""
        return probs.argmax(-1).bool().movedim(-1, 1).unflatten(2, targets.shape[1:])

    def kept(self, probs: Tensor, targets: Tensor) -> tuple[str, Tensor]:
        """The predicted masks, as bit fields."""
        return "masks", joined(self._found(probs, targets).unbind(1))

    def describe(self, label: Tensor) -> str:
        """The numbers of the labels in a mask, joined by `+`; `none` without any, as of several labels."""
        return "+".join(str(k) for k in range(self.n_classes) if bool(((label >> k) & 1).any())) or "none"

    def count(self, targets: Tensor) -> Tensor:
        """Images that have each label: [L]."""
        counts = torch.zeros(self.n_classes, dtype=torch.int64)
        for mask in targets:  # one after the other: they may be a memory map
            counts += torch.stack([((mask >> k) & 1).any() for k in range(self.n_classes)])
        return counts

    def check(self, targets: Tensor) -> str | None:
        """Bit fields of L labels."""
        expected = kind(self.n_classes)
        if targets.dtype != expected or targets.ndim not in (3, 4):
            return (
                f"masks are {targets.dtype} with {targets.ndim} axes; expected {expected} [N, (D,) H, W], a "
                "bit for each label"
            )
        highest, most = int(targets.max()), 2**self.n_classes - 1
        if highest > most or int(targets.min()) < 0:
            return (
                f"a mask has the number {highest}; {self.n_classes} labels are bits of numbers up to {most}"
            )
        return None
