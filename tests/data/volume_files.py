"""One volume in every format that volumes come in, for tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK
from nibabel.orientations import axcodes2ornt
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
Numbers = np.ndarray
Write = Callable[[Path, str, Numbers, Numbers], Path]
"""Folder, name, numbers [i, j, k], and affine to RAS → the path by which the volume is known."""


def oriented(array: Numbers, affine: Numbers, axes: str) -> tuple[Numbers, Numbers]:
    """The same volume with its axes stored along others, such as LPS, from RAS."""
    turned = nibabel.Nifti1Image(array, affine).as_reoriented(axcodes2ornt(axes))
    return np.array(turned.dataobj), turned.affine


def _nibabel(suffix: str) -> Write:
    def write(folder: Path, name: str, array: Numbers, affine: Numbers) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        kind = nibabel.Nifti1Pair if suffix == ".hdr" else nibabel.Nifti1Image
        nibabel.save(kind(array, affine), folder / f"{name}{suffix}")
        return folder / f"{name}{suffix}"

    return write


def _itk(suffix: str) -> Write:
    def write(folder: Path, name: str, array: Numbers, affine: Numbers) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        image = SimpleITK.GetImageFromArray(array.transpose(2, 1, 0))
        matrix = LPS @ affine
        steps = np.linalg.norm(matrix[:3, :3], axis=0)
        image.SetSpacing(steps.tolist())
        image.SetDirection((matrix[:3, :3] / steps).ravel().tolist())
        image.SetOrigin(matrix[:3, 3].tolist())
        SimpleITK.WriteImage(image, str(folder / f"{name}{suffix}"))
        return folder / f"{name}{suffix}"

    return write


def header(**tags: Any) -> Dataset:
    """Of a DICOM file with 16 bits."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    given = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": generate_uid(), "Modality": "CT",
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16,
        "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1, **tags,
    }  # fmt: skip
    for key, value in given.items():
        setattr(data, key, value)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def _plane(affine: Numbers, k: int) -> tuple[list[float], list[float], list[float]]:
    """Position, directions and spacing of a slice, as DICOM has them."""
    matrix = LPS @ affine
    steps = np.linalg.norm(matrix[:3, :3], axis=0)
    directions = (matrix[:3, :2] / steps[:2]).T.ravel()
    position = matrix @ [0, 0, k, 1]
    return _decimal(position[:3]), _decimal(directions), _decimal([steps[1], steps[0]])


def _decimal(values: Any) -> list[float]:
    """As many digits as DICOM has room for."""
    return [float(f"{value:.9g}") for value in values]


def write_series(
    folder: Path, name: str, array: Numbers, affine: Numbers, suffix: str = ".dcm", **tags: Any
) -> Path:
    """A folder of slices, whose names do not run as they lie; intercept −1000."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    uid = generate_uid()
    order = np.random.default_rng(0).permutation(array.shape[2])
    for number, k in enumerate(order.tolist()):
        position, directions, spacing = _plane(affine, k)
        given = {
            "SeriesInstanceUID": uid, "SeriesNumber": 4, "InstanceNumber": number,
            "ImagePositionPatient": position, "ImageOrientationPatient": directions, "PixelSpacing": spacing,
            "RescaleSlope": 1, "RescaleIntercept": -1000, **tags,
        }  # fmt: skip
        data = header(**given)
        _pixels(data, array[:, :, k].T + 1000)
        number_or_tag = tags.get("SeriesNumber", "")
        data.save_as(place / f"IM{number_or_tag}{number:04}{suffix}", enforce_file_format=True)
    return place


def _pixels(data: Dataset, values: Numbers) -> None:
    data.Rows, data.Columns = values.shape[-2:]
    data.PixelData = values.astype("<i2").tobytes()


def _item(**tags: Any) -> Sequence:
    item = Dataset()
    for key, value in tags.items():
        setattr(item, key, value)
    return Sequence([item])


def enhanced(array: Numbers, affine: Numbers) -> Dataset:
    """A file of many frames, whose order is not that in which they lie."""
    order = np.random.default_rng(1).permutation(array.shape[2]).tolist()
    _, directions, spacing = _plane(affine, 0)
    data = header(
        SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=len(order), SeriesInstanceUID=generate_uid()
    )
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=directions)
    shared.PixelMeasuresSequence = _item(PixelSpacing=spacing)
    shared.PixelValueTransformationSequence = _item(RescaleSlope=1, RescaleIntercept=-1000, RescaleType="HU")
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for k in order:
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=_plane(affine, k)[0])
        frames.append(frame)
    data.PerFrameFunctionalGroupsSequence = Sequence(frames)
    _pixels(data, np.stack([array[:, :, k].T for k in order]) + 1000)
    return data


def write_enhanced(folder: Path, name: str, array: Numbers, affine: Numbers) -> Path:
    """The same in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    enhanced(array, affine).save_as(folder / f"{name}.dcm", enforce_file_format=True)
    return folder / f"{name}.dcm"


def write_stack(path: Path, pages: Numbers, **options: Any) -> Path:
    """Pages [n, height, width] in one TIFF file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=others, **options)
    return path


WRITERS: dict[str, Write] = {
    ".nii.gz": _nibabel(".nii.gz"), ".nii": _nibabel(".nii"), ".hdr": _nibabel(".hdr"),
    ".nrrd": _itk(".nrrd"), ".nhdr": _itk(".nhdr"), ".mha": _itk(".mha"), ".mhd": _itk(".mhd"),
    "series": write_series, ".dcm": write_enhanced,
}  # fmt: skip
"""How each format's volumes are known: by the end of their names, or by a folder."""
