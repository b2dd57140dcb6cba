"""Masks leave the grid by their images' headers alone."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.sets import mask_folder, nifti_folder
from tests.data.nifti_files import write_pair
from tests.data.test_mask_folder import write as write_picture


@pytest.fixture
def volumes(tmp_path: Path) -> Dataset:
    for k in range(10):
        write_pair(tmp_path / "scans", f"p{k}", shape=(10, 12, 8), seed=k)
    return nifti_folder.load(
        tmp_path / "scans", "images/*.nii.gz", "masks/*.nii.gz", ["a", "b", "c"], tmp_path
    )


def test_a_volume_whose_pixels_cannot_be_read(volumes: Dataset, tmp_path: Path) -> None:
    assert volumes.masks is not None
    image = nibabel.load(tmp_path / "scans" / "images" / "p0.nii.gz")
    nibabel.save(image, cut := tmp_path / "cut.nii")
    cut.write_bytes(cut.read_bytes()[:400])
    target = torch.ones(volumes.image_size, dtype=torch.uint8)
    shares = volumes.masks.write(cut, target, [tmp_path / "mask.nii.gz"])
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    assert mask.shape == image.shape
    np.testing.assert_allclose(mask.affine, image.affine)
    assert shares == [0, 1, 0]


def test_a_target_and_its_file_are_each_other(volumes: Dataset, tmp_path: Path) -> None:
    assert volumes.masks is not None
    image, split = tmp_path / "scans" / "images", volumes.train
    for name, target in zip(split.names, split.targets, strict=True):
        volumes.masks.write(image / f"{name}.nii.gz", target, [tmp_path / "mask.nii.gz"])
        found, loses = volumes.masks.read(image / f"{name}.nii.gz", tmp_path / "mask.nii.gz")
        assert torch.equal(found, target)
        assert not loses


def test_a_picture(tmp_path: Path) -> None:
    for k in range(10):
        write_picture(tmp_path / "scans", f"p{k}")
    values = {0: "background", 255: "lesion"}
    found = mask_folder.load(
        tmp_path / "scans", "images/*.png", "masks/*.png", values, tmp_path, shape=(16, 24)
    )
    assert found.masks is not None
    image = next((tmp_path / "scans" / "images").iterdir())
    cut = tmp_path / "cut.png"
    cut.write_bytes(image.read_bytes()[:60])
    target = torch.zeros(16, 24, dtype=torch.uint8)
    target[:8] = 1
    found.masks.write(cut, target, [tmp_path / "mask.png"])
    with Image.open(tmp_path / "mask.png") as mask, Image.open(image) as whole:
        assert mask.size == whole.size
        assert {*np.unique(np.array(mask))} == {0, 255}
