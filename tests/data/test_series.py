"""DICOM series: which files are a volume, and what is said of those that are none."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch

from al_runner.data.formats.volume import Volume, found, is_volume, read_image
from al_runner.data.sets import nifti_folder, unlabeled
from al_runner.errors import InputError
from tests.data.volume_files import WRITERS, enhanced, header, oriented, write_enhanced, write_series

AFFINE = np.array([[0.5, 0, 0, -7], [0, 0.75, 0, 11], [0, 0, 2.5, -100], [0, 0, 0, 1]])
SHAPE = (6, 5, 4)
NUMBERS = np.arange(120, dtype=np.int16).reshape(SHAPE)


def at_slice(folder: Path, k: int) -> Path:
    """The file of a slice, by its place."""
    paths = sorted(folder.iterdir(), key=lambda path: pydicom.dcmread(path).ImagePositionPatient[2])
    return paths[k]


def edit(path: Path, **tags: Any) -> None:
    data = pydicom.dcmread(path)
    for key, value in tags.items():
        setattr(data, key, value)
    data.save_as(path)


def test_a_folder_without_endings_and_with_subfolders(tmp_path: Path) -> None:
    """As a PACS exports it: some slices in each folder, an index, a presentation state, a report."""
    folder = write_series(tmp_path, "p0", NUMBERS, AFFINE, suffix="")
    (folder / "DISK1").mkdir()
    for path in sorted(folder.glob("IM*"))[:2]:
        path.rename(folder / "DISK1" / path.name)
    for modality in ("PR", "SR", "KO"):
        header(Modality=modality).save_as(folder / modality, enforce_file_format=True)
    shutil.copy(at_slice(folder / "DISK1", 0), folder / "DICOMDIR")
    (folder / "README.txt").write_text("made by a viewer")
    pixels, spacing = read_image(folder, 1)
    assert (pixels[0] == NUMBERS.transpose(2, 1, 0)).all()
    assert spacing == (2.5, 0.75, 0.5)


def test_every_slice_has_its_own_slope(tmp_path: Path) -> None:
    """As in PET."""
    folder = write_series(tmp_path, "p0", NUMBERS, AFFINE)
    for k in range(4):
        edit(at_slice(folder, k), RescaleSlope=f"{k + 1}", RescaleIntercept="0")
    expected = (NUMBERS.transpose(2, 1, 0) + 1000) * np.arange(1, 5)[:, None, None]
    assert (read_image(folder, 1)[0][0] == expected).all()


def test_survey_images_are_no_volume(tmp_path: Path) -> None:
    folder = write_series(tmp_path, "p0", NUMBERS, AFFINE)
    survey = oriented(NUMBERS, AFFINE, "AIR")
    kind = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout = write_series(tmp_path / "other", "scout", *survey, ImageType=kind, SeriesNumber=1)
    for path in scout.iterdir():
        path.rename(folder / path.name)
    assert (read_image(folder, 1)[0][0] == NUMBERS.transpose(2, 1, 0)).all()
    assert found(tmp_path) == [folder]


def two_series(tmp_path: Path) -> Path:
    folder = write_series(tmp_path, "p0", NUMBERS, AFFINE, SeriesNumber=2, SeriesDescription="native")
    write_series(tmp_path, "p0", NUMBERS[::-1], AFFINE, SeriesNumber=3, SeriesDescription="venous")
    return folder


def test_two_series_in_one_folder_are_two_volumes(tmp_path: Path) -> None:
    folder = two_series(tmp_path)
    assert [path.name for path in found(tmp_path)] == ["p0#2", "p0#3"]
    for path, numbers in zip(found(tmp_path), (NUMBERS, NUMBERS[::-1]), strict=True):
        assert is_volume(path)
        assert (read_image(path, 1)[0][0] == numbers.transpose(2, 1, 0)).all()
    with pytest.raises(
        InputError,
        match=r"p0 holds 2 series: 2 \(native, 4 files\), 3 \(venous, 4 files\); name one as p0#2, or move",
    ):
        Volume.open(folder)
    with pytest.raises(InputError, match=r"p0 has no series 7, but 2 \(native, 4 files\), 3"):
        Volume.open(tmp_path / "p0#7")
    at_slice(folder, 3).unlink()
    assert len(found(tmp_path)) == 2


def test_series_of_one_number_are_known_by_their_identifiers(tmp_path: Path) -> None:
    write_series(tmp_path, "p0", NUMBERS, AFFINE, suffix=".a.dcm")
    write_series(tmp_path, "p0", NUMBERS, AFFINE, suffix=".b.dcm")
    uids = {str(pydicom.dcmread(path).SeriesInstanceUID) for path in (tmp_path / "p0").iterdir()}
    assert {path.name for path in found(tmp_path)} == {f"p0#{uid}" for uid in uids}
    assert all((read_image(path, 1)[0][0] == NUMBERS.transpose(2, 1, 0)).all() for path in found(tmp_path))


def _missing(folder: Path) -> None:
    at_slice(folder, 1).unlink()


def _shifted(folder: Path) -> None:
    path = at_slice(folder, 3)
    x, y, z = pydicom.dcmread(path).ImagePositionPatient
    edit(path, ImagePositionPatient=[x, y, z + 0.8])


def _twice(folder: Path) -> None:
    path = at_slice(folder, 1)
    shutil.copy(path, folder / "again.dcm")


def _larger(folder: Path) -> None:
    edit(at_slice(folder, 1), Rows=3, Columns=10)


def _coarser(folder: Path) -> None:
    edit(at_slice(folder, 1), PixelSpacing=[0.75, 0.6])


def _turned(folder: Path) -> None:
    edit(at_slice(folder, 1), ImageOrientationPatient=[1, 0, 0, 0, 0.8, 0.6])


def _unplaced(folder: Path) -> None:
    path = at_slice(folder, 2)
    data = pydicom.dcmread(path)
    del data.ImagePositionPatient
    data.save_as(path)


def _cut(folder: Path) -> None:
    path = at_slice(folder, 2)
    path.write_bytes(path.read_bytes()[:-20])


def _empty(folder: Path) -> None:
    at_slice(folder, 2).write_bytes(b"")


def _one(folder: Path) -> None:
    for k in (3, 2, 1):
        at_slice(folder, k).unlink()


def _none(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "notes.txt").write_text("none")


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a missing slice": (_missing, r"p0: 1 slice is missing between IM\d+.dcm and IM\d+.dcm, at -100 to "
                        "-95 mm along the normal, where slices are 2.5 mm apart"),
    "an uneven gap": (_shifted, r"p0: the gap is uneven between IM\d+.dcm and IM\d+.dcm, at -95 to -91.7 mm"),
    "a slice twice": (_twice, r"again.dcm( and IM\d+.dcm)? lie in one place, -97.5 mm along the normal: "),
    "a size": (_larger, r"p0: IM\d+.dcm has 3×10 pixels, IM\d+.dcm 5×6"),
    "a spacing": (_coarser, r"pixels of IM\d+.dcm are 0.75×0.6 mm, those of IM\d+.dcm 0.75×0.5"),
    "a direction": (_turned, "lie in different directions"),
    "no position": (_unplaced, r"p0: IM\d+.dcm does not say where its slice lies"),
    "cut short": (_cut, r"p0: IM\d+.dcm cannot be read: "),
    "no content": (_empty, r"cannot read IM\d+.dcm: it has no content: 0 bytes"),
    "one slice": (_one, "p0 has one slice, and a volume has several"),
    "no slice": (_none, "cannot read p0: the folder holds no DICOM images"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_whole_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    damage, said = BROKEN[name]
    folder = write_series(tmp_path, "p0", NUMBERS, AFFINE)
    damage(folder)
    with pytest.raises(InputError, match=said):
        read_image(folder, 1)


def test_positions_may_be_rounded(tmp_path: Path) -> None:
    """To a tenth of a millimeter, as some scanners do: slices 0.625 mm apart lie 0.6 and 0.7 apart."""
    affine = AFFINE.copy()
    affine[2, 2] = 0.625
    folder = write_series(tmp_path, "p0", NUMBERS, affine)
    for k in range(4):
        path = at_slice(folder, k)
        x, y, z = pydicom.dcmread(path).ImagePositionPatient
        edit(path, ImagePositionPatient=[x, y, f"{z:.1f}"])
    assert Volume.open(folder).spacing[0] == pytest.approx(0.63, abs=0.02)


def test_a_film_is_no_volume(tmp_path: Path) -> None:
    data = enhanced(NUMBERS, AFFINE)
    del data.PerFrameFunctionalGroupsSequence
    data.save_as(tmp_path / "film.dcm", enforce_file_format=True)
    assert not is_volume(tmp_path / "film.dcm")
    with pytest.raises(InputError, match=r"film\.dcm has 4 frames that do not say where they lie"):
        Volume.open(tmp_path / "film.dcm")
    path = next(write_series(tmp_path, "p0", NUMBERS, AFFINE).iterdir())
    with pytest.raises(InputError, match=r"is one slice: name the folder of its series"):
        Volume.open(path)


def test_frames_that_are_missing_are_said(tmp_path: Path) -> None:
    data = enhanced(NUMBERS, AFFINE)
    frames = list(data.PerFrameFunctionalGroupsSequence)
    kept = [
        k for k, frame in enumerate(frames) if frame.PlanePositionSequence[0].ImagePositionPatient[2] != -95
    ]
    data.PerFrameFunctionalGroupsSequence = [frames[k] for k in kept]
    data.NumberOfFrames = len(kept)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match=r"a\.dcm: 1 slice is missing between frame \d and frame \d"):
        Volume.open(tmp_path / "a.dcm")


def scans(root: Path, kind: str, count: int = 5) -> None:
    """Images of a format in `images`, masks of it in `masks`."""
    for k in range(count):
        rng = np.random.default_rng(k)
        labels = np.zeros(SHAPE, np.int16)
        labels[1:3, 1:4, 1:3], labels[3:5, 1:4, 1:3] = 1, 2
        image = (rng.integers(0, 100, SHAPE) + 300 * labels).astype(np.int16)
        WRITERS[kind](root / "images", f"p{k}", *oriented(image, AFFINE, ("LPS", "PIR", "RAS")[k % 3]))
        WRITERS[kind](root / "masks", f"p{k}", *oriented(labels, AFFINE, ("PIR", "LAS", "LPS")[k % 3]))


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_makes_one_data_set(kind: str, tmp_path: Path) -> None:
    def loaded(root: Path, suffix: str) -> Any:
        given = {"images": f"images/*{suffix}", "masks": f"masks/*{suffix}", "split": [0.5, 0.25, 0.25]}
        given["group"] = r"p\d"
        labels = ["background", "front", "back"]
        return nifti_folder.load(root, labels=labels, cache_dir=tmp_path / "cache", **given)

    scans(tmp_path / "expected", ".nii.gz")
    scans(tmp_path / "given", kind)
    expected = loaded(tmp_path / "expected", ".nii.gz")
    made = loaded(tmp_path / "given", "" if kind == "series" else kind)
    assert made.train.names == expected.train.names
    assert made.fingerprint == expected.fingerprint
    assert torch.equal(made.train.images, expected.train.images)
    assert torch.equal(made.train.targets, expected.train.targets)


@pytest.mark.parametrize("kind", WRITERS)
def test_people_may_be_asked_for_labels_of_every_format(kind: str, tmp_path: Path) -> None:
    for k in range(4):
        WRITERS[kind](tmp_path / "scans", f"p{k}", NUMBERS + k * NUMBERS % 7, AFFINE)
    dataset = unlabeled.load(tmp_path / "scans", ["a", "b"], tmp_path / "cache", image_size=4, test_size=1)
    assert dataset.train.images.shape == (3, 1, 4, 4, 4)
    assert all((tmp_path / "scans" / name).exists() for name in dataset.train.names)


def test_slices_may_be_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "scans"
    for k in range(3):
        write_series(root, f"p{k}", NUMBERS + k, AFFINE)
    write_enhanced(root, "p3", NUMBERS, AFFINE)
    header(Rows=2, Columns=2, PixelData=bytes(8)).save_as(root / "capture.dcm", enforce_file_format=True)

    def loaded(**options: Any) -> Any:
        return unlabeled.load(root, ["a", "b"], tmp_path / "cache", image_size=4, test_size=1, **options)

    volumes = loaded()
    said = capsys.readouterr().err
    assert "13 DICOM files of" in said
    assert "are 4 volumes (dataset.slices=images takes each as an image)" in said
    assert "1 DICOM images that are part of no volume of" in said
    assert {*volumes.train.names, *volumes.splits["test"].names} == {"p0", "p1", "p2", "p3.dcm"}
    (root / "p3.dcm").unlink()
    images = loaded(slices="images")
    assert len(images.train) == 12
    assert images.train.images.shape[1:] == (1, 4, 4)


def test_a_slice_that_is_added_is_decoded(tmp_path: Path) -> None:
    scans(tmp_path / "given", "series")
    given = {"images": "images/*", "masks": "masks/*", "split": [0.5, 0.25, 0.25]}

    def loaded() -> Any:
        labels = ["background", "front", "back"]
        return nifti_folder.load(tmp_path / "given", labels=labels, cache_dir=tmp_path / "cache", **given)

    before = loaded()
    for kind in ("images", "masks"):
        folder = tmp_path / "given" / kind / "p1"
        longer = np.pad(Volume.open(folder).pixels()[0].transpose(2, 1, 0), ((0, 0), (0, 0), (0, 1)))
        shutil.rmtree(folder)
        write_series(folder.parent, "p1", longer.astype(np.int16), AFFINE)
    assert loaded().image_size == (5, 5, 6)
    assert loaded().fingerprint != before.fingerprint
