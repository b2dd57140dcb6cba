"""Labels that may overlap, from files: a file for each label, and regions of a label map, pixel for pixel."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from nibabel.orientations import axcodes2ornt, inv_ornt_aff
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.sets import decathlon, mask_folder, nifti_folder, phantom_ct
from al_runner.data.sets.mouse_scans import LABELS
from al_runner.data.tasks import Overlapping
from al_runner.data.tasks.bit_fields import planes
from al_runner.data.transforms import Transforms
from al_runner.errors import InputError
from al_runner.loop.seeding import Streams
from tests.data.nifti_files import write_decathlon

SHAPE = (7, 6, 5)
"""Voxels from foot to head, back to front, left to right."""
CASES = [f"p{k:02}" for k in range(10)]


def field(name: str, count: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Masks of some labels of a case, which overlap: bool [labels, ...]."""
    return np.random.default_rng([*name.encode()]).random((count, *shape)) < 0.4


def write_volume(path: Path, array_zyx: np.ndarray, codes: str = "RAS") -> None:
    """In another orientation of the same space."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turn = nibabel.orientations.ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(tuple(codes)))
    content = nibabel.apply_orientation(array_zyx.transpose(2, 1, 0), turn)
    affine = np.eye(4) @ inv_ornt_aff(turn, array_zyx.shape[::-1])
    nibabel.save(nibabel.Nifti1Image(content, affine), path)


def volumes(root: Path, labels: list[str], turned: tuple[str, ...] = ("RAS",)) -> Path:
    """Images whose brightness says which labels a voxel has; a file for each label, turned in its way."""
    for name in CASES:
        masks = field(name, len(labels))
        brightness = sum(mask * 2.0**k for k, mask in enumerate(masks))
        write_volume(root / "images" / f"{name}.nii.gz", np.asarray(brightness, np.float32))
        for k, label in enumerate(labels):
            codes = turned[k % len(turned)]
            write_volume(root / label / f"{name}.nii.gz", masks[k].astype(np.uint8) * (k + 1), codes)
    return root


def of_files(root: Path, names: list[str], **options: Any) -> Dataset:
    masks = {name: f"{name}/*.nii.gz" for name in names}
    given: dict[str, Any] = {"masks": masks, "window": [0, 255], "labels": None, **options}
    return nifti_folder.load(root, "images/*.nii.gz", cache_dir=root.parent / "cache", **given)


@pytest.mark.parametrize("count", [1, 3, 9])
def test_a_file_for_each_label(tmp_path: Path, count: int) -> None:
    """Voxel for voxel, each label's file in an orientation of its own, one byte and two."""
    labels = [f"label {k}" for k in range(count)]
    dataset = of_files(volumes(tmp_path / "scans", labels, ("RAS", "LPI", "SAR", "PIR")), labels)
    assert dataset.task == Overlapping(tuple(labels))
    for split in dataset.splits.values():
        for name, mask, image in zip(split.names, split.targets, split.images, strict=True):
            found = planes(mask[None], count)[0].numpy().astype(bool)
            assert (found == field(name, count)).all()
            if count < 8:
                assert (image[0] == mask).all(), "an image's brightness is its mask's bit field"
    again = of_files(tmp_path / "scans", labels)
    assert again.fingerprint == dataset.fingerprint


def test_many_labels_are_resampled_and_padded_as_few_are(tmp_path: Path) -> None:
    """Two bytes a voxel come to the grid as each label alone would."""
    labels = [f"label {k}" for k in range(9)]
    root = volumes(tmp_path / "scans", labels)
    how: dict[str, Any] = {"shape": [9, 4, 6], "spacing": [0.8, 1.3, 1.0]}
    together = of_files(root, labels, **how)
    for k, label in enumerate(labels[-2:], 7):
        alone = of_files(root, [label], **how)
        assert (alone.train.targets == (together.train.targets >> k) & 1).all()


def test_a_label_without_a_file(tmp_path: Path) -> None:
    root = volumes(tmp_path / "scans", ["liver", "tumor"])
    (root / "tumor" / "p03.nii.gz").unlink()
    (root / "tumor" / "p05.nii.gz").unlink()
    with pytest.raises(
        InputError, match=r"p03\.nii\.gz has no mask of tumor, nor have 1 others: with dataset\.mi"
    ):
        of_files(root, ["liver", "tumor"])
    dataset = of_files(root, ["liver", "tumor"], missing="absent")
    for split in dataset.splits.values():
        for name, mask in zip(split.names, split.targets, strict=True):
            assert bool((mask & 2).any()) == (name not in ("p03", "p05"))
            assert ((mask & 1).numpy().astype(bool) == field(name, 2)[0]).all()
    (root / "liver" / "p03.nii.gz").unlink()
    dataset = of_files(root, ["liver", "tumor"], missing="absent")
    empty = [
        n
        for split in dataset.splits.values()
        for n, m in zip(split.names, split.targets, strict=True)
        if not m.any()
    ]
    assert empty == ["p03"], "an image with no file has no label, and is outlined"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": ["background", "liver"]}, "dataset.labels is about the values of one mask"),
        ({"regions": {"whole": [1]}}, "dataset.regions is about the values of one mask"),
        ({"missing": "unlabeled"}, "dataset.missing=unlabeled asks people for masks of labels that exclude"),
        ({"masks": {f"l{k}": "liver/*.nii.gz" for k in range(16)}}, "1 to 15, here are 16"),
        ({"masks": {"a b": "liver/*.nii.gz", "a_b": "tumor/*.nii.gz"}}, "the column dice_a_b"),
        ({"masks": {"liver": "liver/*.nii.gz", "tumor": "tumour/*.nii.gz"}}, "dataset.masks.tumor=tumour/"),
        ({"masks": "liver/*.nii.gz"}, "dataset.labels must be given"),
        ({"masks": "liver/*.nii.gz", "labels": ["no", "yes"], "missing": "absent"}, "absent is for dataset"),
        ({"test_size": 2}, "leaves no validation split"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    root = volumes(tmp_path / "scans", ["liver", "tumor"])
    with pytest.raises(InputError, match=said):
        of_files(root, ["liver", "tumor"], **options)


def test_files_that_are_no_masks_of_one_label(tmp_path: Path) -> None:
    root = volumes(tmp_path / "scans", ["liver", "tumor"])
    mask = np.zeros(SHAPE, np.uint8)
    mask[0, 0, :3] = 1, 2, 4
    write_volume(root / "tumor" / "p02.nii.gz", mask)
    with pytest.raises(InputError, match=r"p02\.nii\.gz has the values 1, 2, 4; a mask of one label has one"):
        of_files(root, ["liver", "tumor"])
    write_volume(root / "tumor" / "p02.nii.gz", mask[:, :, :4])
    with pytest.raises(InputError, match=r"p02\.nii\.gz has 7×6×5 voxels, its mask 7×6×4"):
        of_files(root, ["liver", "tumor"])
    write_volume(root / "tumor" / "p02.nii.gz", mask.astype(np.float32) * (mask == 1) + np.float32(1e-4))
    assert len(of_files(root, ["liver", "tumor"]).train) == 7, (
        "floats near whole numbers are meant to be them"
    )
    write_volume(root / "tumor" / "p99.nii.gz", mask)
    with pytest.raises(InputError, match=r"p99\.nii\.gz has no image"):
        of_files(root, ["liver", "tumor"])


REGIONS = {"whole tumor": [1, 2, 4], "core": [1, 4], "enhancing": [4]}


def label_maps(root: Path) -> Path:
    """Images with one mask each, as BraTS outlines: 1 necrotic, 2 edema, 4 enhancing."""
    for name in CASES:
        values = np.random.default_rng([*name.encode()]).choice([0, 0, 1, 2, 4], SHAPE)
        write_volume(root / "images" / f"{name}.nii.gz", values.astype(np.float32))
        write_volume(root / "masks" / f"{name}.nii.gz", values.astype(np.uint8), "LPS")
    return root


@pytest.mark.parametrize("labels", [None, {0: "nothing", 1: "necrotic", 2: "edema", 4: "enhancing tumor"}])
def test_regions_of_a_label_map(tmp_path: Path, labels: dict[int, str] | None) -> None:
    root = label_maps(tmp_path / "brats")
    dataset = nifti_folder.load(
        root,
        "images/*.nii.gz",
        "masks/*.nii.gz",
        labels,
        tmp_path / "cache",
        regions=REGIONS,
        window=[0, 255],
    )
    assert dataset.task == Overlapping(tuple(REGIONS))
    assert dataset.class_names == tuple(REGIONS)
    for split in dataset.splits.values():
        values, masks = split.images[:, 0], planes(split.targets, 3).bool()
        for k, parts in enumerate(REGIONS.values()):
            assert (masks[:, k] == torch.isin(values, torch.tensor(parts, dtype=torch.uint8))).all()


@pytest.mark.parametrize(
    ("regions", "labels", "said"),
    [
        ({"core": [1, 3]}, ["no", "a", "b"], "core has 3, no value of the masks; regions are made of 1, 2"),
        ({"all": [0, 1]}, ["no", "a", "b"], "all has 0, the background; regions"),
        ({"core": [1]}, None, "has the label 2, 4; declared are 0, 1"),
    ],
)  # fmt: skip
def test_regions_that_cannot_be(
    tmp_path: Path, regions: dict[str, list[int]], labels: list[str] | None, said: str
) -> None:
    root = label_maps(tmp_path / "brats")
    with pytest.raises(InputError, match=said):
        nifti_folder.load(
            root, "images/*.nii.gz", "masks/*.nii.gz", labels, tmp_path / "cache", regions=regions
        )


def test_regions_of_the_decathlon(tmp_path: Path) -> None:
    write_decathlon(tmp_path / "Task99_Boxes")
    options = {"cache_dir": tmp_path / "cache"}
    plain = decathlon.load(tmp_path / "Task99_Boxes", **options)
    regions = decathlon.load(tmp_path / "Task99_Boxes", **options, regions={"both": [1, 2], "back": [2]})
    labels = plain.train.targets
    assert (regions.train.targets == (labels > 0).byte() + 2 * (labels == 2)).all()
    assert regions.fingerprint != plain.fingerprint


def pictures(root: Path) -> Path:
    for name in CASES:
        masks = field(name, 2, (12, 10))
        for folder, pixels in (
            ("images", masks[0] * 100 + masks[1] * 50),
            ("cup", masks[0] * 255),
            ("disc", masks[1]),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{name}.png")
    return root


def test_pictures_with_a_file_for_each_label(tmp_path: Path) -> None:
    """White is 255 in one file and 1 in the other."""
    root, masks = pictures(tmp_path / "fundus"), {"cup": "cup/*.png", "disc": "disc/*.png"}
    dataset = mask_folder.load(root, "images/*.png", masks, None, tmp_path / "cache", shape=(12, 10))
    for split in dataset.splits.values():
        pixels, target = split.images[:, 0], split.targets
        assert (pixels == (target & 1) * 100 + (target >> 1) * 50).all()


def test_regions_of_the_phantom() -> None:
    sizes = {"n_train": 3, "n_val": 1, "n_test": 1, "shape": (16, 16, 16)}
    plain = phantom_ct.load(**sizes)  # type: ignore[arg-type]
    regions = {"tumors": [4, 5], "abdomen": [2, 3, 4, 5]}
    dataset = phantom_ct.load(**sizes, regions=regions)  # type: ignore[arg-type]
    assert (dataset.train.images == plain.train.images).all()
    assert (planes(dataset.train.targets, 2)[:, 0].bool() == (plain.train.targets >= 4)).all()
    assert (planes(dataset.train.targets, 2)[:, 1].bool() == (plain.train.targets >= 2)).all()
    assert dataset.fingerprint != plain.fingerprint
    with pytest.raises(InputError, match="bones has 9, no value of the masks"):
        phantom_ct.load(**sizes, regions={"bones": [9]})  # type: ignore[arg-type]
    assert len(LABELS) == 6


@pytest.mark.parametrize("count", [3, 9])
def test_transforms_move_all_labels_of_a_pixel_as_each_alone(count: int) -> None:
    from kornia.augmentation import RandomAffine, RandomElasticTransform, RandomHorizontalFlip

    generator = torch.Generator().manual_seed(0)
    masks = torch.rand(4, count, 16, 16, generator=generator) < 0.3
    fields = sum((masks[:, k].to(torch.int16) << k for k in range(count)), torch.zeros((), dtype=torch.int16))
    fields = fields.to(torch.uint8) if count < 8 else fields
    images = torch.rand(4, 1, 16, 16, generator=generator)
    steps = {
        "flip": RandomHorizontalFlip(p=0.5), "turn": RandomAffine(30, translate=(0.1, 0.1), p=1.0),
        "bend": RandomElasticTransform(alpha=(2.0, 2.0), p=1.0),
    }  # fmt: skip
    change = Transforms(steps, Streams(0), torch.device("cpu"))
    _, together = change.drawn(1).alike(images, fields)
    assert together.dtype == fields.dtype
    assert not torch.equal(together, fields)
    for k in range(count):
        _, alone = change.drawn(1).alike(images, masks[:, k].to(torch.uint8))
        assert torch.equal((together >> k) & 1, alone.to(together.dtype))
