"""`dataset=mask_folder`: image files and their masks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from al_runner.data.dataset import Dataset
from al_runner.data.formats import masks
from al_runner.data.sets.mask_folder import load
from al_runner.errors import InputError


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Twelve images with a bright box, which is the label 255 of their masks."""
    root = tmp_path / "scans"
    for k in range(12):
        write(root, f"p{k:02}", 20 + k % 3)
    return root


def write(root: Path, name: str, width: int = 20) -> None:
    rng = np.random.default_rng([*name.encode()])
    mask = np.zeros((16, width), np.uint8)
    mask[4:12, 3:9] = 255
    for folder, content in (
        ("images", rng.integers(0, 90, mask.shape, np.uint8) + mask // 2),
        ("masks", mask),
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(content).save(root / folder / f"{name}.png")


def opened(root: Path, **options: Any) -> Dataset:
    given = {
        "images": "images/*.png",
        "masks": "masks/*.png",
        "labels": {0: "background", 255: "lesion"},
        "shape": [16, 24],
        **options,
    }
    return load(root, cache_dir=root.parent / "cache", **given)


def test_images_and_masks(scans: Path) -> None:
    dataset = opened(scans)
    assert [len(split) for split in dataset.splits.values()] == [9, 1, 2]
    assert dataset.train.images.shape == (9, 1, 16, 24)
    assert dataset.class_names == ("background", "lesion")
    for split in dataset.splits.values():
        assert split.targets.unique().tolist() == [0, 1]
        images = split.images[:, 0].float()
        assert images[split.targets == 1].mean() > 2 * images[split.targets == 0].mean()
    assert dataset.masks is not None
    assert not dataset.masks.names
    padded = opened(scans, fit="pad", shape=[18, 24], channels=3)
    assert padded.train.images.shape == (9, 3, 18, 24)
    assert (padded.train.targets[:, [0, -1]] == 0).all()
    assert int(padded.train.targets.sum()) == 9 * 8 * 6


def test_images_without_masks_are_unlabeled(scans: Path) -> None:
    (scans / "masks" / "p03.png").unlink()
    with pytest.raises(InputError, match=r"12 images and 11 masks: p03\.png has no mask"):
        opened(scans)
    dataset = opened(scans, missing="unlabeled", test_size=4, group=r"p\d+")
    assert len(opened(scans, missing="unlabeled", test_size="25%").splits["test"]) == 3
    told = {name for split in dataset.splits.values() for name in np.array(split.names)[split.told].tolist()}
    assert told == {f"images/p{k:02}.png" for k in range(12)} - {"images/p03.png"}
    assert dataset.masks is not None
    assert dataset.masks.names["images/p03.png"] == "p03.png"
    assert dataset.masks.values == {0: "background", 255: "lesion"}


def test_peoples_masks_come_to_the_grid_and_back(scans: Path, tmp_path: Path) -> None:
    dataset = opened(scans, missing="unlabeled", fit="pad")
    assert dataset.masks is not None
    for name, target in zip(dataset.train.names, dataset.train.targets, strict=True):
        mine = tmp_path / "mine.png"
        dataset.masks.write(scans / name, target, [mine])
        assert torch.equal(dataset.masks.read(scans / name, mine)[0], target)
        assert np.array_equal(masks.read(mine), masks.read(scans / name.replace("images", "masks")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (np.zeros((16, 21), np.uint8), "p00.png is 16×20, its mask 16×21"),
        (np.full((16, 20), 3, np.uint8), "has the label 3; declared are 0, 255"),
        (np.zeros((16, 20, 3), np.uint8), "has pixels of the kind RGB; a mask has one number for each"),
    ],
)
def test_masks_that_do_not_fit(scans: Path, content: np.ndarray, said: str) -> None:
    Image.fromarray(content).save(scans / "masks" / "p00.png")
    with pytest.raises(InputError, match=said):
        opened(scans)


def test_kinds_of_pixels(tmp_path: Path) -> None:
    content = np.array([[0, 1], [1, 0]], np.uint8)
    for kind, mode in (("png", "L"), ("png", "1"), ("bmp", "P"), ("tif", "F"), ("png", "I;16")):
        image = Image.fromarray(content.astype(np.uint16 if mode == "I;16" else np.uint8))
        image = Image.fromarray(content > 0) if mode == "1" else image
        path = tmp_path / f"{mode[0]}.{kind}"
        (image if mode in ("1", "I;16") else image.convert(mode)).save(path)
        assert masks.positions(masks.read(path), [0, 1], path).tolist() == content.tolist()
    masks.write(tmp_path / "wide.png", np.array([[0, 700]]))
    assert masks.read(tmp_path / "wide.png").tolist() == [[0, 700]]
    for name, text in (("no.png", "no"), ("gone.png", None)):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            masks.read(tmp_path / name)


def test_brackets_in_names_are_brackets(scans: Path) -> None:
    (scans / "images").rename(scans / "[p0]")
    dataset = opened(scans, images="[p0]/*.png")
    assert sum(len(split) for split in dataset.splits.values()) == 12


def test_bad_options(scans: Path) -> None:
    for options, said in (
        ({"labels": {255: "background", 0: "lesion"}}, "the background's value must be the smallest"),
        ({"images": "*/*.png"}, "must have one"),
        ({"images": str(scans / "images" / "*.png")}, "must be a path below dataset.root="),
        ({"masks": "images/*.png", "missing": "unlabeled"}, "both match"),
    ):
        with pytest.raises(InputError, match=said):
            opened(scans, **options)
