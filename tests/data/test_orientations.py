"""Every loader of volumes, with a case for each of the 48 orientations: image, mask, name and index match."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from al_runner.data.dataset import Dataset
from al_runner.data.sets import decathlon, nifti_folder, nnunet, totalsegmentator, unlabeled
from tests.data.followed import Files, Sample, follow
from tests.data.test_volume_formats import ORIENTATIONS
from tests.data.volume_files import WRITERS, oriented

SHAPE, AFFINE = (5, 6, 8), np.diag([1.0, 1.5, 2.0, 1.0])
LABELS = ["background", "front", "back"]
SHARES = (0.5, 0.25, 0.25)
Load = Callable[[], Dataset]
KINDS = (".nii.gz", ".nrrd", "series", ".hdr", ".dcm", ".mha")


def image_of(case: int, channel: int = 0) -> np.ndarray:
    """From 0 to 255, so that levels leave it as it is."""
    image = np.random.default_rng([case, channel]).integers(0, 256, SHAPE).astype(np.int16)
    image[0, 0, 0], image[-1, -1, -1] = 0, 255
    return image


def mask_of(case: int) -> np.ndarray:
    return np.random.default_rng([case, 99]).integers(0, 3, SHAPE).astype(np.int16)


def write(
    folder: Path, name: str, array: np.ndarray, case: int, turn: int = 0, kind: str = ".nii.gz"
) -> Path:
    """Stored along the axes of the case, or of another one."""
    return WRITERS[kind](folder, name, *oriented(array, AFFINE, ORIENTATIONS[(case + turn) % 48]))


def nifti(root: Path, kind: str) -> Load:
    end = "" if kind == "series" else kind
    for case in range(48):
        write(root / "images", f"c{case:02}", image_of(case), case, kind=kind)
        write(root / "masks", f"c{case:02}", mask_of(case), case, 17)
    paths = (root, f"images/*{end}", "masks/*.nii.gz", LABELS, root.parent / "cache")
    return lambda: nifti_folder.load(*paths, percentiles=(0, 100), split=SHARES)


def of_decathlon(root: Path) -> Load:
    listed = []
    for case in range(48):
        image = write(root / "imagesTr", f"c{case:02}", image_of(case), case)
        mask = write(root / "labelsTr", f"c{case:02}", mask_of(case), case, 5)
        listed.append({"image": f"imagesTr/{image.name}", "label": f"labelsTr/{mask.name}"})
    labels = {str(value): name for value, name in enumerate(LABELS)}
    content = {"modality": {"0": "CT"}, "labels": labels, "training": listed}
    (root / "dataset.json").write_text(json.dumps(content))
    return lambda: decathlon.load(root, root.parent / "cache", percentiles=(0, 100), split=SHARES)


def of_nnunet(root: Path) -> Load:
    for case in range(48):
        for channel in range(2):
            write(root / "imagesTr", f"c{case:02}_{channel:04}", image_of(case, channel), case, 7 * channel)
        write(root / "labelsTr", f"c{case:02}", mask_of(case), case, 29)
    labels = {name: value for value, name in enumerate(LABELS)}
    content = {"channel_names": {"0": "T1", "1": "T2"}, "labels": labels, "file_ending": ".nii.gz"}
    (root / "dataset.json").write_text(json.dumps(content))
    return lambda: nnunet.load(root, root.parent / "cache", percentiles=(0, 100), split=SHARES)


def of_structures(root: Path) -> Load:
    for case in range(48):
        write(root / f"c{case:02}", "ct", image_of(case), case)
        for value, name in enumerate(LABELS[1:], start=1):
            structure = (mask_of(case) == value).astype(np.uint8)
            write(root / f"c{case:02}" / "segmentations", name, structure, case, 11 * value)
    paths = (root, LABELS[1:], root.parent / "cache")
    return lambda: totalsegmentator.load(*paths, percentiles=(0, 100), split=SHARES)


LOADERS: dict[str, Callable[[Path], Load]] = {
    **{f"nifti_folder {kind}": lambda root, kind=kind: nifti(root, kind) for kind in KINDS},
    "decathlon": of_decathlon,
    "nnunet": of_nnunet,
    "totalsegmentator": of_structures,
}


@pytest.mark.parametrize("loader", LOADERS)
def test_image_mask_name_and_index_belong_together(loader: str, tmp_path: Path) -> None:
    load, channels = LOADERS[loader](tmp_path / "scans"), 2 if loader == "nnunet" else 1
    cases = [
        Sample(np.stack([image_of(case, c).transpose(2, 1, 0) for c in range(channels)]).astype(np.uint8),
               mask_of(case).transpose(2, 1, 0).astype(np.uint8)) for case in range(48)
    ]  # fmt: skip
    files = Files(cases, load)
    found = follow(files, tmp_path / "run")
    assert sorted(case for split in found.values() for case in split) == [*range(48)]
    for split, numbers in found.items():
        assert [int(name[1:3]) for name in load().splits[split].names] == numbers


def test_volumes_without_labels_and_their_names(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    for case in range(48):
        write(root, f"c{case:02}", image_of(case), case, kind=KINDS[case % len(KINDS)])

    def load(**options: Any) -> Dataset:
        given = {"image_size": 8, "window": [0, 255], "test_size": 10, **options}
        return unlabeled.load(root, ["a", "b"], tmp_path / "cache", **given)

    dataset, seen = load(), set()
    for split in dataset.splits.values():
        for image, name in zip(split.images, split.names, strict=True):
            case = int(name[1:3])
            seen.add(case)
            whole = torch.from_numpy(image_of(case).transpose(2, 1, 0).astype(np.float32))[None, None]
            cube = torch.nn.functional.interpolate(whole, (8, 8, 8), mode="trilinear")[0]
            assert torch.equal(image, cube.round().byte()), (name, ORIENTATIONS[case])
    assert seen == {*range(48)}
