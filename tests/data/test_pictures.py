"""Image files of every kind, as gray or color of 8 bits."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torchvision.transforms import Compose, Grayscale, PILToTensor, Resize

from al_runner.data.formats.pictures import read
from al_runner.errors import InputError

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def saved(tmp: Path, image: Image.Image, name: str = "x.png", **options: object) -> Path:
    image.save(tmp / name, **options)
    return tmp / name


def colored(size: tuple[int, int] = (61, 47)) -> Image.Image:
    image = Image.new("RGB", size, (10, 40, 90))
    draw = ImageDraw.Draw(image)
    draw.ellipse((5, 5, 40, 30), fill=(250, 30, 20))
    draw.line((0, 0, *size), fill=(0, 255, 0), width=3)
    return image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.ppm", "x.webp"])
def test_as_torchvision_reads_and_resizes(name: str, channels: int, tmp_path: Path) -> None:
    path = saved(tmp_path, colored(), name)
    steps = [Resize((32, 32)), *([Grayscale()] if channels == 1 else []), PILToTensor()]
    expected = Compose(steps)(Image.open(path).convert("RGB"))
    difference = torch.from_numpy(read(path, 32, channels).astype(int)) - expected.int()
    assert difference.abs().max() <= (2 if channels == 1 else 0), "gray before it is resized, not after"


def test_luma_of_a_jpeg_is_the_one_it_holds(tmp_path: Path) -> None:
    path = saved(tmp_path, colored(), "x.jpg", quality=95)
    image = Image.open(path)
    image.draft("YCbCr", image.size)
    expected = image.getchannel(0).resize((32, 32), Image.Resampling.BILINEAR)
    assert (read(path, 32, 1)[0] == np.asarray(expected)).all()
    gray = saved(tmp_path, colored().convert("L").convert("RGB"), "gray.jpg")
    expected = Image.open(gray).convert("RGB").convert("L").resize((32, 32), Image.Resampling.BILINEAR)
    colors = Image.open(path).resize((32, 32), Image.Resampling.BILINEAR)
    assert (read(path, 32, 3) == np.asarray(colors).transpose(2, 0, 1)).all()
    assert (read(gray, 32, 1)[0] == np.asarray(expected)).all(), "a gray picture stored in color"


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_scaled(channels: int, tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for name in ("x.png", "x.tif"):
        pixels = read(saved(tmp_path, Image.fromarray(values), name), 16, channels)
        assert (pixels == (values / 65535 * 255).round().astype(np.uint8)).all()
        assert pixels.shape == (channels, 16, 16)
    path = tmp_path / "x.pgm"
    path.write_bytes(b"P5 16 16 65535\n" + values.astype(">u2").tobytes())
    assert (read(path, 16, 1)[0] == pixels[0]).all()


def test_12_bits_in_16_are_scaled_by_the_value_of_white(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, 256).astype(np.uint16).reshape(16, 16)
    found: list[int] = []
    path = saved(tmp_path, Image.fromarray(values), "x.png")
    pixels = read(path, 16, 1, white=4095, found=found.append)
    assert (pixels == (values / 4095 * 255).round().astype(np.uint8)).all()
    assert found == [4095]
    assert (read(path, 16, 1, white=2000)[0][values > 2000] == 255).all(), "brighter than white is white"


TURNS = {
    1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose,
    6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(np.transpose(a), 2), 8: np.rot90,
}  # fmt: skip
"""Orientation of EXIF → how stored pixels are turned."""


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp"])
@pytest.mark.parametrize("orientation", TURNS)
def test_photographs_are_upright(orientation: int, name: str, tmp_path: Path) -> None:
    """torchvision #7977: the tag is ignored. By the standard, 6 is a camera turned to the left."""
    pixels = np.zeros((32, 16), np.uint8)
    pixels[:8, :8], pixels[:8, 8:] = 250, 120
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(pixels), name, exif=exif, quality=100)
    for upright, expected in ((True, TURNS[orientation](pixels)), (False, pixels)):
        shown = np.asarray(Image.fromarray(expected).resize((16, 16), Image.Resampling.BILINEAR))
        found = read(path, 16, 1, upright=upright)[0].astype(int)
        assert np.abs(found - shown).mean() < 3


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    for name in ("x.png", "x.jpg", "x.dcm"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(InputError, match="has no content: 0 bytes"):
            read(tmp_path / name, 16, 1)


def test_other_modes(tmp_path: Path) -> None:
    gray = Image.fromarray(RAMP)
    for image, name in (
        (gray, "l.png"),
        (gray.convert("RGB"), "rgb.png"),
        (gray.convert("P"), "p.png"),
        (gray.convert("RGBA"), "rgba.png"),
        (gray.convert("LA"), "la.png"),
    ):
        for channels in (1, 3):
            assert (read(saved(tmp_path, image, name), 16, channels) == RAMP).all(), name
    assert (
        read(saved(tmp_path, gray.point(lambda v: 255 * (v > 99)).convert("1"), "1.png"), 16, 1)
        == 255 * (RAMP > 99)
    ).all()
    cmyk = saved(tmp_path, colored((16, 16)).convert("CMYK"), "cmyk.tif")
    expected = np.asarray(colored((16, 16))).transpose(2, 0, 1)
    assert (read(cmyk, 16, 3) == expected).all()
    assert (read(cmyk, 16, 1)[0] == np.asarray(colored((16, 16)).convert("L"))).all()
    palette = saved(tmp_path, colored((16, 16)).quantize(8), "palette.png")
    assert np.abs(read(palette, 16, 3).astype(int) - expected).max() < 9


def test_transparency_lies_on_black(tmp_path: Path) -> None:
    image = Image.fromarray(
        np.stack([np.full((8, 8), 200, np.uint8)] * 3 + [np.eye(8, dtype=np.uint8) * 255], -1)
    )
    assert (read(saved(tmp_path, image), 8, 1)[0] == 200 * np.eye(8)).all()


def test_what_is_refused(tmp_path: Path) -> None:
    def refused(path: Path, words: str) -> None:
        with pytest.raises((InputError, OSError), match=words):
            read(path, 8, 1)

    whole = saved(tmp_path, colored(), "x.jpg")
    for name, content, words in (
        ("empty.png", b"", "has no content: 0 bytes"),
        ("text.png", b"text", "not an image of a known format"),
        ("cut.jpg", whole.read_bytes()[:-99], "truncated"),
        ("cut.png", saved(tmp_path, colored()).read_bytes()[:200], "truncated"),
        ("empty.dcm", b"", "."),
    ):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, words)
    refused(tmp_path / "missing.png", "No such file")
    floats = Image.fromarray(RAMP.astype(np.float32))
    refused(saved(tmp_path, floats, "float.tif"), "floating-point pixels")
    wide = Image.fromarray(np.full((8, 8), 70000, np.int32))
    refused(saved(tmp_path, wide, "wide.tif"), "70000 to 70000, where 16 bits are expected")
    pages = saved(tmp_path, colored(), "pages.tif", save_all=True, append_images=[colored()])
    refused(pages, "several pages")
