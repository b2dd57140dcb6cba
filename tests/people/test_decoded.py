"""Masks that people saved are decoded once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from al_runner.data.layouts.grid import Grid
from al_runner.data.masks import Labels, Masks
from al_runner.errors import InputError
from al_runner.people.decoded import DECODED, Decoded, checksum

LABELS = np.arange(16, dtype=np.uint8).reshape(4, 4) % 3


@pytest.fixture
def read() -> list[Path]:
    """The masks that were decoded."""
    return []


@pytest.fixture
def decoded(tmp_path: Path, read: list[Path]) -> Decoded:
    def labels(_image: Path, files: Sequence[Path | None]) -> Labels:
        (mask,) = files
        assert mask is not None
        read.append(mask)
        if mask.read_text() == "saved meanwhile":
            mask.write_text("saved")
        return LABELS, (1, 1)

    unused: Any = None
    return Decoded(tmp_path, tmp_path, Masks(".png", {}, labels, unused, unused, Grid((3, 4))))


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    (tmp_path / "m.png").write_text("any")
    return tmp_path / "m.png"


def target(decoded: Decoded, mask: Path, sample: str = "a.png") -> np.ndarray:
    return decoded.target(sample, mask, checksum(mask)).numpy()


def test_once(decoded: Decoded, mask: Path, read: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    first = target(decoded, mask)
    assert "m.png reaches beyond dataset.shape=[3, 4] and loses foreground" in capsys.readouterr().err
    again = target(Decoded(decoded.folder, decoded.root, decoded.masks), mask)
    np.testing.assert_array_equal(first, LABELS[:3])
    np.testing.assert_array_equal(again, first)
    assert again.dtype == first.dtype
    assert (len(read), capsys.readouterr().err) == (1, "")


def test_another_mask_or_image_is_decoded(decoded: Decoded, mask: Path, read: list[Path]) -> None:
    target(decoded, mask)
    target(decoded, mask, "b.png")
    mask.write_text("another")
    target(decoded, mask)
    assert len(read) == 3


def test_what_is_damaged_or_cannot_be_kept_is_decoded_again(
    decoded: Decoded, mask: Path, read: list[Path]
) -> None:
    target(decoded, mask)
    (kept,) = (decoded.folder / DECODED).iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    np.testing.assert_array_equal(target(decoded, mask), LABELS[:3])
    kept.unlink()
    (decoded.folder / DECODED).rmdir()
    (decoded.folder / DECODED).write_text("no folder")
    np.testing.assert_array_equal(target(decoded, mask), LABELS[:3])
    assert len(read) == 3


def test_one_that_is_saved_while_it_is_read_is_not_kept(decoded: Decoded, mask: Path) -> None:
    mask.write_text("saved meanwhile")
    with pytest.raises(InputError, match="was saved while it was read: start the same al-run again"):
        target(decoded, mask)
    assert not (decoded.folder / DECODED).exists()
    with pytest.raises(InputError, match="cannot read"):
        checksum(mask.with_name("gone.png"))
