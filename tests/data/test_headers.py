"""Headers that contradict themselves, masks that nearly fit, images of several sizes: counted and said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from al_runner.data.sets import mask_folder, nifti_folder
from al_runner.errors import InputError
from tests.data.layout_files import AFFINE, boxes, image_of
from tests.data.nifti_files import write_nifti
from tests.data.test_mask_folder import write as write_picture
from tests.data.volume_files import write_series

Said = Callable[..., str]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    """What is said of a folder of four cases whose files are changed: the same again from the cache."""

    def load(change: Callable[[int, str, Path], None], ending: str = ".nii.gz", **options: Any) -> str:
        root = tmp_path / "scans"
        for k in range(4):
            for kind, array in (("images", image_of(k)), ("masks", boxes())):
                write_nifti(root / kind / f"p{k}.nii.gz", array)
                change(k, kind, root / kind / f"p{k}.nii.gz")
        texts = []
        for _ in range(2):
            nifti_folder.load(root, f"images/*{ending}", f"masks/*{ending}", ["background", "front", "back"],
                              tmp_path / "cache", split=(0.5, 0.25, 0.25), **options)  # fmt: skip
            lines = capsys.readouterr().err.splitlines()
            texts.append(
                "\n".join(line for line in lines if "decoding" not in line and "decoded" not in line)
            )
        assert texts[0] == texts[1]
        return texts[0]

    return load


def test_nothing_is_said_of_what_fits(said: Said) -> None:
    assert said(lambda k, kind, path: None) == ""


def test_a_sform_that_lost_its_scale(said: Said) -> None:
    """nnU-Net #2741, UNETR++ #5: qform and pixdim have it."""

    def change(k: int, kind: str, path: Path) -> None:
        if k:
            image = nibabel.Nifti1Image(nibabel.load(path).get_fdata().astype(np.int16), None)
            image.set_qform(np.diag([1.3, 1.3, 10, 1]), 1)
            image.set_sform(np.eye(4), 1)
            image.header.set_zooms((1.3, 1.3, 10))
            nibabel.save(image, path)

    assert said(change) == (
        "al-run: 3 of 4 cases have a header whose sform has another scale than pixdim: the spacing is taken "
        "from pixdim, positions and directions from the sform"
    )


def test_masks_of_floats_near_whole_numbers(said: Said) -> None:
    def change(k: int, kind: str, path: Path) -> None:
        if kind == "masks" and k < 2:
            write_nifti(path, (boxes() + np.float32(0.0004) * (-1) ** k).astype(np.float32))
        if kind == "masks" and k == 2:
            write_nifti(path, boxes().astype(np.float64))

    assert said(change) == (
        "al-run: 2 of 4 cases have masks with values within 0.001 of whole numbers, as after resampling, "
        "which are taken"
    )


def test_values_further_away_are_refused(said: Said) -> None:
    def change(k: int, kind: str, path: Path) -> None:
        if kind == "masks":
            write_nifti(path, (boxes() + np.float32(0.02)).astype(np.float32))

    with pytest.raises(
        InputError, match=r"p\d\.nii\.gz has the label 0\.02, 1\.02, 2\.02; declared are 0, 1, 2\)"
    ):
        said(change)


def test_what_a_mask_holds_is_told_with_the_refusal(said: Said) -> None:
    def change(k: int, kind: str, path: Path) -> None:
        if kind == "masks":
            write_nifti(path, np.choose(boxes(), [0, 2, 7]).astype(np.uint8))

    words = r"holds 0, 2, 7: labels like \{0: …, 2: …, 7: …\} would name them"
    with pytest.raises(InputError, match=words):
        said(change)


def test_images_of_several_sizes(said: Said) -> None:
    def change(k: int, kind: str, path: Path) -> None:
        if k == 3:
            array = image_of(k) if kind == "images" else boxes()
            write_nifti(path, np.pad(array, ((0, 2), (0, 0), (1, 0))))

    expected = "al-run: 1 of 4 images have another size than 4×5×6, from 4×5×6 to 5×5×8: all are"
    assert said(change) == f"{expected} cropped or padded to 5×5×8"
    assert said(change, shape=[4, 4, 4], fit="resize") == f"{expected} resized to 4×4×4"


def test_pictures_of_several_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for k in range(6):
        write_picture(tmp_path / "scans", f"p{k}", width=24 if k == 2 else 20)
    mask_folder.load(
        tmp_path / "scans", "images/*.png", "masks/*.png", {0: "no", 255: "yes"}, tmp_path / "cache"
    )
    assert "1 of 6 images have another size than" in capsys.readouterr().err


def test_analyze_does_not_say_which_side_is_left(said: Said) -> None:
    def change(k: int, kind: str, path: Path) -> None:
        image = nibabel.AnalyzeImage(nibabel.load(path).get_fdata().astype(np.int16), None)
        nibabel.save(image, path.with_name(f"p{k}.hdr"))

    text = said(change, ".hdr")
    assert text.startswith(
        "al-run: 4 of 4 cases have files of Analyze 7.5, which do not say which side is left"
    )


def test_a_tilted_gantry(said: Said) -> None:
    tilted = AFFINE.copy()
    tilted[1, 2] = 0.3

    def change(k: int, kind: str, path: Path) -> None:
        path.unlink()
        write_series(
            path.parent, f"p{k}", image_of(k) if kind == "images" else boxes(), tilted if k else AFFINE
        )

    text = said(change, "")
    assert text.startswith(
        "al-run: 3 of 4 cases have slices that are shifted against each other, as by a tilted"
    )
