"""A folder of volumes and masks of any format, found by pattern."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.layouts.grid import Fit, Percentile
from al_runner.data.layouts.guessed import VOLUMES, guessed
from al_runner.data.layouts.meaning import meaning_of
from al_runner.data.layouts.paired import MissingOfLabels, may_lack, paired, patterns
from al_runner.data.layouts.regions import Regions
from al_runner.data.layouts.volumes import Preparation, load_volumes
from al_runner.data.partition import Shares
from al_runner.values import Count, Named, Natural, Positive, Seed, Size

DEFAULTS = ("images/*.nii.gz", "masks/*.nii.gz")
"""Where images and masks lie if nobody says so."""


def load(
    root: Named | Path,
    images: Named,
    masks: Named | Annotated[Mapping[Named, Named], Len(1)],
    labels: Annotated[Mapping[Natural, Named], Len(2)] | Annotated[Sequence[Named], Len(2)] | None,
    cache_dir: Named | Path,
    name: Named | None = None,
    channels: Count = 1,
    group: Named | None = None,
    shape: Annotated[Sequence[Count], Len(3, 3)] | None = None,
    fit: Fit = "pad",
    spacing: Annotated[Sequence[Positive], Len(3, 3)] | None = None,
    window: Annotated[Sequence[float], Len(2, 2)] | None = None,
    percentiles: Annotated[Sequence[Percentile], Len(2, 2)] = (0.5, 99.5),
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
        images: path below it with one `*`, such as `images/*.nii.gz`; `images/*` of folders with a DICOM
            series each. A `**/` stands for any folders.
        masks: the same for masks, such as `masks/*_label.nii.gz`; or label → such a pattern, of labels that
            may overlap.
        labels: names of the values 0, 1, …, the background's first; or value → name. None = `masks` or
            `regions` has the names.
        cache_dir: folder of decoded data.
        name: for people and folders; the folder's by default.
        channels: of an image.
        group: finds the patient in an image's path below `root`, see `partition.patient_in`.
        shape, fit, spacing, window, percentiles: as in `Preparation`.
        split: shares of train, val and test.
        split_seed: of who goes where; not the run's seed.
        hausdorff: as in `load_volumes`.
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
    place = Path(root).expanduser()
    meaning = meaning_of(labels, regions, masks)
    unlabeled = may_lack(missing, test_size, meaning.several)
    if isinstance(masks, str) and not unlabeled:
        images, masks = guessed(place, images, masks, DEFAULTS, VOLUMES)
    return load_volumes(
        name=name or place.name,
        root=place,
        cases=paired(place, images, masks, group, missing),
        channels=channels,
        meaning=meaning,
        preparation=Preparation(
            shape=shape, fit=fit, spacing=spacing, window=window, percentiles=percentiles
        ),
        hausdorff=hausdorff,
        split=split,
        split_seed=split_seed,
        found_by=[images, patterns(masks), group],
        cache_dir=cache_dir,
        on_error=on_error,
        test_size=test_size,
        unlabeled=unlabeled,
    )
