"""Time the normalized mutual information of outlined regions against a loop over scikit-image.

    python scripts/bench_nmi.py                                     # synthetic volumes
    python scripts/bench_nmi.py --root data/Task04_Hippocampus      # volumes of the decathlon's hippocampi

A pool of 240 volumes of 40×56×40 voxels is compared with 16 labeled ones, for two labels, `pairing: spatial`,
100 bins. The pool's masks stand for predictions. Contestants take turns, so that a slow minute of the machine
hits both, with the same number of threads:

al-runner     the whole pool in chunks of 4, as a learner on a CPU predicts volumes; the labeled volumes are
              prepared in each turn.
scikit-image  `normalized_mutual_information` for each pair and label, of the voxels that carry the label in
              either volume, in bins of the whole volume; for some volumes of the pool.

Seconds are those of one pair of volumes; the ratio is the median over the repeats of scikit-image's divided
by al-runner's in the same repeat. The largest difference of their results is printed, too.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import normalized_mutual_information
from torch import Tensor
from turns import Contestant, compare

from al_runner.acquisition.mutual_information import MutualInformation
from al_runner.data.sets import decathlon
from al_runner.learning.machine import Machine

SHAPE, LABELS, BINS = (40, 56, 40), 2, 100
POOL, LABELED, CHUNK = 240, 16, 4


def synthetic(n: int) -> tuple[Tensor, Tensor]:
    """Noise of many levels, and two ellipsoids that touch, of some 1,500 voxels each: uint8 [n, V]."""
    draws = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*(np.arange(edge) for edge in SHAPE), indexing="ij"), -1)
    images, masks = [], []
    for _ in range(n):
        mask = np.zeros(SHAPE, np.uint8)
        for label in range(1, LABELS + 1):
            center = np.array(SHAPE) / 2 + draws.normal(0, 2, 3) + (0, 14 * label - 21, 0)
            mask[(((grid - center) / draws.normal((6, 8, 7), 0.5)) ** 2).sum(-1) <= 1] = label
        images.append((90 + 30 * mask + draws.normal(0, 25, SHAPE)).clip(0, 255).astype(np.uint8))
        masks.append(mask)
    return torch.from_numpy(np.stack(images)).flatten(1), torch.from_numpy(np.stack(masks)).flatten(1)


def real(root: Path) -> tuple[Tensor, Tensor]:
    """Volumes of a decathlon task and their masks: uint8 [n, V]."""
    with tempfile.TemporaryDirectory() as cache:
        splits = decathlon.load(root, cache, shape=SHAPE).splits.values()
        images = torch.cat([split.images.flatten(1) for split in splits])
        return images, torch.cat([split.targets.flatten(1) for split in splits])


def al_runner(images: Tensor, masks: Tensor, labeled: tuple[Tensor, Tensor]) -> Tensor:
    """[n, M, L], in chunks."""
    compare = MutualInformation(zip(*labeled, strict=True), LABELS, BINS)
    parts = zip(images.split(CHUNK), masks.split(CHUNK), strict=True)
    return torch.cat([compare(*part) for part in parts])


def scikit_image(images: Tensor, masks: Tensor, labeled: tuple[Tensor, Tensor]) -> NDArray[np.float64]:
    """[n, M, L], one at a time."""
    theirs = [(image, mask, edges(image)) for image, mask in zip(*map(Tensor.numpy, labeled), strict=True)]
    found = np.full((len(images), len(theirs), LABELS), np.nan)
    for n, (image, mask) in enumerate(zip(images.numpy(), masks.numpy(), strict=True)):
        own = edges(image)
        for m, (other, other_mask, other_edges) in enumerate(theirs):
            for k in range(1, LABELS + 1):
                ours, known = mask == k, other_mask == k
                if ours.any() and known.any():
                    either = ours | known
                    found[n, m, k - 1] = normalized_mutual_information(
                        image[either], other[either], bins=[own, other_edges]
                    )
    return found


def edges(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of bins between the lowest and the highest intensity of a volume."""
    return np.histogram_bin_edges(image, BINS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="a decathlon task with two foreground labels")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--some", type=int, default=8, help="volumes of the pool for scikit-image")
    options = parser.parse_args()
    images, masks = real(options.root) if options.root else synthetic(POOL + LABELED)
    pool, labeled = (images[LABELED:][:POOL], masks[LABELED:][:POOL]), (images[:LABELED], masks[:LABELED])
    some = (pool[0][: options.some], pool[1][: options.some])
    print(f"{(masks > 0).float().mean():.1%} of the voxels carry a label", flush=True)
    Machine.detect("cpu", threads=options.threads)  # memory is kept as in a run
    thousands = len(labeled[0]) / 1000  # of pairs for each volume: seconds of them are ms a pair
    found, expected = compare(
        Contestant("al-runner", lambda: al_runner(*pool, labeled), len(pool[0]) * thousands),
        Contestant("scikit-image", lambda: scikit_image(*some, labeled), len(some[0]) * thousands),
        options.repeats,
        options.threads,
        "{seconds:8.3f} ms a pair",
    )
    print(f"largest difference {np.nanmax(np.abs(found[: len(expected)].numpy() - expected)):.1e}")


if __name__ == "__main__":
    main()
