"""JPEGs come out as Pillow decodes them, whatever library does it, and so do faults."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from al_runner.data.formats import jpegs
from al_runner.data.formats.pictures import read, whole
from al_runner.errors import InputError

pytest.importorskip("simplejpeg")

EDGES = (61, 47)
RANDOM = np.random.default_rng(0)
COLORS = Image.fromarray(RANDOM.integers(0, 255, (6, 8, 3), dtype=np.uint8)).resize(
    EDGES, Image.Resampling.BICUBIC
)
"""Soft, with strong colors, and edges that no block divides."""


def encoded(image: Image.Image = COLORS, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **{"format": "JPEG", "quality": 90, **options})
    return buffer.getvalue()


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(exif=exif)


KINDS: dict[str, bytes] = {
    "gray": encoded(COLORS.convert("L")),
    "4:4:4": encoded(subsampling="4:4:4"),
    "4:2:2": encoded(subsampling="4:2:2"),
    "4:2:0": encoded(subsampling="4:2:0"),
    "progressive": encoded(progressive=True),
    "restart markers": encoded(restart_marker_blocks=2),
    "upright": turned(1),
}
OTHERS: dict[str, bytes] = {
    "stored as RGB": encoded(keep_rgb=True),
    "CMYK": encoded(COLORS.convert("CMYK")),
    "turned": turned(6),
    "turned, says XMP": encoded(xmp=b'<x tiff:Orientation="6"/>'),
    "several pictures": encoded(format="MPO", save_all=True, append_images=[COLORS]),
    "PNG": encoded(format="PNG"),
    "more behind its end": encoded() + bytes(99),
    "cut short": encoded()[:-300],
    "no end": encoded()[:-2],
    "one byte": b"\xff",
}
Outcome = np.ndarray | str


def outcome(path: Path, size: int | None, channels: int) -> Outcome:
    try:
        return whole(path, channels) if size is None else read(path, size, channels, upright=True)
    except InputError as error:
        return str(error)


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Checks that a file comes out the same without simplejpeg: as it is, resized, in color."""
    path = tmp_path / "x.jpg"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        for size, channels in ((None, 1), (32, 1), (32, 3)):
            found = outcome(path, size, channels)
            with monkeypatch.context() as patch:
                patch.setattr(jpegs, "simplejpeg", None)
                assert np.array_equal(found, outcome(path, size, channels))

    return check


@pytest.mark.parametrize("kind", [*KINDS, *OTHERS])
def test_pixels_and_faults_are_pillows(kind: str, both: Callable[[bytes], None]) -> None:
    both({**KINDS, **OTHERS}[kind])


def test_any_damage_is_judged_by_pillow(both: Callable[[bytes], None]) -> None:
    content = encoded()
    for place in RANDOM.integers(2, len(content), 60):
        damaged = bytearray(content)
        damaged[place] ^= int(RANDOM.integers(1, 256))
        both(bytes(damaged))


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", KINDS)
def test_which_are_decoded_here(kind: str, mode: str, tmp_path: Path) -> None:
    path = tmp_path / "x.JPG"
    path.write_bytes(KINDS[kind])
    found = jpegs.read(path, mode, upright=True)
    assert found is not None
    assert found.shape == (*EDGES[::-1], *([3] if mode == "RGB" else []))


@pytest.mark.parametrize(
    "kind", ["stored as RGB", "CMYK", "turned", "turned, says XMP", "cut short", "no end"]
)
def test_which_are_left_to_pillow(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(OTHERS[kind])
    assert jpegs.read(path, "L", upright=True) is None


def test_a_size_that_pillow_warns_of_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(KINDS["gray"])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert jpegs.read(path, "L", upright=True) is None
