"""DICOM files, written here, as they are meant to be shown."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.pixels.processing import apply_windowing  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage  # noqa: E402

from al_runner.data.formats import dicom  # noqa: E402
from al_runner.data.formats.pictures import read  # noqa: E402
from al_runner.data.sets import image_folder  # noqa: E402
from al_runner.errors import InputError  # noqa: E402

VALUES = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)


def write(path: Path, pixels: np.ndarray = VALUES, compressed: bool = False, **tags: Any) -> Path:
    """A secondary capture of `pixels`, with further tags."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = SecondaryCaptureImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.4"
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    data.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    data.BitsAllocated = 8 * pixels.itemsize
    data.BitsStored = tags.pop("BitsStored", 12 if pixels.itemsize == 2 else 8)
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(data, name, value)
    if compressed:
        data.compress(RLELossless)
    data.save_as(path, enforce_file_format=True)
    return path


def shown(tmp: Path, *arguments: Any, **tags: Any) -> np.ndarray:
    return read(write(tmp / "x.dcm", *arguments, **tags), 16, 1)[0].astype(int)


def test_without_a_window_its_own_range(tmp_path: Path) -> None:
    expected = (VALUES / VALUES.max() * 255).round()
    assert (shown(tmp_path) == expected).all()
    assert (shown(tmp_path, compressed=True) == expected).all(), "RLE, which pydicom reads itself"
    assert (shown(tmp_path, np.full((16, 16), 7, np.uint16)) == 0).all()
    assert read(tmp_path / "x.dcm", 16, 3).shape == (3, 16, 16)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_window_and_rescaling(function: str, tmp_path: Path) -> None:
    tags = {"WindowCenter": [40, 600], "WindowWidth": [400, 2000], "VOILUTFunction": function,
            "RescaleSlope": 1, "RescaleIntercept": -1024}  # fmt: skip
    pixels = shown(tmp_path, **tags)
    units = VALUES.astype(float) - 1024
    peer = apply_windowing(units, pydicom.dcmread(tmp_path / "x.dcm"))
    low, high = -1024, 4095 - 1024  # what pydicom spreads the window over
    assert np.abs(pixels - (peer - low) / (high - low) * 255).max() <= 0.51
    if function == "LINEAR":
        assert (pixels[units < -160] == 0).all()
        assert (pixels[units > 240] == 255).all()
    dark = shown(tmp_path, PhotometricInterpretation="MONOCHROME1", **tags)
    assert np.abs(dark + pixels - 255).max() <= 1


def test_signed_values(tmp_path: Path) -> None:
    values = np.arange(-2048, 2048, 16, dtype=np.int16).reshape(16, 16)
    pixels = shown(tmp_path, values, WindowCenter=0, WindowWidth=1)
    assert (pixels == 255 * (values > -0.5)).all()


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize("bits", [8, 12])
def test_a_table_of_values_of_interest(bits: int, vr: str, tmp_path: Path) -> None:
    first, table = 100, (2**bits - 1 - np.arange(3000) * 2**bits // 3000).astype(np.uint16)
    item = Dataset()
    item.LUTDescriptor = [len(table), first, bits]
    item.add_new("LUTData", vr, table.tolist() if vr == "US" else table.tobytes())
    pixels = shown(tmp_path, VOILUTSequence=Sequence([item]), WindowCenter=1, WindowWidth=2)
    expected = [
        [table[min(max(int(v) - first, 0), 2999)] / (2**bits - 1) * 255 for v in row] for row in VALUES
    ]
    assert np.abs(pixels - expected).max() <= 0.51


def test_color(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    path = write(tmp_path / "x.dcm", rgb)
    assert (read(path, 16, 3) == rgb.transpose(2, 0, 1)).all()
    path = write(
        tmp_path / "y.dcm",
        np.full((16, 16, 3), (76, 85, 255), np.uint8),
        PhotometricInterpretation="YBR_FULL",
    )
    assert np.abs(read(path, 16, 3)[:, 0, 0].astype(int) - (254, 0, 0)).max() <= 2, "red"


def test_what_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.dcm", np.stack([VALUES[:, :8]] * 2, 1).reshape(16, 16), NumberOfFrames=2, Columns=8
    )
    with pytest.raises(InputError, match="has 2 frames"):
        read(path, 16, 1)
    whole = write(tmp_path / "y.dcm").read_bytes()
    for content in (b"", b"no DICOM", whole[:-99]):
        (tmp_path / "z.dcm").write_bytes(content)
        with pytest.raises(InputError):
            read(tmp_path / "z.dcm", 16, 1)


def test_a_folder_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for i in range(10):
            write(tmp_path / "scans" / name / f"{i}.DCM", np.roll(VALUES, i))
    dataset = image_folder.load(tmp_path / "scans", tmp_path / "cache", image_size=8)
    assert [len(split) for split in dataset.splits.values()] == [14, 2, 4]
    monkeypatch.setattr(dicom, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"DICOM files need pydicom: pip install 'al-runner\[dicom\]'"):
        image_folder.load(tmp_path / "scans", tmp_path / "cache", image_size=8)


def test_files_without_an_ending(tmp_path: Path) -> None:
    """As a PACS exports them (dicomviewer #15): by how they begin. An index (Slicer #3111), notes and clutter
    are none.
    """
    for name in ("a", "b"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for i in range(10):
            write(tmp_path / "scans" / name / (f"IM{i:04}" if i % 2 else f"1.2.840.{i}"), np.roll(VALUES, i))
        (tmp_path / "scans" / name / "README").write_text("no image")
        (tmp_path / "scans" / name / "short").write_bytes(b"")
        write(tmp_path / "scans" / name / "._IM0001")
        write(tmp_path / "scans" / name / "DICOMDIR")
    dataset = image_folder.load(tmp_path / "scans", tmp_path / "cache", image_size=16)
    assert sum(len(split) for split in dataset.splits.values()) == 20
    expected = (VALUES / VALUES.max() * 255).round().astype(np.uint8)
    found = {image[0].numpy().tobytes() for split in dataset.splits.values() for image in split.images}
    assert found == {np.roll(expected, i).tobytes() for i in range(10)}


def test_what_has_no_pixels_is_said(tmp_path: Path) -> None:
    """fo-dicom #1712: presentation states and reports lie beside images in what a PACS exports."""
    path = write(tmp_path / "x.dcm", Modality="PR")
    data = pydicom.dcmread(path)
    del data.PixelData
    data.save_as(path)
    with pytest.raises(InputError, match=r"has no pixels \(modality PR\): it is no image"):
        read(path, 16, 1)


def test_what_reads_compressed_files_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pydicom #1046 and #1061, pylibjpeg #58: messages that do not say what to install."""
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import Decoder
    from pydicom.uid import MPEG2MPML, JPEG2000Lossless

    data = pydicom.dcmread(write(tmp_path / "x.dcm"))
    data.PixelData = encapsulate([b"\0\0"])
    data["PixelData"].VR = "OB"
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless
    data.save_as(tmp_path / "x.dcm")
    monkeypatch.setattr(Decoder, "is_available", False)
    with pytest.raises(InputError, match=r"JPEG 2000 .*, which pylibjpeg reads: .*\[dicom-compressed\]"):
        read(tmp_path / "x.dcm", 16, 1)
    data.file_meta.TransferSyntaxUID = MPEG2MPML
    data.save_as(tmp_path / "x.dcm")
    with pytest.raises(InputError, match=r"MPEG2 .*, which pydicom does not read"):
        read(tmp_path / "x.dcm", 16, 1)


def test_compressed_files_are_read(tmp_path: Path) -> None:
    pytest.importorskip("openjpeg")
    from pydicom.uid import JPEG2000Lossless

    data = pydicom.dcmread(write(tmp_path / "x.dcm", np.tile(VALUES, (8, 8))))
    plain = read(tmp_path / "x.dcm", 16, 1)
    data.compress(JPEG2000Lossless)
    data.save_as(tmp_path / "x.dcm")
    assert (read(tmp_path / "x.dcm", 16, 1) == plain).all()


def test_small_values_without_a_window_are_spread_over_all_grays(tmp_path: Path) -> None:
    """As in nuclear medicine, whose slopes are small."""
    path = write(tmp_path / "pet.dcm", RescaleSlope="0.0001", RescaleIntercept="0")
    pixels = read(path, 16, 1)
    assert (pixels.min(), pixels.max()) == (0, 255)
