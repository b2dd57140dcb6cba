"""Coronal slices of the Decathlon's hippocampus volumes with the part that they show, for `dataset=npz`.

    python scripts/hippocampus_slices.py data/Task04_Hippocampus hippocampus.npz
    al-run dataset=npz dataset.path=hippocampus.npz

The classes are the hippocampus's head (the mask's label 1), its body and tail (label 2), and no
hippocampus. Every second slice of a volume is taken, so that neighbors are near-duplicates, as they are
wherever volumes are sliced. A slice is left out if some part is in it, but none with 20 pixels. Volumes are
split as `dataset=decathlon` splits them, so that no volume is in two splits.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from torch import Tensor

from al_runner.data.dataset import Split
from al_runner.data.sets import decathlon

EDGE = 40
"""Pixels of a slice, cropped about the volume's center: 40 mm."""
STEP = 2
LEAST = 20
"""Pixels of a part that a slice is said to show."""
CLASSES = ("none", "head", "body and tail")


def slices(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [N, 40, 40] and classes uint8 [N, 1] of a split's volumes."""
    images, labels = [], []
    for volume, mask in zip(split.images[:, 0], split.targets, strict=True):
        for place in range(0, volume.shape[1], STEP):
            image, part = volume[:, place], _part(mask[:, place])
            if part is not None and image.any():
                images.append(_center(image))
                labels.append(part)
    return np.stack(images), np.array(labels, np.uint8)[:, None]


def _part(mask: Tensor) -> int | None:
    """The class of a slice; None where it is neither one nor the other."""
    areas = [int((mask == label).sum()) for label in (1, 2)]
    if not any(areas):
        return 0
    return 1 + int(np.argmax(areas)) if max(areas) >= LEAST else None


def _center(image: Tensor) -> np.ndarray:
    """The middle 40×40 pixels."""
    top, left = ((edge - EDGE) // 2 for edge in image.shape)
    return image[top : top + EDGE, left : left + EDGE].numpy()


def main() -> None:
    """Read the volumes and write the file."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("root", type=Path, help="the folder Task04_Hippocampus")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        dataset = decathlon.load(arguments.root, cache, "hippocampus", shape=(48, 64, 48))
        arrays = {}
        for name, split in dataset.splits.items():
            arrays[f"{name}_images"], arrays[f"{name}_labels"] = slices(split)
    np.savez_compressed(arguments.out, **arrays)
    for name in dataset.splits:
        counts = np.bincount(arrays[f"{name}_labels"].ravel(), minlength=len(CLASSES))
        print(name, dict(zip(CLASSES, counts.tolist(), strict=True)))


if __name__ == "__main__":
    main()
