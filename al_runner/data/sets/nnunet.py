"""Raw data sets of nnU-Net (Isensee et al., Nature Methods 18, 2021), of any version."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from annotated_types import Len

from al_runner.data.cache import OnError
from al_runner.data.dataset import Dataset
from al_runner.data.formats import pictures, stacks
from al_runner.data.formats.pictures import White
from al_runner.data.layouts.channels import Channels
from al_runner.data.layouts.described import Described
from al_runner.data.layouts.drawn import load_pictures
from al_runner.data.layouts.grid import Fit, Percentile
from al_runner.data.layouts.meaning import Meaning, meaning_of
from al_runner.data.layouts.outlined import Case
from al_runner.data.layouts.volumes import Preparation, load_volumes
from al_runner.data.partition import Shares, patient_in
from al_runner.errors import InputError
from al_runner.values import Count, Named, Positive, Seed

TRAINING, TEST = ("imagesTr", "labelsTr"), ("imagesTs", "labelsTs")
"""Folders of images and masks; only some sets have the second."""
ENDING = ".nii.gz"
"""Of files before nnU-Net's second version, which says it."""
AXES = (2, 3)


def load(
    root: Named | Path,
    cache_dir: Named | Path,
    name: Named | None = None,
    group: Named | None = None,
    shape: Annotated[Sequence[Count], Len(2, 3)] | None = None,
    fit: Fit = "pad",
    spacing: Annotated[Sequence[Positive], Len(3, 3)] | None = None,
    window: Annotated[Sequence[float], Len(2, 2)] | None = None,
    percentiles: Annotated[Sequence[Percentile], Len(2, 2)] = (0.5, 99.5),
    white: White | None = None,
    official_test: bool = True,
    split: Shares = (0.7, 0.1, 0.2),
    split_seed: Seed = 0,
    hausdorff: bool = False,
    on_error: OnError = "fail",
) -> Dataset:
    """A folder `DatasetNNN_Name` or `TaskNNN_Name` with its `dataset.json`, volumes or pictures.

    Args:
        root: the folder.
        cache_dir: folder of decoded data.
        name: for people and folders; the folder's by default.
        group: finds the patient in a case's name, see `partition.patient_in`; None = each is one.
        shape, fit, spacing, window, percentiles: as in `Preparation`; of pictures, only the first two.
        white: of pictures with 16 bits, its value; None = 65535.
        official_test: cases in `imagesTs` with masks in `labelsTs` are the test split, where there are any.
        split: shares of train, val and test, of the latter where it is not official.
        split_seed: of who goes where; not the run's seed.
        hausdorff: as in `load_volumes`.
        on_error: `skip` leaves out cases that cannot be read.

    Raises:
        InputError: the folder, its `dataset.json` or what that names is not as it should be.
    """
    place = Path(root).expanduser()
    described = Described.read(place, "labels")
    channels = _channels(place, described)
    cases = _cases(place, described, channels, group, official_test)
    volumes = not _are_pictures(cases[0].image)
    _check_shape(shape, 3 if volumes else 2)
    named = name or place.name
    found_by, meaning = ["nnunet", group, official_test], _meaning(described)
    if not volumes:
        return load_pictures(
            name=named, root=place, cases=cases, channels=channels,
            meaning=meaning, white=white, shape=shape, fit=fit, hausdorff=hausdorff,
            split=split, split_seed=split_seed, found_by=found_by,
            cache_dir=cache_dir, on_error=on_error,
        )  # fmt: skip
    return load_volumes(
        name=named,
        root=place,
        cases=cases,
        channels=len(channels.names),
        meaning=meaning,
        preparation=Preparation(
            shape=shape, fit=fit, spacing=spacing, window=window, percentiles=percentiles
        ),
        hausdorff=hausdorff,
        split=split,
        split_seed=split_seed,
        found_by=found_by,
        cache_dir=cache_dir,
        on_error=on_error,
        parts=channels,
    )


def _meaning(described: Described) -> Meaning:
    """Of the masks: labels that exclude each other, or regions, which may overlap."""
    if regions := described.regions:
        return meaning_of(None, regions)
    return meaning_of(described.labels)


def _channels(place: Path, described: Described) -> Channels:
    """How the files of an image are called; of pictures in color there is one file for three channels."""
    names, ending = described.channels, str(described.content.get("file_ending") or ENDING)
    channels = Channels(names, ending)
    if len(names) != 3 or not ending.lower().endswith(pictures.SUFFIXES):
        return channels
    second = next((place / TRAINING[0]).glob(f"*_0001{ending}"), None)
    return channels if second else Channels(names, ending, apart=False)


def _cases(
    place: Path, described: Described, channels: Channels, group: str | None, official_test: bool
) -> list[Case]:
    """The training cases, and those of the test split that have masks."""
    find_patient = patient_in(group)
    cases = []
    for split, (images, masks) in (("", TRAINING), ("test", TEST)):
        if split and not (official_test and (place / masks).is_dir()):
            continue
        found = channels.cases(place / images)
        _check_masks(place, found, masks, channels)
        for case, image in found.items():
            if not (patient := find_patient(case)):
                raise InputError(f"dataset.group={group} finds no patient in {case}")
            cases.append(Case(case, image, place / masks / f"{case}{channels.ending}", patient, split))
    said, there = described.content.get("numTraining"), sum(not case.split for case in cases)
    if isinstance(said, int) and said != there:
        print(f"al-run: {described.path} says numTraining={said:,}, and there are {there:,}", file=sys.stderr)
    return cases


def _check_masks(place: Path, found: dict[str, Path], masks: str, channels: Channels) -> None:
    """Refuse cases without masks, and masks without cases."""
    lost = [case for case in found if not (place / masks / f"{case}{channels.ending}").is_file()]
    if not lost:
        return
    expected = f"{masks}/{lost[0]}{channels.ending}"
    numbered = (place / masks / f"{lost[0]}{channels.first}").is_file()
    hint = f": {lost[0]}{channels.first} is there, but masks have no channel" if numbered else ""
    more = f", nor have {len(lost) - 1:,} others" if len(lost) > 1 else ""
    raise InputError(f"{place}: {lost[0]} has no mask{more}; expected {expected}{hint}")


def _are_pictures(path: Path) -> bool:
    """Whether files are flat: a TIFF file may be either."""
    return path.name.lower().endswith(pictures.SUFFIXES) and not stacks.is_stack(path)


def _check_shape(shape: Sequence[int] | None, axes: int) -> None:
    if shape is not None and len(shape) != axes:
        what = "volumes" if axes == max(AXES) else "pictures"
        raise InputError(f"dataset.shape={list(shape)}: these are {what}, which have {axes} axes")
