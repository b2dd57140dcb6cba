"""A folder of image files and masks, found by pattern."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval, Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import pictures
from al_runner.data.formats.pictures import White
from al_runner.data.layouts.drawn import load_pictures
from al_runner.data.layouts.grid import Fit
from al_runner.data.layouts.guessed import PICTURES, guessed
from al_runner.data.layouts.meaning import meaning_of
from al_runner.data.layouts.paired import MissingOfLabels, may_lack, paired, patterns
from al_runner.data.layouts.regions import Regions
from al_runner.data.partition import Shares
from al_runner.values import Count, Named, Seed, Size

Value = Annotated[int, Interval(ge=0, le=pictures.WHITE)]
"""What a pixel of a PNG file can have."""

DEFAULTS = ("images/*.png", "masks/*.png")
"""Where images and masks lie if nobody says so."""


def load(
    root: Named | Path,
    images: Named,
    masks: Named | Annotated[Mapping[Named, Named], Len(1)],
    labels: Annotated[Mapping[Value, Named], Len(2)] | Annotated[Sequence[Named], Len(2)] | None,
    cache_dir: Named | Path,
    name: Named | None = None,
    channels: Literal[1, 3] = 1,
    white: White | None = None,
    group: Named | None = None,
    shape: Annotated[Sequence[Count], Len(2, 2)] = (128, 128),
    fit: Fit = "resize",
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    hausdorff: bool = False,
    on_error: OnError = "fail",
    missing: MissingOfLabels = "refuse",
    test_size: Size | None = None,
    regions: Regions | None = None,
) -> Dataset:
    """Every image below `root` that `images` matches, with the mask for which the `*` stands for the same.

    Where neither pattern matches anything, common ones are tried, and what is taken is said.

    Args:
        root: the folder.
        images: path below it with one `*`, such as `images/*.png`: any format of `pictures.SUFFIXES`.
        masks: the same for masks, image files with one number for each pixel, such as `masks/*_label.png`; or
            label → such a pattern, of labels that may overlap.
        labels: names of the values 0, 1, …, the background's first; or value → name. None = `masks` or
            `regions` has the names.
        cache_dir: folder of decoded data.
        name: for people and folders; the folder's by default.
        channels: 1 for gray, 3 for RGB.
        white: the value of white in images of 16 bits, such as 4095; None = 65535.
        group: finds the patient in an image's path below `root`, see `partition.patient_in`.
        shape: height and width.
        fit: to the shape, as in `Grid`.
        split: shares of train, val and test.
        split_seed: of who goes where; not the run's seed.
        hausdorff: also measure the Hausdorff distance, in pixels.
        on_error: `skip` leaves out cases that cannot be read.
        missing: `unlabeled` lets people be asked for masks that are missing, see `people.outlines`; with a
            file for each label, `absent` means that an image without a label's file does not have that label.
        test_size: in place of `split`: images of a random sample of whole patients to measure on, at least,
            or a share of all images. All others are the pool, and there is no validation split. Needs
            `missing=unlabeled`.
        regions: labels that may overlap, each made of some values of a mask: name → values.

    Raises:
        InputError: nothing is found, images and masks do not pair, or files cannot be read.
    """
    place, meaning = Path(root).expanduser(), meaning_of(labels, regions, masks)
    unlabeled = may_lack(missing, test_size, meaning.several)
    if isinstance(masks, str) and not unlabeled:
        images, masks = guessed(place, images, masks, DEFAULTS, PICTURES)
    return load_pictures(
        name=name or place.name,
        root=place,
        cases=paired(place, images, masks, group, missing),
        channels=channels,
        meaning=meaning,
        white=white,
        shape=shape,
        fit=fit,
        hausdorff=hausdorff,
        split=split,
        split_seed=split_seed,
        found_by=[images, patterns(masks), group],
        cache_dir=cache_dir,
        on_error=on_error,
        test_size=test_size,
        unlabeled=unlabeled,
    )
