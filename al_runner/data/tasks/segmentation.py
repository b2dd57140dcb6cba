"""Segmentation: a label for every pixel or voxel, of one structure or of many."""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MetricCollection

from al_runner.data.tasks import mixture
from al_runner.data.tasks.base import NO_SALIENCY
from al_runner.data.tasks.hausdorff import hausdorff_95
from al_runner.data.tasks.mask_metrics import check_columns, metrics_of
from al_runner.errors import InputError
from al_runner.loop.oracle import NO_MASK

SMOOTH = 1e-5
"""Added to both sides of the Dice loss's fraction, as in nnU-Net: without any foreground it is 1, not 0/0."""


def dice(predicted: Tensor, true: Tensor, n_classes: int) -> Tensor:
    """Dice coefficient of each image and foreground label (Dice, 1945): 2 |A ∩ B| / (|A| + |B|), in [0, 1].

    NaN where the truth lacks the label: how well nothing is found is another question than how well
    something is outlined.

    Args:
        predicted: integers [n, ...], 0 = background.
        true: the same.
        n_classes: C, the background included.

    Returns:
        float64 [n, C − 1].
    """
    joint = (true.long() * n_classes + predicted.long()).flatten(1)
    joint += torch.arange(len(joint), device=joint.device)[:, None] * n_classes**2
    counts = joint.flatten().bincount(minlength=len(joint) * n_classes**2).double()
    counts_NCC = counts.view(-1, n_classes, n_classes)  # true, predicted
    true_NC, predicted_NC = counts_NCC.sum(2), counts_NCC.sum(1)
    overlap_NC = 2 * counts_NCC.diagonal(dim1=1, dim2=2) / (true_NC + predicted_NC)
    return overlap_NC.masked_fill(true_NC == 0, torch.nan)[:, 1:]


@dataclass(frozen=True)
class Segmentation:
    """Each pixel has one of C labels, 0 = background. Targets are uint8 [n, (depth,) height, width].

    The loss is nnU-Net's (Isensee et al., 2021): cross-entropy plus soft Dice, the background left out of
    the Dice, its sums taken over the batch, as for nnU-Net's 2D networks. Metrics are means over images, of
    each label over those that have it; `dice` is the mean over labels that occur. `dice_images` [N, C − 1]
    keeps every image's.

    Args:
        n_classes: C, the background included.
        names: of the labels in metrics, the background's first; their numbers by default.
        hausdorff: also measure the 95th percentile of the Hausdorff distance.
        spacing: distance of neighboring pixels along each axis, such as millimeters; 1 by default.

    Raises:
        InputError: no foreground, or names of which two give the same column.
    """

    n_classes: int
    names: tuple[str, ...] = ()
    hausdorff: bool = False
    spacing: tuple[float, ...] | None = None
    headline: str = "dice"
    dense: ClassVar[bool] = True
    several: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.n_classes < 2:
            raise InputError(
                f"segmentation needs a background and at least one other label; labels: {self.n_classes}"
            )
        if self.n_classes > NO_MASK:
            raise InputError(f"segmentation has at most {NO_MASK} labels, here are {self.n_classes}")
        check_columns(self.names[1:])

    @property
    def n_outputs(self) -> int:
        """One logit for each label, the background included."""
        return self.n_classes

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy plus 1 − the mean over foreground labels of 2 Σ p t / Σ (p + t), over the batch."""
        targets = targets.long()
        probs = logits.float().softmax(1)
        true = torch.zeros_like(probs).scatter_(1, targets.unsqueeze(1), 1)
        over = (0, *range(2, probs.ndim))
        overlap, both = (probs * true).sum(over)[1:], (probs + true).sum(over)[1:]
        soft_dice = (2 * overlap + SMOOTH) / (both + SMOOTH)
        return F.cross_entropy(logits, targets) + 1 - soft_dice.mean()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax: [n, pixels, C]."""
        return logits.float().softmax(1).flatten(2).movedim(1, -1)

    def mixture(self, logits: Tensor) -> Tensor:
        """Logs of the mean of softmaxes."""
        return mixture.of_softmax(logits)

    def explained(self, logits: Tensor) -> Tensor:  # noqa: ARG002
        """Refused."""
        raise InputError(NO_SALIENCY)

    def metrics(self) -> MetricCollection:
        """Metrics of probs [n, pixels, C] and masks [n, ...]."""
        return metrics_of(
            self.names[1:] or list(map(str, range(1, self.n_classes))), self.hausdorff, self.compared
        )

    def compared(self, probs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """What the metrics are made of: of each image and foreground label, [n, C − 1]."""
        predicted = probs.argmax(-1).view(targets.shape)
        found = {"dice": dice(predicted, targets, self.n_classes)}
        if self.hausdorff:
            found["hausdorff"] = hausdorff_95(predicted, targets, self.n_classes, self.spacing)
        return found

    def kept(self, probs: Tensor, targets: Tensor) -> tuple[str, Tensor]:
        """The predicted masks, uint8: probabilities of every pixel would be too many."""
        return "masks", probs.argmax(-1).view(targets.shape).to(torch.uint8)

    def describe(self, label: Tensor) -> str:
        """The numbers of the foreground labels in a mask, joined by `+`; 0 for an empty mask."""
        return "+".join(str(k) for k in label.unique().tolist() if k) or "0"

    def count(self, targets: Tensor) -> Tensor:
        """Images that have each foreground label, and first those that have none: [C]."""
        present_NC = torch.zeros(len(targets), self.n_classes, dtype=torch.bool)
        for place, mask in enumerate(targets):
            present_NC[place] = self._present(mask)
        present_NC[:, 0] = ~present_NC[:, 1:].any(1)
        return present_NC.sum(0)

    def _present(self, mask: Tensor) -> Tensor:
        return mask.flatten().bincount(minlength=self.n_classes) > 0

    def check(self, targets: Tensor) -> str | None:
        """Masks of labels 0..C−1."""
        if targets.dtype != torch.uint8 or targets.ndim not in (3, 4):
            return f"masks are {targets.dtype} with {targets.ndim} axes; expected uint8 [N, (D,) H, W]"
        highest = int(targets.max())
        if highest >= self.n_classes:
            k = int((targets == highest).flatten(1).any(1).nonzero()[0])
            last = self.n_classes - 1
            return f"mask {k} has the label {highest}; {self.n_classes} labels are numbered 0 to {last}"
        return None
