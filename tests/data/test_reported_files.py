"""Small files with what people report in public trackers; the report's number beside each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from PIL import Image
from pydicom.uid import generate_uid

from al_runner.data.formats.volume import read_image, read_mask
from al_runner.data.sets import image_folder, nifti_folder, nnunet
from al_runner.errors import InputError
from tests.data.layout_files import write_raw
from tests.data.nifti_files import write_pair
from tests.data.volume_files import (
    WRITERS,
    enhanced,
    header,
    oriented,
    write_enhanced,
    write_series,
    write_stack,
)

SHAPE = (6, 5, 4)
AFFINE = np.array([[0.7, 0, 0, -12], [0, 0.8, 0, 9], [0, 0, 2.5, -40], [0, 0, 0, 1]])
NUMBERS = np.arange(120, dtype=np.int16).reshape(SHAPE)
LABELS = (np.arange(120) % 3).reshape(SHAPE).astype(np.int16)
RAS = NUMBERS.transpose(2, 1, 0)


@dataclass(frozen=True)
class File:
    """A volume.

    Attributes:
        write: it, in a folder; returns its path.
        reads: what comes of it: foot to head, back to front, left to right; or what refuses it; None = `RAS`.
        spacing: along these.
    """

    write: Callable[[Path], Path]
    reads: Any = None
    spacing: tuple[float, ...] = (2.5, 0.8, 0.7)


def slices(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: pydicom.dcmread(path).ImagePositionPatient[2])


def edited(folder: Path, change: Callable[[int, pydicom.Dataset], Any]) -> Path:
    """A series whose headers are changed, from the lowest slice to the highest."""
    for number, path in enumerate(slices(folder)):
        data = pydicom.dcmread(path)
        change(number, data)
        data.save_as(path)
    return folder


def moved(number: int, by: float) -> Callable[[int, pydicom.Dataset], None]:
    def change(k: int, data: pydicom.Dataset) -> None:
        x, y, z = data.ImagePositionPatient
        data.ImagePositionPatient = [x, y, z + (by if k >= number else 0)]

    return change


def series(root: Path) -> Path:
    return write_series(root, "scan", NUMBERS, AFFINE)


def without(path: Path, name: str) -> Path:
    (path.parent / name).unlink()
    return path


def itk(root: Path, image: Any, name: str, compressed: bool = False) -> Path:
    SimpleITK.WriteImage(image, str(root / name), compressed)
    return root / name


def text_nrrd(root: Path, space: str, directions: str) -> Path:
    """As other programs write it: text before the numbers."""
    head = (
        f"NRRD0004\ntype: short\ndimension: 3\nspace: {space}\nsizes: 6 5 4\nspace directions: {directions}\n"
    )
    head += "kinds: domain domain domain\nendian: little\nencoding: raw\nspace origin: (0,0,0)\n\n"
    (root / "scan.nrrd").write_bytes(head.encode() + NUMBERS.tobytes(order="F"))
    return root / "scan.nrrd"


def sheared(root: Path) -> Path:
    affine = AFFINE.copy()
    affine[0, 1] = 0.05
    return WRITERS[".nii.gz"](root, "scan", NUMBERS, affine)


def per_frame(root: Path) -> Path:
    """Slopes that differ from frame to frame."""
    data = enhanced(np.zeros(SHAPE, np.int16), AFFINE)
    del data.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
    for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence):
        item = pydicom.Dataset()
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = number + 1, -1000 * (number + 1), "US"
        frame.PixelValueTransformationSequence = [item]
    data.save_as(root / "scan.dcm", enforce_file_format=True)
    return root / "scan.dcm"


def turned_frames(root: Path) -> Path:
    """The direction of each frame by itself, not shared."""
    data = enhanced(NUMBERS, AFFINE)
    shared = data.SharedFunctionalGroupsSequence[0]
    for frame in data.PerFrameFunctionalGroupsSequence:
        frame.PlaneOrientationSequence = shared.PlaneOrientationSequence
    del shared.PlaneOrientationSequence
    data.save_as(root / "scan.dcm", enforce_file_format=True)
    return root / "scan.dcm"


def film(root: Path) -> Path:
    frames = np.zeros((4, 5, 6), np.int16)
    data = header(NumberOfFrames=4, Rows=5, Columns=6, PixelData=frames.tobytes(), SliceThickness=2)
    data.save_as(root / "scan.dcm", enforce_file_format=True)
    return root / "scan.dcm"


def phases(root: Path) -> Path:
    """Two volumes of one series in one place."""
    folder = series(root)
    for path in slices(folder):
        data = pydicom.dcmread(path)
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data.save_as(folder / f"late-{path.name}", enforce_file_format=True)
    return folder


def captured(root: Path) -> Path:
    """A screenshot and a dose report in the folder of a series."""
    folder = series(root)
    header(Modality="OT", Rows=2, Columns=2, SeriesInstanceUID="1.2.3", PixelData=bytes(8)).save_as(
        folder / "shot.dcm", enforce_file_format=True
    )
    header(Modality="SR", SeriesInstanceUID="1.2.4").save_as(folder / "dose.dcm", enforce_file_format=True)
    return folder


def rgb(root: Path) -> Path:
    colors = np.zeros(SHAPE, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    return WRITERS[".nii.gz"](root, "scan", colors, AFFINE)


def not_finite(root: Path) -> Path:
    numbers = NUMBERS.astype(np.float32)
    numbers[0, 0, :3] = np.nan
    return WRITERS[".nii.gz"](root, "scan", numbers, AFFINE)


def cut(path: Path, count: int = 40) -> Path:
    path.write_bytes(path.read_bytes()[:-count])
    return path


def renamed(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def beside(path: Path, text: str) -> Path:
    path.with_suffix(".json").write_text(text)
    return path


PAGES = np.arange(120, dtype=np.uint16).reshape(4, 5, 6)
UPRIGHT = PAGES[:, ::-1, ::-1]
MICRONS = "ImageJ=1.53t\nimages=4\nslices=4\nunit=um\nspacing=2.0\n"

FILES = {
    "MONAI 3356, 7371: NRRD in left-posterior-superior, its axes across": File(
        lambda r: text_nrrd(r, "left-posterior-superior", "(0,0.8,0) (0.7,0,0) (0,0,2.5)"),
        NUMBERS.transpose(2, 0, 1)[:, ::-1, ::-1]),
    "MONAI 7912, BodyPartRegression 12: NRRD in right-anterior-superior": File(
        lambda r: text_nrrd(r, "right-anterior-superior", "(0.7,0,0) (0,0.8,0) (0,0,2.5)")),
    "TorchIO 1467: an affine that is sheared, which ITK refuses": File(sheared, spacing=(2.5, 0.8016, 0.7)),
    "TorchIO 469, 1300: left is not where the file has it": File(
        lambda r: WRITERS[".nii.gz"](r, "scan", *oriented(NUMBERS, AFFINE, "LAS"))),
    "ITK-Wasm 291: a series from left to right": File(
        lambda r: write_series(r, "scan", *oriented(NUMBERS, AFFINE, "ASL"))),
    "MONAI 1711: a series comes out upside down": File(
        lambda r: write_series(r, "scan", *oriented(NUMBERS, AFFINE, "LPS"))),
    "ITK 6463, imageio 1068: one InstanceNumber for all slices": File(
        lambda r: edited(series(r), lambda k, data: setattr(data, "InstanceNumber", 1))),
    "imageio 347: InstanceNumber counts the other way": File(
        lambda r: edited(series(r), lambda k, data: setattr(data, "InstanceNumber", 9 - k))),
    "dwv 560: SliceLocation contradicts the position": File(
        lambda r: edited(series(r), lambda k, data: setattr(data, "SliceLocation", -3 * k))),
    "SimpleITK 2117, MONAI 6944: SliceThickness is not the gap": File(
        lambda r: edited(series(r), lambda k, data: setattr(data, "SliceThickness", 5))),
    "ITK 1607: gaps that differ in the last digit": File(
        lambda r: edited(series(r), moved(2, 1e-5))),
    "dcmstack 55, dicom2stl 68: a slice is missing": File(
        lambda r: edited(series(r), moved(2, 2.5)),
        r"1 slice is missing between IM\d+\.dcm and IM\d+\.dcm, at -37\.5 to -32\.5 mm"),
    "panimg 7, Slicer 7339: gaps that are uneven": File(
        lambda r: edited(series(r), moved(3, 1.2)), r"the gap is uneven between IM\d+\.dcm and IM\d+\.dcm"),
    "dicom-numpy 33, imageio 349: phases in one place": File(
        phases, r"lie in one place, -40 mm along the normal, as do 3 further pairs: it holds several"),
    "OHIF's folders: a capture of the screen and a report beside the slices": File(captured),
    "MONAI 8468, dicom-numpy 6: frames that say where they lie": File(
        lambda r: write_enhanced(r, "scan", NUMBERS, AFFINE)),
    "horos 543, 467: frames in any order, through the patient's side": File(
        lambda r: write_enhanced(r, "scan", *oriented(NUMBERS, AFFINE, "PSR"))),
    "dcm2niix 372: the direction of each frame": File(turned_frames),
    "pydicom 2353, nibabel 1342: a slope for each frame": File(per_frame, np.zeros(SHAPE[::-1])),
    "Slicer 7496: frames without a place": File(film, "has 4 frames that do not say where they lie"),
    "LungLobeSegmentation 4, DSB2017 4: the numbers of an .mhd elsewhere": File(
        lambda r: without(WRITERS[".mhd"](r, "scan", NUMBERS, AFFINE), "scan.raw"), r"scan\.mhd"),
    "tutorials 1102: .mhd and .raw": File(lambda r: WRITERS[".mhd"](r, "scan", NUMBERS, AFFINE)),
    "CustusX 10: .mhd and .zraw": File(
        lambda r: itk(r, plain(), "scan.mhd", True), NUMBERS.transpose(2, 1, 0)[:, ::-1, ::-1], (1, 1, 1)),
    "SimpleITK 592: a stack of pages as a volume": File(
        lambda r: write_stack(r / "scan.tif", PAGES), UPRIGHT, (1, 1, 1)),
    "nnU-Net 1829, 2929: the spacing of a stack beside it, from slice to slice first": File(
        lambda r: beside(write_stack(r / "scan.tif", PAGES), '{"spacing": [0.3, 0.2, 0.1]}'), UPRIGHT,
        (0.3, 0.2, 0.1)),
    "nnU-Net 1829: or in the words of its page": File(
        lambda r: beside(write_stack(r / "scan.tif", PAGES), "0.3 0.2 0.1"), r'has no "spacing": \['),
    "nnU-Net 2304, 2542: in microns": File(
        lambda r: write_stack(r / "scan.tif", PAGES, tiffinfo={270: MICRONS, 282: 10.0, 283: 5.0}),
        UPRIGHT,
        (2e-3, 0.2e-3, 0.1e-3)),
    "nnU-Net 1367: a stack of pages in color": File(
        lambda r: write_stack(r / "scan.tif", np.zeros((3, 5, 6, 3), np.uint8)),
        r"has pages in color \(RGB\)"),
    "nibabel 979, neuroglancer-scripts 22: RGB voxels": File(rgb, r"has RGB voxels; expected gray ones"),
    "nnU-Net 206, 302: NaN in the background": File(not_finite, "has 3 voxels that are not finite"),
    "a copy that stopped, NIfTI": File(
        lambda r: cut(WRITERS[".nii"](r, "scan", NUMBERS, AFFINE)), "was cut short"),
    "a copy that stopped, NRRD": File(
        lambda r: cut(WRITERS[".nrrd"](r, "scan", NUMBERS, AFFINE)), r"scan\.nrrd"),
    "a copy that failed": File(
        lambda r: [p := r / "scan.mha", p.write_bytes(b"")][0], "has no content: 0 bytes"),
    "a NIfTI file that is called .nii and is gzipped": File(
        lambda r: renamed(WRITERS[".nii.gz"](r, "scan", NUMBERS, AFFINE), "scan.nii"),
        r"cannot read scan\.nii"),
    "half of a pair": File(
        lambda r: without(WRITERS[".hdr"](r, "scan", NUMBERS, AFFINE), "scan.img"), r"scan\.(hdr|img)"),
}  # fmt: skip


def plain() -> Any:
    return SimpleITK.GetImageFromArray(NUMBERS.transpose(2, 1, 0))


@pytest.mark.parametrize("name", FILES)
def test_volumes_as_reported(name: str, tmp_path: Path) -> None:
    case = FILES[name]
    path = case.write(tmp_path)
    if isinstance(case.reads, str):
        with pytest.raises(InputError, match=case.reads):
            read_image(path, 1)
        return
    pixels, spacing = read_image(path, 1)
    assert (pixels[0] == (RAS if case.reads is None else case.reads)).all()
    np.testing.assert_allclose(spacing, case.spacing, rtol=1e-3)


def nearly() -> np.ndarray:
    """Directions that differ in the eighth digit."""
    affine = AFFINE.copy()
    affine[0, 1] = affine[2, 0] = 2e-8
    return affine


def shifted(by: float) -> np.ndarray:
    affine = AFFINE.copy()
    affine[:3, 3] += by
    return affine


TWICE = np.zeros((4, 5, 6, 2), np.uint8)
MASKS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nnU-Net 459, TorchIO 1300: stored along other axes than its image": (
        lambda r: WRITERS[".nii.gz"](r, "mask", *oriented(LABELS, AFFINE, "PIL")), ""),
    "nnU-Net 1287, TotalSegmentator 33: directions that differ by rounding": (
        lambda r: WRITERS[".nii.gz"](r, "mask", LABELS, nearly()), ""),
    "nnU-Net 2551, 2130: another origin": (
        lambda r: WRITERS[".nii.gz"](r, "mask", LABELS, shifted(7)), r"are up to 10 voxels apart"),
    "nnU-Net 1267, 622: drawn on a PET of another grid": (
        lambda r: WRITERS[".nii.gz"](r, "mask", LABELS[::2, ::2], np.diag([1.4, 1.6, 2.5, 1])),
        "has 4×5×6 voxels, its mask 4×3×3"),
    "nnU-Net 1381: an NRRD mask of two components": (
        lambda r: itk(r, SimpleITK.GetImageFromArray(TWICE, isVector=True), "mask.nrrd"),
        "its mask .* and 2 channels"),
    "nnU-Net 1183, 946: BraTS has the label 4": (
        lambda r: WRITERS[".nii.gz"](r, "mask", np.choose(LABELS, [0, 1, 4]).astype(np.int16), AFFINE),
        "has the label 4; declared are 0, 1, 2, and it holds 0, 1, 4"),
    "nnU-Net 1007: the image in place of the mask": (
        lambda r: WRITERS[".nii.gz"](r, "mask", NUMBERS - 1024, AFFINE),
        r"has the label -1024, -1023, -1022, -1021, …; declared are 0, 1, 2$"),
    "ami 104: a mask as .mhd": (lambda r: WRITERS[".mhd"](r, "mask", LABELS, AFFINE), ""),
    "MONAI 4238: a mask as .seg.nrrd": (lambda r: WRITERS[".nrrd"](r, "mask.seg", LABELS, AFFINE), ""),
    "InnerEye 722: a mask of floats": (
        lambda r: WRITERS[".nii.gz"](r, "mask", LABELS.astype(np.float64), AFFINE), ""),
    "a mask as a DICOM series": (lambda r: write_series(r, "mask", LABELS, AFFINE), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", MASKS)
def test_masks_as_reported(name: str, tmp_path: Path) -> None:
    write, refuses = MASKS[name]
    image = WRITERS[".nii.gz"](tmp_path, "image", NUMBERS, AFFINE)
    mask = write(tmp_path)
    if refuses:
        with pytest.raises(InputError, match=refuses):
            read_mask(image, mask, [0, 1, 2])
    else:
        assert (read_mask(image, mask, [0, 1, 2])[0] == LABELS.transpose(2, 1, 0)).all()


RAW: dict[str, tuple[dict[str, Any], Callable[[Path], Any], str]] = {
    "nnU-Net 820, 1644, 188: the first version's list of files": (
        {"training": [{"image": "./imagesTr/case_00.nii.gz", "label": "./labelsTr/case_00.nii.gz"}]},
        lambda r: None, ""),
    "nnU-Net 231: masks with a channel in their names": (
        {}, lambda r: renamed(r / "labelsTr/case_00.nii.gz", "case_00_0000.nii.gz"),
        "but masks have no channel"),
    "nnU-Net 1757: labels with gaps": (
        {"labels": {"background": 0, "front": 1, "back": 2, "vessel": 200}}, lambda r: None, ""),
    "nnU-Net 2500: labels that are not those of the masks": (
        {"labels": {"background": 0, "back": 2, "third": 3}}, lambda r: None,
        "has the label 1; declared are 0, 2, 3, and it holds 0, 1, 2"),
    "nnU-Net 946: channels that are numbered as in the files": (
        {"channel_names": {"0000": "FLAIR", "0001": "T1"}}, lambda r: None, ""),
    "nnU-Net 946: no labels": ({"labels": {}}, lambda r: None, r"dataset\.json lacks labels"),
    "nnU-Net 653, 1952, 2579, Skeleton-Recall 3: regions": (
        {"labels": {"background": 0, "whole": ["1", "2"], "core": 2}, "regions_class_order": [1, 2]},
        lambda r: None, "regions in labels must be like"),
    "MONAI 8305: what macOS leaves beside files": (
        {}, lambda r: (r / "imagesTr/._case_00_0000.nii.gz").write_bytes(b"\0\5\26\7"), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_raw_data_sets_as_reported(name: str, tmp_path: Path) -> None:
    described, change, refuses = RAW[name]
    root = write_raw(tmp_path / "Dataset001_Boxes", **described)
    change(root)
    if refuses:
        with pytest.raises(InputError, match=refuses):
            nnunet.load(root, tmp_path / "cache", split=(0.5, 0.25, 0.25))
    else:
        dataset = nnunet.load(root, tmp_path / "cache", split=(0.5, 0.25, 0.25))
        assert sum(map(len, dataset.splits.values())) == 6
        assert dataset.train.targets.max() == 2


@pytest.mark.parametrize("values", [(0, 255), (0, 37, 255)], ids=["nnU-Net 1777, 1678, 1247", "nnU-Net 2404"])
def test_png_masks_that_are_white(values: tuple[int, ...], tmp_path: Path) -> None:
    root = tmp_path / "Dataset666_Thyroid"
    for folder, end in (("imagesTr", "_0000"), ("labelsTr", "")):
        (root / folder).mkdir(parents=True)
        for k in range(6):
            content = np.array(values, np.uint8)[np.arange(64).reshape(8, 8) % len(values)]
            Image.fromarray(content).save(root / folder / f"{k}{end}.png")
    content = {"channel_names": {"0": "US"}, "labels": {"background": 0, "nodule": 1}, "file_ending": ".png"}
    (root / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"declared are 0, 1, and it holds {', '.join(map(str, values))}"):
        nnunet.load(root, tmp_path / "cache")


FOLDERS: dict[str, Callable[[Path], Any]] = {
    "vision 109, fastai 488: .DS_Store": lambda r: (r / ".DS_Store").write_bytes(b"x"),
    "vision 2831: notebooks leave a hidden folder": lambda r: [
        (r / ".ipynb_checkpoints").mkdir(), (r / "a" / "0.png").rename(r / ".ipynb_checkpoints" / "0.png"),
        Image.new("L", (8, 8), 3).save(r / "a" / "0.png")],
    "vision 552, anomalib 3058: endings in capitals": lambda r: [
        path.rename(path.with_suffix(".PNG")) for path in (r / "a").iterdir()],
    "turicreate 644: Thumbs.db": lambda r: (r / "a" / "Thumbs.db").write_bytes(b"x"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_as_reported(name: str, tmp_path: Path) -> None:
    root = tmp_path / "scans"
    for label, value in (("a", 0), ("b", 200)):
        (root / label).mkdir(parents=True)
        for i in range(8):
            Image.new("L", (8, 8), value + i).save(root / label / f"{i}.png")
    FOLDERS[name](root)
    dataset = image_folder.load(root, tmp_path / "cache", image_size=8, split=(0.5, 0.25, 0.25))
    assert dataset.class_names == ("a", "b")
    assert sum(map(len, dataset.splits.values())) == 16
    for split in dataset.splits.values():
        assert ((split.images.amax((1, 2, 3)) >= 200).long() == split.targets).all()


def test_a_cache_of_other_files_is_not_taken(tmp_path: Path) -> None:
    """nnU-Net's users clear their preprocessed data by hand: here a changed file is decoded again."""
    root = tmp_path / "scans"
    for k in range(4):
        write_pair(root, f"p{k}")

    def load() -> str:
        return nifti_folder.load(root, "images/*.nii.gz", "masks/*.nii.gz", ["background", "front", "back"],
                                 tmp_path / "cache", split=(0.5, 0.25, 0.25)).fingerprint  # fmt: skip

    before = load()
    assert load() == before
    write_pair(root, "p2", seed=1)
    assert load() != before
