"""Every loader of volumes, with a case for each of the 48 orientations: image, mask and name match."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from al_runner.data.dataset import Dataset
from al_runner.data.sets import decathlon, nifti_folder, nnunet, totalsegmentator, unlabeled
from tests.data.test_volume_formats import ORIENTATIONS
from tests.data.volume_files import WRITERS, oriented

SHAPE, AFFINE = (5, 6, 8), np.diag([1.0, 1.5, 2.0, 1.0])
LABELS = ["background", "front", "back"]
SHARES = (0.5, 0.25, 0.25)
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


def nifti(root: Path, kind: str) -> Dataset:
    end = "" if kind == "series" else kind
    for case in range(48):
        write(root / "images", f"c{case:02}", image_of(case), case, kind=kind)
        write(root / "masks", f"c{case:02}", mask_of(case), case, 17)
    return nifti_folder.load(root, f"images/*{end}", "masks/*.nii.gz", LABELS, root.parent / "cache",
                             percentiles=(0, 100), split=SHARES)  # fmt: skip


def of_decathlon(root: Path) -> Dataset:
    listed = []
    for case in range(48):
        image = write(root / "imagesTr", f"c{case:02}", image_of(case), case)
        mask = write(root / "labelsTr", f"c{case:02}", mask_of(case), case, 5)
        listed.append({"image": f"imagesTr/{image.name}", "label": f"labelsTr/{mask.name}"})
    labels = {str(value): name for value, name in enumerate(LABELS)}
    content = {"modality": {"0": "CT"}, "labels": labels, "training": listed}
    (root / "dataset.json").write_text(json.dumps(content))
    return decathlon.load(root, root.parent / "cache", percentiles=(0, 100), split=SHARES)


def of_nnunet(root: Path) -> Dataset:
    for case in range(48):
        for channel in range(2):
            write(root / "imagesTr", f"c{case:02}_{channel:04}", image_of(case, channel), case, 7 * channel)
        write(root / "labelsTr", f"c{case:02}", mask_of(case), case, 29)
    labels = {name: value for value, name in enumerate(LABELS)}
    content = {"channel_names": {"0": "T1", "1": "T2"}, "labels": labels, "file_ending": ".nii.gz"}
    (root / "dataset.json").write_text(json.dumps(content))
    return nnunet.load(root, root.parent / "cache", percentiles=(0, 100), split=SHARES)


def of_structures(root: Path) -> Dataset:
    for case in range(48):
        write(root / f"c{case:02}", "ct", image_of(case), case)
        for value, name in enumerate(LABELS[1:], start=1):
            structure = (mask_of(case) == value).astype(np.uint8)
            write(root / f"c{case:02}" / "segmentations", name, structure, case, 11 * value)
    return totalsegmentator.load(root, LABELS[1:], root.parent / "cache", percentiles=(0, 100), split=SHARES)


LOADERS: dict[str, Callable[[Path], Dataset]] = {
    **{f"nifti_folder {kind}": lambda root, kind=kind: nifti(root, kind) for kind in KINDS},
    "decathlon": of_decathlon,
    "nnunet": of_nnunet,
    "totalsegmentator": of_structures,
}


@pytest.mark.parametrize("loader", LOADERS)
def test_image_mask_and_name_belong_together(loader: str, tmp_path: Path) -> None:
    seen = set()
    dataset = LOADERS[loader](tmp_path / "scans")
    for split in dataset.splits.values():
        for image, mask, name in zip(split.images, split.targets, split.names, strict=True):
            case = int(name[1:3])
            seen.add(case)
            expected = [image_of(case, channel).transpose(2, 1, 0) for channel in range(len(image))]
            assert (image.numpy() == np.stack(expected)).all(), ORIENTATIONS[case]
            assert (mask.numpy() == mask_of(case).transpose(2, 1, 0)).all(), ORIENTATIONS[case]
    assert seen == {*range(48)}


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
