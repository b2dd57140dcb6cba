"""Files as the page draws them: the original pixels."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from al_runner.data.formats.volume import is_volume
from al_runner.errors import InputError
from al_runner.people.page import pictures, slices
from al_runner.people.page.pictures import Picture, gray, quantized
from tests.data.volume_files import oriented, write_series
from tests.people.page.conftest import Reader

RNG = np.random.default_rng(0)


def values(picture: Picture) -> np.ndarray:
    return picture.low + picture.step * picture.pixels.astype(np.float64)


def save(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".pgm"])
def test_gray_of_8_bits(tmp_path: Path, suffix: str) -> None:
    pixels = RNG.integers(0, 256, (5, 7), np.uint8)
    picture = pictures.read(save(tmp_path / f"x{suffix}", pixels))
    assert (picture.pixels == pixels).all()
    assert picture.body() == pixels.tobytes()
    told = picture.told()
    assert (told["kind"], told["height"], told["width"], told["window"]) == ("gray8", 5, 7, (0.0, 255.0))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_gray_of_16_bits_is_whole(tmp_path: Path, suffix: str) -> None:
    pixels = RNG.integers(1000, 40000, (5, 7), np.uint16)
    picture = pictures.read(save(tmp_path / f"x{suffix}", pixels))
    assert (values(picture) == pixels).all()
    assert picture.window == (pixels.min(), pixels.max())
    assert picture.told()["kind"] == "gray16"
    assert np.frombuffer(picture.body(), "<u2").reshape(5, 7).tolist() == picture.pixels.tolist()


def test_colors_palettes_and_transparency(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (5, 7, 3), np.uint8)
    assert (pictures.read(save(tmp_path / "x.png", pixels)).pixels == pixels).all()
    Image.fromarray(pixels).quantize(8).save(tmp_path / "p.png")
    assert pictures.read(tmp_path / "p.png").told()["kind"] == "rgb8"
    clear = np.dstack([pixels, np.zeros((5, 7), np.uint8)])
    assert not pictures.read(save(tmp_path / "t.png", clear)).pixels.any(), "on black"
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "c.tif")
    assert pictures.read(tmp_path / "c.tif").pixels.shape == (5, 7, 3)
    Image.fromarray(pixels[..., 0] > 128).save(tmp_path / "b.png")
    assert set(np.unique(pictures.read(tmp_path / "b.png").pixels)) == {0, 255}


def test_it_is_upright_and_its_header_stays_here(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Jane Doe"
    path = save(tmp_path / "x.jpg", np.zeros((4, 9), np.uint8), exif=exif)
    picture = pictures.read(path)
    assert picture.pixels.shape == (9, 4)
    assert b"Jane" not in picture.body()


def test_floats_have_65536_shades(tmp_path: Path) -> None:
    pixels = RNG.normal(0, 3, (50, 50)).astype(np.float32)
    picture = pictures.read(save(tmp_path / "x.tif", pixels))
    assert np.abs(values(picture) - pixels).max() <= picture.step / 2 + 1e-6
    odd = np.array([[np.nan, -np.inf, 1.0, 3.0, np.inf]])
    found, low, step = quantized(odd)
    assert (low + step * found.astype(float)).round(3).tolist() == [[1, 1, 1, 3, 3]]
    assert quantized(np.full((2, 2), np.nan))[0].tolist() == [[0, 0], [0, 0]]
    assert gray(np.full((2, 2), -5, np.int16)).window == (-5, -4)


def test_an_image_too_large_for_a_browser_is_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 100)
    for pixels in (np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint16)):
        picture = pictures.read(save(tmp_path / "x.png", pixels))
        assert (picture.reduced, picture.pixels.shape) == (4, (8, 10))


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", None])
def test_what_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    for name in ("secret.png", "secret.dcm", "secret.nii.gz", "secret.txt"):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=r"the file (is not there|cannot be read)") as error:
            (slices if is_volume(path) else pictures).read(path)
        assert "secret" not in str(error.value)


def test_dicom_in_its_own_units(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from tests.data.test_dicom import VALUES, write

    tags = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400}
    picture = pictures.read(write(tmp_path / "x.dcm", PixelSpacing=[2, 1], PatientName="Doe^Jane", **tags))
    assert (values(picture) == VALUES.astype(int) - 1024).all()
    assert (picture.window, picture.aspect, picture.inverted) == ((-160, 240), 2, False)
    assert "Doe" not in json.dumps(picture.told())
    assert pictures.read(write(tmp_path / "x.dcm", PhotometricInterpretation="MONOCHROME1")).inverted
    assert pictures.read(write(tmp_path / "x.dcm")).window == (0, VALUES.max())
    color = RNG.integers(0, 256, (16, 16, 3), np.uint8)
    assert (pictures.read(write(tmp_path / "x.dcm", color)).pixels == color).all()
    with pytest.raises(InputError, match="has 2 frames"):
        pictures.read(write(tmp_path / "x.dcm", NumberOfFrames=2))


@pytest.fixture
def volume(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A volume whose axes run left, back, up in the file; and its voxels from right to left, and so on."""
    content = RNG.integers(-1000, 2000, (4, 5, 6)).astype(np.int16)
    path = tmp_path / "x.nii.gz"
    nibabel.save(nibabel.Nifti1Image(content, np.diag([-1.0, -2.0, 3.0, 1.0])), path)
    return path, content[::-1, ::-1]  # now right, front, up


def test_planes_of_a_volume(volume: tuple[Path, np.ndarray]) -> None:
    path, content = volume  # [x from left to right, y from back to front, z from foot to head]
    stack = slices.read(path)
    assert stack.counts() == {"axial": 6, "coronal": 5, "sagittal": 4}
    axial, coronal, sagittal = (stack.slice(plane, 1) for plane in slices.PLANES)
    assert (values(axial) == content[::-1, ::-1, 1].T).all(), "front is up, the right side is left"
    assert (values(coronal) == content[::-1, 1, ::-1].T).all(), "the head is up, the right side is left"
    assert (values(sagittal) == content[1, ::-1, ::-1].T).all(), "the head is up, the front is left"
    assert (axial.aspect, coronal.aspect, sagittal.aspect) == (2, 3, 1.5)
    assert (stack.slice("axial", 99).pixels == stack.slice("axial", 5).pixels).all()
    assert slices.read(path) is stack, "kept"


def test_planes_of_a_dicom_series(tmp_path: Path) -> None:
    content = np.arange(120, dtype=np.int16).reshape(4, 5, 6)
    folder = write_series(tmp_path, "p0", *oriented(content, np.diag([1.0, 2.0, 3.0, 1.0]), "LPS"))
    assert is_volume(folder)
    axial = slices.read(folder).slice("axial", 1)
    assert (values(axial) == content[::-1, ::-1, 1].T).all()
    assert axial.aspect == 2
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(InputError, match="the file cannot be read as a volume"):
        slices.read(folder)


def test_the_page_sends_slices(opened: Callable[..., Reader], volume: tuple[Path, np.ndarray]) -> None:
    reader = opened(samples=["x.nii.gz", "gone.png"])
    volume[0].rename(reader.run.parent / "scans" / "x.nii.gz")
    response = reader.get("image/0/0", plane="coronal", slice="2")
    told = json.loads(response.headers["x-picture"])
    assert (told["slices"]["coronal"], told["height"], told["width"]) == (5, 6, 4)
    assert len(response.content) == 2 * 6 * 4
    for odd in ("-1", "x", "9" * 30, "²"):
        assert reader.get("image/0/0", plane="no", slice=odd).status_code == 200
    gone = reader.get("image/0/1")
    assert (gone.status_code, gone.text) == (404, "the file is not there")
