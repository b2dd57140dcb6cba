"""GlaS by its grades: benign or malignant, of the same images in the same splits as `data.glas`."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
from annotated_types import Len

from al_runner.data.cache import Arrays, OnError, Source, cached
from al_runner.data.dataset import SPLITS, Dataset
from al_runner.data.layouts.gridded import colors
from al_runner.data.layouts.leaks import copies, mention_copies
from al_runner.data.layouts.outlined import in_splits
from al_runner.data.sets.glas import OFFICIAL, TABLE, Deal, Tests, cases, column, grid_of, how, rgb
from al_runner.data.tasks import Binary
from al_runner.errors import InputError
from al_runner.values import Count, Inside, Named, Seed

GRADE, CLASSES = "grade (GlaS)", ("benign", "malignant")
FORMAT = 1
"""Of what is made of an image: another one is decoded anew."""


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    name: Named = "glas_grades",
    shape: Annotated[Sequence[Count], Len(2, 2)] = (64, 96),
    test: Tests = "both",
    val_share: Inside = 0.15,
    split_seed: Seed = 0,
    on_error: OnError = "fail",
    split: Deal = OFFICIAL,
) -> Dataset:
    """The challenge's images in RGB, malignant against benign, as `Grade.csv` says; no mask is read.

    Args:
        root, cache_dir, name, test, val_share, split_seed, on_error, split: as in `glas.load`; where they are
            the same, so are the samples and their order.
        shape: height and width that images are resized to.

    Raises:
        InputError: files are missing or not as they should be.
    """
    place = Path(root).expanduser()
    reading = colors(rgb, grid_of(shape))
    found = cases(place, test, val_share, split_seed, split)
    ordered = sorted(found, key=lambda case: SPLITS.index(case.split))  # so that a split is a slice
    grades = column(place / TABLE, GRADE)
    if unknown := [case.name for case in ordered if grades[case.name] not in CLASSES]:
        raise InputError(
            f"{place / TABLE}: the grade of {unknown[0]} is {grades[unknown[0]]!r}, "
            f"expected {' or '.join(CLASSES)}"
        )

    def decode(item: int) -> Arrays:
        return {"image": reading.read(ordered[item].image)}

    source = Source(
        root=place,
        files=[case.image for case in ordered],
        items=[case.name for case in ordered],
        options={"format": FORMAT, "dealt": how(test, val_share, split_seed, split)},
        shapes={"image": (3, *reading.grid.shape)},
        decode=decode,
    )
    decoded = cached(cache_dir, name, source, on_error)
    kept = [ordered[item] for item in decoded.kept]
    names, of = [case.name for case in kept], [case.split for case in kept]
    mention_copies(place, names, of, [grades[name] for name in names], copies(decoded.digests))
    targets = torch.tensor([CLASSES.index(grades[case.name]) for case in kept])
    content = hashlib.sha256(decoded.fingerprint.encode() + targets.numpy().tobytes()).hexdigest()
    splits = in_splits(decoded.arrays["image"], targets, kept)
    dataset = Dataset(name, splits, Binary(), f"sha256:{content}", CLASSES, reading=reading)
    _mention_one_class(dataset)
    return dataset


def _mention_one_class(dataset: Dataset) -> None:
    """A split of one class has no area under the ROC curve, which should not come as a surprise."""
    for name, split in dataset.splits.items():
        if len(there := split.targets.unique()) == 1:
            only = CLASSES[int(there)]
            print(f"al-run: the {name} split of {dataset.name} is all {only}: no AUROC", file=sys.stderr)
