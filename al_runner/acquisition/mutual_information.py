"""Mutual information of outlined regions, and the score that is made of it and of entropy.

Warren, Paisey, Lai, Spezi and Smith (2024), equations 3 to 5. All counts are integers: the same numbers in
whatever chunks the images come.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import torch
from torch import Tensor

Pairing = Literal["spatial", "sorted"]
Measure = Literal["normalized", "plain"]
Entropies = tuple[Tensor, Tensor, Tensor, Tensor]
"""H(A), H(B) and H(A, B), each times a factor, and the factor: each [N, M, L]."""
LEVELS = 256
"""Intensities that an image may have."""
CELLS = 2**19
"""Cells of the joint histograms that are made at once: 4 MB."""
ROUNDING = 1e-6
"""Scores whose range is below this share of the largest are equal, but for rounding."""


class MutualInformation:
    """(H(A) + H(B)) / H(A, B) of each label's intensities, of images A and labeled images B (equation 4).

    The paper compares histograms and does not say which joint one. `spatial`: that of the voxels that carry
    the label in either image, on their common grid. `sorted`: that of the two regions, each by its own mask,
    paired by rank; a region stands for the other's size, as its quantiles do.

    In [1, 2]: 1 where the intensities say nothing about each other, 2 where each follows from the other, also
    where both are a single one. Regions with few voxels for the bins are near 2, whatever they show.

    Args:
        labeled: M images, uint8 [V], and their masks, integers [V] with 0 = background. Taken one by one.
        n_labels: L, without the background.
        n_bins: of each image's intensities, 2 to 256.
        pairing: what is counted together.
        measure: `normalized`, as above; `plain`: I(A, B) = H(A) + H(B) − H(A, B) in nats (equation 3), ≥ 0.
    """

    def __init__(
        self,
        labeled: Iterable[tuple[Tensor, Tensor]],
        n_labels: int,
        n_bins: int = 100,
        pairing: Pairing = "spatial",
        measure: Measure = "normalized",
    ) -> None:
        self.n_labels, self.n_bins, self.pairing = n_labels, n_bins, pairing
        self.information = ratio if measure == "normalized" else plain
        images, size = iter(labeled), max(1, CELLS // (n_labels * n_bins**2))
        groups = iter(lambda: list(islice(images, size)), [])
        self.groups = [_Group(group, n_labels, n_bins) for group in groups]
        self.weights = terms(max((group.masks_MV.shape[1] for group in self.groups), default=0))

    def __call__(self, images_NV: Tensor, masks_NV: Tensor) -> Tensor:
        """Of N images and their masks, such as predicted ones.

        Time O(voxels with a label + `n_bins`²) for each pair; memory is some bytes for each voxel of the
        images, and a constant number of histograms.

        Args:
            images_NV: uint8 [N, V].
            masks_NV: integers [N, V], 0 = background.

        Returns:
            float64 [N, M, L]; NaN where one of the two images lacks the label.
        """
        bins_NV = binned(images_NV, self.n_bins)
        regions = [Region.of(*pair) for pair in zip(bins_NV, masks_NV, strict=True)]
        counts_NLB = torch.stack([region.histogram(self.n_labels, self.n_bins) for region in regions])
        there_NL = counts_NLB.any(2)
        found = [counts_NLB.new_empty(len(regions), 0, self.n_labels, dtype=torch.float64)]
        for group in self.groups:
            if self.pairing == "spatial":
                entropies = self._spatial(bins_NV, regions, group)
            else:
                entropies = self._sorted(counts_NLB, group.counts_MLB)
            both_NML = there_NL[:, None] & group.counts_MLB.any(2)
            found.append(self.information(*entropies).masked_fill_(~both_NML, torch.nan))
        return torch.cat(found, 1)

    def _spatial(self, bins_NV: Tensor, regions: Sequence["Region"], group: "_Group") -> Entropies:
        """Of the voxels that carry a label in the labeled image or in the other."""
        self.weights = self.weights.to(bins_NV.device)
        found = [self._counted(*image, group) for image in zip(bins_NV, regions, strict=True)]
        first_NMLB, second_NMLB, joint_NML = (torch.stack(parts) for parts in zip(*found, strict=True))
        # H = (n log n − Σ c log c) / n, and n is the same in all three.
        voxels_NML1 = first_NMLB.sum(3, keepdim=True)
        whole_NML = self._summed(voxels_NML1)
        return (
            whole_NML - self._summed(first_NMLB),
            whole_NML - self._summed(second_NMLB),
            whole_NML - joint_NML,
            voxels_NML1.squeeze(3).double(),
        )

    def _counted(self, bins_V: Tensor, region: "Region", group: "_Group") -> tuple[Tensor, Tensor, Tensor]:
        """Of one image with each of a group: both histograms [M, L, B]; of the joint one Σ c log c [M, L].

        Every voxel is counted in a cell (labeled image, label, its bin, the image's bin).
        """
        shape = torch.Size((*group.counts_MLB.shape, self.n_bins))
        trash = shape.numel()
        theirs_T = group.cells_T + bins_V.index_select(0, group.at_T)
        at_MP = region.at.expand(len(group.bins_MV), -1)
        own_P = region.first_cells(self.n_bins) + region.bins
        rest_MP = torch.add(own_P, group.bins_MV.gather(1, at_MP), alpha=self.n_bins).add_(group.first_M1)
        # A voxel that carries the same label in both is theirs: it is counted once.
        same_MP = group.masks_MV.gather(1, at_MP) == region.labels
        rest_MP.add_(same_MP, alpha=trash).clamp_(max=trash)
        cells = torch.cat([theirs_T, rest_MP.flatten()])
        counts = cells.bincount(minlength=trash + 1)[:-1].view(shape)
        return counts.sum(2), counts.sum(3), self._summed(counts.flatten(2))

    def _summed(self, counts: Tensor) -> Tensor:
        """Σ c log c over the last axis."""
        return self.weights.index_select(0, counts.flatten()).view(counts.shape).sum(-1)

    def _sorted(self, counts_NLB: Tensor, counts_MLB: Tensor) -> Entropies:
        """Of regions whose intensities are paired by rank.

        The steps of both distribution functions cut [0, 1] into pieces, and each piece is a cell of the
        joint histogram: there is no need to repeat a voxel.
        """
        steps_NLB, entropy_NL = distribution(counts_NLB)
        steps_MLB, entropy_ML = distribution(counts_MLB)
        steps = torch.broadcast_tensors(steps_NLB[:, None], steps_MLB)
        cuts = torch.cat(steps, 3).sort(3).values
        masses = cuts.diff(dim=3, prepend=torch.zeros_like(cuts[..., :1]))
        first, second = torch.broadcast_tensors(entropy_NL[:, None], entropy_ML)
        joint = torch.special.entr(masses).sum(3)
        return first, second, joint, torch.ones_like(joint)


@dataclass(frozen=True)
class Region:
    """The voxels of an image that carry a label.

    Attributes:
        at: int64 [P], the place of each.
        labels: uint8 [P].
        bins: uint8 [P].
    """

    at: Tensor
    labels: Tensor
    bins: Tensor

    @classmethod
    def of(cls, bins_V: Tensor, mask_V: Tensor) -> "Region":
        """That of an image."""
        at = mask_V.nonzero().squeeze(1)
        return cls(at, mask_V.index_select(0, at).to(torch.uint8), bins_V.index_select(0, at))

    def first_cells(self, n_bins: int) -> Tensor:
        """Of each label's joint histogram, where they lie one after the other: int32 [P]."""
        return (self.labels.int() - 1) * n_bins**2

    def histogram(self, n_labels: int, n_bins: int) -> Tensor:
        """The voxels in each bin, of each label: int64 [L, B]."""
        cells = (self.labels.int() - 1) * n_bins + self.bins
        return cells.bincount(minlength=n_labels * n_bins).view(n_labels, n_bins)


class _Group:
    """Some labeled images, prepared once for all comparisons.

    A cell is that of the joint histograms of all of them, with an image that is in bin 0 everywhere.

    Attributes:
        masks_MV: uint8 [M, V].
        bins_MV: uint8 [M, V].
        first_M1: int32 [M, 1], the first cell of each image.
        at_T: int64 [T], where the images carry a label, one image after the other.
        cells_T: int32 [T], the cell of each.
        counts_MLB: int64 [M, L, B], the histogram of each label's region.
    """

    def __init__(self, images: Sequence[tuple[Tensor, Tensor]], n_labels: int, n_bins: int) -> None:
        self.masks_MV = torch.stack([mask_V.to(torch.uint8) for _, mask_V in images])
        self.bins_MV = torch.cat([binned(image_V[None], n_bins) for image_V, _ in images])
        regions = [Region.of(*pair) for pair in zip(self.bins_MV, self.masks_MV, strict=True)]
        self.counts_MLB = torch.stack([region.histogram(n_labels, n_bins) for region in regions])
        numbers = torch.arange(len(images), dtype=torch.int32, device=self.bins_MV.device)
        self.first_M1 = numbers[:, None] * (n_labels * n_bins**2)
        self.at_T = torch.cat([region.at for region in regions])
        self.cells_T = torch.cat(
            [
                first + region.first_cells(n_bins) + region.bins.int() * n_bins
                for first, region in zip(self.first_M1, regions, strict=True)
            ]
        )


def binned(images_NV: Tensor, n_bins: int = 100) -> Tensor:
    """The bin of each voxel by the rule of `numpy.histogramdd`, and so of scikit-image: uint8 [N, V] both.

    `n_bins` of equal width lie between the lowest and the highest intensity of the whole image, so that a
    bin means the same in all its regions.

    >>> binned(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8), 2).tolist()
    [[0, 0, 1, 1, 1]]
    """
    # On the CPU: a GPU divides by a number by multiplying with its reciprocal, which may round otherwise.
    low_N, high_N = images_NV.amin(1).cpu().double(), images_NV.amax(1).cpu().double()
    half_N = 0.5 * (low_N == high_N)
    low_N, high_N = low_N - half_N, high_N + half_N
    # In NumPy's order: an intensity may lie on an edge, and rounding decides on which side.
    steps = torch.arange(n_bins, dtype=torch.float64)
    edges_NE = steps * ((high_N - low_N) / n_bins)[:, None] + low_N[:, None]
    levels = torch.arange(LEVELS, dtype=torch.float64).repeat(len(images_NV), 1)
    bins_NI = (torch.searchsorted(edges_NE, levels, right=True) - 1).clamp_(min=0)
    return bins_NI.to(torch.uint8).to(images_NV.device).gather(1, images_NV.long())


def terms(highest: int) -> Tensor:
    """c log c of every count up to the `highest`, with 0 log 0 = 0, to be looked up: a third of the time."""
    counts = torch.arange(highest + 1, dtype=torch.float64)
    return torch.special.xlogy(counts, counts)


def distribution(counts: Tensor) -> tuple[Tensor, Tensor]:
    """The distribution function of a histogram [..., B] and its entropy [...]; NaN where it is empty."""
    total = counts.sum(-1, keepdim=True).double()
    return counts.cumsum(-1) / total, torch.special.entr(counts / total).sum(-1)


def ratio(first: Tensor, second: Tensor, joint: Tensor, _factor: Tensor) -> Tensor:
    """(H(A) + H(B)) / H(A, B), and 2 where each has a single intensity."""
    return torch.where(joint == 0, 2, (first + second) / joint).clamp(1, 2)


def plain(first: Tensor, second: Tensor, joint: Tensor, factor: Tensor) -> Tensor:
    """H(A) + H(B) − H(A, B), which rounding may have put below 0."""
    return ((first + second - joint) / factor).clamp(min=0)


def similarity(nmi_NML: Tensor) -> Tensor:
    """The mean over labeled images, then over labels, of what there is: [N, M, L] → [N], NaN = nothing."""
    return nmi_NML.nanmean(1).nanmean(1)


def entropy_without_information(entropy_N: Tensor, similarity_N: Tensor, alpha: float, beta: float) -> Tensor:
    """α · H(x) − β · NMI(x, labeled) (equation 5), both scaled to [0, 1] over the pool: float64 [N].

    What is the same for all becomes 0. A sample that no label is shared with counts as the least similar.

    >>> entropy_without_information(torch.tensor([0.1, 0.3]), torch.tensor([1.5, 1.2]), 1, 0.5).tolist()
    [-0.5, 1.0]
    """
    return alpha * scaled(entropy_N.double()) - beta * scaled(similarity_N.double()).nan_to_num(0)


def scaled(values: Tensor) -> Tensor:
    """(x − min) / (max − min) of what is not NaN; 0 where all are equal."""
    there = values[~values.isnan()]
    if not len(there):
        return values
    low, high = there.min(), there.max()
    if high - low <= ROUNDING * high.abs():
        return values - values  # NaN stays
    return (values - low) / (high - low)
