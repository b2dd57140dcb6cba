"""A table and a folder of images, decoded once."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from al_runner.data.cache import OnError
from al_runner.data.dataset import SPLITS, Dataset, consecutive
from al_runner.data.formats.pictures import White
from al_runner.data.layouts.columns import NONE, Asked
from al_runner.data.layouts.decoding import fingerprint, images_of
from al_runner.data.layouts.labels import Labels, Reading, Uncertain
from al_runner.data.layouts.leaks import Apart, Duplicates, mention_shared
from al_runner.data.layouts.listed import Listing, listed, table_in
from al_runner.data.layouts.pixels import Pixels
from al_runner.data.layouts.samples import Sample, check_classes, in_order, with_patients, with_splits
from al_runner.data.partition import Shares
from al_runner.data.tasks import MultiLabel, one_of
from al_runner.errors import InputError
from al_runner.values import Count, Named, Seed


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    table: Named | Path | None = None,
    name: Named | None = None,
    path_column: Named | None = None,
    label_column: Named | Sequence[Named] | None = None,
    patient_column: Named | None = None,
    split_column: Named | None = None,
    group: Named | None = None,
    classes: Sequence[str | int] | None = None,
    several: bool | None = None,
    separator: Named | None = None,
    uncertain: Uncertain | None = None,
    image_size: Count = 224,
    channels: Literal[1, 3] = 1,
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    on_error: OnError = "fail",
    white: White | None = None,
    upright: bool = True,
    duplicates: Duplicates = "keep",
) -> Dataset:
    """The images that a table lists, with their labels, decoded once into a memory map.

    Args:
        root: folder of the images, at any depth.
        cache_dir: where decoded images are kept, see `cache.cached`.
        table: CSV, TSV, Excel or Parquet, below the root or from here; None = the only one in the root.
        name: the data set's name; the folder's by default.
        path_column: names the images, see `places.Places`; None = guessed, like the other columns.
        label_column: a class, or several labels in a cell; or columns of 0 and 1, one for each label.
        patient_column: whose the images are; `none` = each is of a patient of its own.
        split_column: `train`, `val` and `test`, or other words for these; `none` = splits are made here.
        group: in place of a column of patients, finds them in the paths, see `partition.patient_in`.
        classes: the labels that count, in order; None = all, by their names. Of two, the second is positive.
        several: an image may have several of the labels; None = as the table shows.
        separator: stands between several labels in a cell; None = `|` or `;` where cells have them.
        uncertain: what −1 means: `positive`, `negative`, or `ignore`, which leaves the image out. None = −1
            is refused.
        image_size: pixels of an image's edge, see `pictures.read`.
        channels: 1 for gray, 3 for RGB.
        split: shares of train, val and test, whole patients, for splits that the table does not say.
        split_seed: of those; not the run's seed.
        on_error: `skip` leaves out rows without images or labels, images without rows, and what cannot be
            read.
        white: the value of white in images of 16 bits, such as 4095; None = 65535.
        upright: photographs are turned as their EXIF data say.
        duplicates: images whose pixels are the same: `keep`, `drop` all but one, or `group` them, see
            `leaks.Apart`.

    Raises:
        InputError: a table or images that cannot be read or do not fit, columns that are not there or cannot
            be guessed, or splits without a class.
    """
    place, pixels = Path(root).expanduser(), Pixels(image_size, channels, white, upright)
    path = table_in(place, table)
    if group is not None:
        patient_column = _no_column(group, patient_column)
    asked = Asked(path_column, label_column, patient_column, split_column)
    reading = Reading(classes, several, separator, uncertain, skip=on_error == "skip")
    listing = listed(place, path, asked, reading, on_error)
    labels, chosen = listing.labels, listing.samples
    if group is not None:
        chosen = with_patients(chosen, group)

    def deal(samples: Sequence[Sample]) -> list[Sample]:
        return in_order(with_splits(samples, split, split_seed))

    apart, samples = Apart(duplicates, chosen, deal), deal(chosen)
    mention_shared(place, samples, "dataset.group" if group else "the table")
    if not labels.several:
        check_classes(path, samples, labels.names)
    called = name or place.resolve().name
    dealt = ["table", path.name, *split, split_seed]
    found = images_of(called, place, samples, pixels, dealt, cache_dir, on_error, apart)
    if not labels.several:
        check_classes(path, found.samples, labels.names)
    targets = _targets(found.samples, listing)
    _mention_absent(path, found.samples, labels, targets)
    splits = consecutive(found.pixels, targets, [sample.split for sample in found.samples])
    names = {split: tuple(each.below for each in found.samples if each.split == split) for split in splits}
    return Dataset(
        name=called,
        splits={split: replace(part, names=names[split]) for split, part in splits.items()},
        task=MultiLabel(len(labels.names)) if labels.several else one_of(len(labels.names)),
        fingerprint=fingerprint(found.fingerprint, labels.names, splits),
        class_names=labels.names,
        root=place.resolve(),
        reading=pixels,
    )


def _no_column(group: str, patient_column: str | None) -> str:
    """Patients are in the paths, so no column is guessed, and none may be given."""
    if patient_column not in (None, NONE):
        raise InputError(
            f"dataset.group={group} and dataset.patient_column={patient_column} both say who the patients are"
        )
    return NONE


def _targets(samples: Sequence[Sample], listing: Listing) -> Tensor:
    """As the task has them."""
    shown = [listing.shown[sample.below] for sample in samples]
    if not listing.labels.several:
        return torch.tensor([min(has) for has in shown])
    return torch.tensor([[int(at in has) for at in range(len(listing.labels.names))] for has in shown])


def _mention_absent(table: Path, samples: Sequence[Sample], labels: Labels, targets: Tensor) -> None:
    """A label that a split lacks, or that all its images have, has no area under the ROC curve there."""
    if not labels.several:
        return
    for split in SPLITS:
        there = targets[torch.tensor([sample.split == split for sample in samples])].sum(0)
        if absent := [name for name, count in zip(labels.names, there.tolist(), strict=True) if not count]:
            print(
                f"al-run: {table.name}: no {split} image has {', '.join(absent)}: no AUROC there",
                file=sys.stderr,
            )
