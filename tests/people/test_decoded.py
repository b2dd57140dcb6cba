"""Masks that people saved are decoded once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from al_runner.data.layouts.grid import Grid
from al_runner.data.masks import Labels, Masks
from al_runner.people.decoded import DECODED, Decoded

LABELS = np.arange(16, dtype=np.uint8).reshape(4, 4) % 3


@pytest.fixture
def read() -> list[Path]:
    """The masks that were decoded."""
    return []


@pytest.fixture
def decoded(tmp_path: Path, read: list[Path]) -> Decoded:
    def labels(_image: Path, mask: Path) -> Labels:
        read.append(mask)
        return LABELS, (1, 1)

    unused: Any = None
    return Decoded(tmp_path, tmp_path, Masks(".png", {}, labels, unused, unused, Grid((3, 4))))


def test_once(decoded: Decoded, read: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    first = decoded.target("a.png", Path("m.png"), "sha256:1")
    assert "m.png reaches beyond dataset.shape=[3, 4] and loses foreground" in capsys.readouterr().err
    again = Decoded(decoded.folder, decoded.root, decoded.masks).target("a.png", Path("m.png"), "sha256:1")
    np.testing.assert_array_equal(first, LABELS[:3])
    np.testing.assert_array_equal(again, first)
    assert again.dtype == first.dtype
    assert (len(read), capsys.readouterr().err) == (1, "")


def test_another_mask_or_image_is_decoded(decoded: Decoded, read: list[Path]) -> None:
    for sample, label in (("a.png", "sha256:1"), ("a.png", "sha256:2"), ("b.png", "sha256:1")):
        decoded.target(sample, Path("m.png"), label)
    assert len(read) == 3


def test_what_is_damaged_or_cannot_be_kept_is_decoded_again(decoded: Decoded, read: list[Path]) -> None:
    decoded.target("a.png", Path("m.png"), "sha256:1")
    (kept,) = (decoded.folder / DECODED).iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    np.testing.assert_array_equal(decoded.target("a.png", Path("m.png"), "sha256:1"), LABELS[:3])
    kept.unlink()
    (decoded.folder / DECODED).rmdir()
    (decoded.folder / DECODED).write_text("no folder")
    np.testing.assert_array_equal(decoded.target("a.png", Path("m.png"), "sha256:1"), LABELS[:3])
    assert len(read) == 3
