"""Volumes of every format, in every orientation: the same numbers, in the same place."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from al_runner.data.formats.volume import (
    Volume,
    files_of,
    found,
    is_volume,
    read_image,
    read_mask,
    write_mask,
)
from al_runner.errors import InputError
from tests.data.volume_files import WRITERS, oriented, write_stack

SHAPE = (3, 4, 5)
SPACING = (0.5, 1.25, 3.0)
AFFINE = np.array([[0.5, 0, 0, -7], [0, 1.25, 0, 11.5], [0, 0, 3, -100], [0, 0, 0, 1]])
NUMBERS = np.arange(-20, 40, dtype=np.int16).reshape(SHAPE)
ORIENTATIONS = [
    "".join(pair[side] for pair, side in zip(axes, sides, strict=True))
    for axes in permutations(["RL", "AP", "SI"])
    for sides in product((0, 1), repeat=3)
]


def test_there_are_48_orientations() -> None:
    assert len({*ORIENTATIONS}) == 48


@pytest.mark.parametrize("kind", WRITERS)
def test_every_orientation_is_the_same_volume(kind: str, tmp_path: Path) -> None:
    for axes in ORIENTATIONS:
        path = WRITERS[kind](tmp_path, axes, *oriented(NUMBERS, AFFINE, axes))
        volume = Volume.open(path)
        assert volume.shape == SHAPE[::-1], axes
        assert volume.channels == 1
        np.testing.assert_allclose(volume.spacing, SPACING[::-1], rtol=1e-6)
        np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-5, err_msg=axes)
        pixels, _ = read_image(path, 1)
        assert (pixels[0] == NUMBERS.transpose(2, 1, 0)).all(), axes
        assert is_volume(path)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("axes", ["LPS", "PIR", "SAL"])
def test_a_mask_of_one_format_on_an_image_of_another(kind: str, axes: str, tmp_path: Path) -> None:
    """Stored along other axes, too; and one that is written lies on the image."""
    image = WRITERS[kind](tmp_path, "image", *oriented(NUMBERS, AFFINE, axes))
    labels = (np.arange(60).reshape(SHAPE) % 3).astype(np.int16)
    for other in WRITERS:
        mask = WRITERS[other](tmp_path / "masks", "mask", *oriented(labels, AFFINE, axes[::-1]))
        assert (read_mask(image, mask, [0, 1, 2])[0] == labels.transpose(2, 1, 0)).all()
    write_mask(image, labels.transpose(2, 1, 0), tmp_path / "made.nii.gz")
    assert (read_mask(image, tmp_path / "made.nii.gz", [0, 1, 2])[0] == labels.transpose(2, 1, 0)).all()


@pytest.mark.parametrize("kind", WRITERS)
def test_oblique_volumes_keep_their_place(kind: str, tmp_path: Path) -> None:
    """Turned by 20 degrees about an axis, as heads are."""
    cos, sin = np.cos(np.radians(20)), np.sin(np.radians(20))
    turned = np.eye(4)
    turned[1:3, 1:3] = [[cos, -sin], [sin, cos]]
    path = WRITERS[kind](tmp_path, "image", *oriented(NUMBERS, turned @ AFFINE, "LPS"))
    volume = Volume.open(path)
    np.testing.assert_allclose(volume.affine, turned @ AFFINE, atol=1e-4)
    np.testing.assert_allclose(volume.spacing, SPACING[::-1], rtol=1e-6)


def test_every_volume_of_a_folder_is_found_once(tmp_path: Path) -> None:
    made = [write(tmp_path, f"v{number}", NUMBERS, AFFINE) for number, write in enumerate(WRITERS.values())]
    made.append(write_stack(tmp_path / "stack.tif", np.ones((4, 6, 5), np.uint16)))
    write_stack(tmp_path / "single.tif", np.ones((1, 6, 5), np.uint16))
    (tmp_path / "notes.txt").write_text("no volume")
    assert found(tmp_path) == sorted(made)
    read = {path for each in made for path in files_of(each)}
    left = {path for path in tmp_path.rglob("*") if path.is_file()} - read
    assert {path.name for path in left} == {"single.tif", "notes.txt"}


def test_pages_are_slices_from_foot_to_head(tmp_path: Path) -> None:
    """As ITK has them: rows from front to back, columns from right to left."""
    pages = np.arange(4 * 6 * 5, dtype=np.uint16).reshape(4, 6, 5)
    pixels, spacing = read_image(write_stack(tmp_path / "a.tif", pages, compression="tiff_lzw"), 1)
    assert (pixels[0] == pages[:, ::-1, ::-1]).all()
    assert spacing == (1, 1, 1)
    import SimpleITK

    affine = np.eye(4)
    affine[:3, :3] = np.reshape(SimpleITK.ReadImage(str(tmp_path / "a.tif")).GetDirection(), (3, 3))
    assert (affine == np.eye(4)).all(), "LPS"


def test_the_spacing_of_a_stack(tmp_path: Path) -> None:
    """ImageJ's own words, and nnU-Net's file beside it, which omits the channel."""
    pages = np.arange(4 * 6 * 5, dtype=np.float32).reshape(4, 6, 5)
    said = "ImageJ=1.54f\nimages=4\nchannels=2\nslices=2\nhyperstack=true\nspacing=3.0\nunit=micron\n"
    path = write_stack(tmp_path / "a_0000.tif", pages, tiffinfo={270: said, 282: 4.0, 283: 2.0})
    volume = Volume.open(path)
    assert volume.channels == 2
    np.testing.assert_allclose(volume.spacing, (3e-3, 0.5e-3, 0.25e-3), rtol=1e-6)
    assert (volume.pixels() == pages.reshape(2, 2, 6, 5).swapaxes(0, 1)[..., ::-1, ::-1]).all()
    (tmp_path / "a.json").write_text('{"spacing": [2.5, 0.5, 0.25]}')
    assert Volume.open(path).spacing == (2.5, 0.5, 0.25)


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in WRITERS:
        name = "gone" if kind == "series" else f"gone{kind}"
        with pytest.raises(InputError, match=f"cannot read {name}: it is not there"):
            Volume.open(tmp_path / name)
    path = WRITERS[".nrrd"](tmp_path, "a", NUMBERS, AFFINE)
    monkeypatch.setattr("al_runner.data.formats.itk.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"NRRD and MetaImage files need SimpleITK: .*al-runner\[volumes\]"):
        Volume.open(path)
