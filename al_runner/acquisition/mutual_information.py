"""Normalized mutual information of outlined regions, and the score that is made of it and of entropy.

Warren, Paisey, Lai, Spezi and Smith (2024), equations 4 and 5. All counts are integers: the same numbers in
whatever chunks the images come.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Pairing = Literal["spatial", "sorted"]
Entropies = tuple[Tensor, Tensor, Tensor]
"""H(A), H(B) and H(A, B), up to one factor: each [N, L]."""
LEVELS = 256
"""Intensities that an image may have."""
CELLS = 2**18
"""Cells of the joint histograms that are made at once: 2 MB stay in a core's cache."""
CELLS_GPU = 2**24
"""The same on a GPU, where few large steps beat many small ones."""
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
    """

    def __init__(
        self,
        labeled: Iterable[tuple[Tensor, Tensor]],
        n_labels: int,
        n_bins: int = 100,
        pairing: Pairing = "spatial",
    ) -> None:
        self.n_labels, self.n_bins, self.pairing = n_labels, n_bins, pairing
        self.labeled = [_Labeled(image, mask, n_labels, n_bins) for image, mask in labeled]
        self.weights = terms(max((len(other.mask_V) for other in self.labeled), default=0))

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
        step = max(1, (CELLS_GPU if images_NV.is_cuda else CELLS) // (self.n_labels * self.n_bins**2))
        parts = zip(images_NV.split(step), masks_NV.split(step), strict=True)
        return torch.cat([self._compared(binned(images, self.n_bins), masks) for images, masks in parts])

    def _compared(self, bins_NV: Tensor, masks_NV: Tensor) -> Tensor:
        regions = Regions.of(bins_NV, masks_NV)
        counts_NLB = regions.histograms(len(bins_NV), self.n_labels, self.n_bins)
        if not self.labeled:
            return counts_NLB.new_empty(len(bins_NV), 0, self.n_labels, dtype=torch.float64)
        pairs = self._spatial(bins_NV, regions) if self.pairing == "spatial" else self._sorted(counts_NLB)
        nmi_NML = ratio(*torch.stack([torch.stack(entropies) for entropies in pairs], 2))
        known_ML = torch.stack([other.counts_LB.any(1) for other in self.labeled])
        return nmi_NML.masked_fill_(~(counts_NLB.any(2)[:, None] & known_ML), torch.nan)

    def _spatial(self, bins_NV: Tensor, regions: "Regions") -> Iterator[Entropies]:
        """Of the voxels that carry a label in the labeled image or in the others.

        Every voxel is counted in a cell (image, label, bin, bin of the labeled image).
        """
        shape = len(bins_NV), self.n_labels, self.n_bins, self.n_bins
        n_cells = torch.Size(shape).numel()
        weights = self.weights.to(bins_NV.device)
        images = torch.arange(len(bins_NV), dtype=torch.int32, device=bins_NV.device)
        cells_NV = (images[:, None] * (self.n_labels * self.n_bins) + bins_NV) * self.n_bins
        own = cells_NV[regions.rows, regions.at] + _first_cell(regions.labels, self.n_bins)
        for other in self.labeled:
            theirs_NT = cells_NV.index_select(1, other.at) + other.cells_T
            rest = own + other.bins_V.index_select(0, regions.at)
            # A voxel that carries the same label in both is theirs: it is counted once.
            rest.masked_fill_(other.mask_V.index_select(0, regions.at) == regions.labels, n_cells)
            counts = torch.cat([theirs_NT.flatten(), rest]).bincount(minlength=n_cells + 1)[:-1].view(shape)
            first = counts.sum(3)
            # H = (n log n − Σ c log c) / n, and n is the same in all three.
            whole, *parts = (
                weights.index_select(0, part.flatten()).view(*shape[:2], -1).sum(2)
                for part in (first.sum(2), first, counts.sum(2), counts)
            )
            yield whole - parts[0], whole - parts[1], whole - parts[2]

    def _sorted(self, counts_NLB: Tensor) -> Iterator[Entropies]:
        """Of regions whose intensities are paired by rank.

        The steps of both distribution functions cut [0, 1] into pieces, and each piece is a cell of the
        joint histogram: there is no need to repeat a voxel.
        """
        steps_NLB, entropy_NL = distribution(counts_NLB)
        for other in self.labeled:
            steps_LB, entropy_L = distribution(other.counts_LB)
            cuts = torch.cat([steps_NLB, steps_LB.expand_as(steps_NLB)], 2).sort(2).values
            masses = cuts.diff(dim=2, prepend=cuts.new_zeros(*cuts.shape[:2], 1))
            yield entropy_NL, entropy_L.expand_as(entropy_NL), torch.special.entr(masses).sum(2)


@dataclass(frozen=True)
class Regions:
    """The voxels of some images that carry a label.

    Attributes:
        rows: int64 [P], the image of each.
        at: int64 [P], its place.
        labels: uint8 [P].
        bins: uint8 [P].
    """

    rows: Tensor
    at: Tensor
    labels: Tensor
    bins: Tensor

    @classmethod
    def of(cls, bins_NV: Tensor, masks_NV: Tensor) -> "Regions":
        """Those of N images."""
        rows, at = masks_NV.nonzero(as_tuple=True)
        return cls(rows, at, masks_NV[rows, at].to(torch.uint8), bins_NV[rows, at])

    def histograms(self, n_images: int, n_labels: int, n_bins: int) -> Tensor:
        """The voxels in each bin, of each label: int64 [N, L, B]."""
        cells = (self.rows * n_labels + self.labels - 1) * n_bins + self.bins
        return cells.bincount(minlength=n_images * n_labels * n_bins).view(n_images, n_labels, n_bins)


class _Labeled:
    """A labeled image, prepared once for all comparisons.

    Attributes:
        mask_V: uint8 [V].
        bins_V: uint8 [V].
        at: int64 [T], the voxels that carry a label.
        cells_T: int32 [T], the cell of each, in a joint histogram whose first image is all in bin 0.
        counts_LB: int64 [L, B], the histogram of each label's region.
    """

    def __init__(self, image_V: Tensor, mask_V: Tensor, n_labels: int, n_bins: int) -> None:
        self.mask_V, self.bins_V = mask_V.to(torch.uint8), binned(image_V[None], n_bins)[0]
        regions = Regions.of(self.bins_V[None], self.mask_V[None])
        self.at, self.cells_T = regions.at, _first_cell(regions.labels, n_bins) + regions.bins
        self.counts_LB = regions.histograms(1, n_labels, n_bins)[0]


def _first_cell(labels: Tensor, n_bins: int) -> Tensor:
    return (labels.int() - 1) * n_bins**2


def binned(images_NV: Tensor, n_bins: int = 100) -> Tensor:
    """The bin of each voxel by the rule of `numpy.histogramdd`, and so of scikit-image: uint8 [N, V] both.

    `n_bins` of equal width lie between the lowest and the highest intensity of the whole image, so that a
    bin means the same in all its regions.

    >>> binned(torch.tensor([[0, 1, 2, 3, 4]], dtype=torch.uint8), 2).tolist()
    [[0, 0, 1, 1, 1]]
    """
    low_N, high_N = images_NV.amin(1).double(), images_NV.amax(1).double()
    half_N = 0.5 * (low_N == high_N)
    low_N, high_N = low_N - half_N, high_N + half_N
    # In NumPy's order: an intensity may lie on an edge, and rounding decides on which side.
    steps = torch.arange(n_bins, dtype=torch.float64, device=images_NV.device)
    edges_NE = steps * ((high_N - low_N) / n_bins)[:, None] + low_N[:, None]
    levels = torch.arange(LEVELS, dtype=torch.float64, device=images_NV.device).repeat(len(images_NV), 1)
    bins_NI = (torch.searchsorted(edges_NE, levels, right=True) - 1).clamp_(min=0)
    return bins_NI.to(torch.uint8).gather(1, images_NV.long())


def terms(highest: int) -> Tensor:
    """c log c of every count up to the `highest`, with 0 log 0 = 0, to be looked up: a third of the time."""
    counts = torch.arange(highest + 1, dtype=torch.float64)
    return torch.special.xlogy(counts, counts)


def distribution(counts: Tensor) -> tuple[Tensor, Tensor]:
    """The distribution function of a histogram [..., B] and its entropy [...]; NaN where it is empty."""
    total = counts.sum(-1, keepdim=True).double()
    return counts.cumsum(-1) / total, torch.special.entr(counts / total).sum(-1)


def ratio(first: Tensor, second: Tensor, joint: Tensor) -> Tensor:
    """(H(A) + H(B)) / H(A, B), and 2 where each has a single intensity."""
    return torch.where(joint == 0, 2, (first + second) / joint).clamp(1, 2)


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
