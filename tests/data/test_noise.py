"""Gaussian noise on images: how much, on which, and whether it is drawn once."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from al_runner.config.identity import identity
from al_runner.config.schema import to_dict, validate
from al_runner.data.dataset import SPLITS, Dataset, Split
from al_runner.data.noise import with_noise
from al_runner.errors import InputError
from al_runner.loop.seeding import Streams
from tests.commands import Command
from tests.composing import composed


def gray(value: int, n: int = 3, edge: int = 60) -> dict[str, Split]:
    return {
        name: Split(torch.full((n, 1, edge, edge), value, dtype=torch.uint8), torch.zeros(n))
        for name in SPLITS
    }


@pytest.mark.parametrize("sigma", [0.005, 0.01, 0.05, 0.1])
def test_it_has_the_deviation_asked_for(sigma: float) -> None:
    """32,400 pixels: the deviation is known to 1 %, with the variance 1/12 that rounding to levels adds."""
    noisy = with_noise(gray(128), sigma, SPLITS, Streams(0))
    difference = torch.cat([noisy[name].images for name in SPLITS]).double() - 128
    expected = ((255 * sigma) ** 2 + 1 / 12) ** 0.5
    assert difference.std().item() == pytest.approx(expected, rel=0.02)
    assert abs(difference.mean().item()) < 4 * expected / 32_400**0.5


def test_it_is_the_formula(small: Dataset) -> None:
    """round(clip(x + ε)), image by image, with a generator seeded from SHA-256 of seed/noise/split/index."""
    noisy = with_noise(small.splits, 0.1, SPLITS, Streams(7))
    for number, name in enumerate(SPLITS):
        for index in (0, 5, 19):
            digest = hashlib.sha256(f"7/noise/{number}/{index}".encode()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
            image = small.splits[name].images[index].numpy() / 255
            draws = torch.randn(image.shape, generator=generator).numpy()
            expected = np.clip(image + 0.1 * draws, 0, 1) * 255
            assert np.abs(noisy[name].images[index].numpy() - expected).max() <= 0.5 + 1e-4
        assert (noisy[name].targets == small.splits[name].targets).all()


def test_black_and_white_stay_in_their_range() -> None:
    black, white = (with_noise(gray(value), 0.1, SPLITS, Streams(0))["train"].images for value in (0, 255))
    assert (black == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert black.max() < 150
    assert white.min() > 100


def test_only_some_splits_and_other_seeds_and_parts(small: Dataset) -> None:
    before = {name: split.images.clone() for name, split in small.splits.items()}
    train = with_noise(small.splits, 0.05, ["train"], Streams(0))
    assert train["val"] is small.splits["val"]
    assert train["test"] is small.splits["test"]
    alike = with_noise(small.splits, 0.05, SPLITS, Streams(0))["train"].images
    assert (alike == train["train"].images).all(), "no split's noise depends on another's"
    others = [
        with_noise(small.splits, 0.05, SPLITS, Streams(1))["train"].images,
        with_noise(small.splits, 0.05, SPLITS, Streams(0), part=1)["train"].images,
    ]
    assert not any((alike == other).all() for other in others)
    assert all((small.splits[name].images == images).all() for name, images in before.items())


def test_through_the_command(al_run: Command, tiny: list[str], tmp_path: Path) -> None:
    """Noise makes another run, the same one again for the same seed; nonsense is refused in one line."""
    plain, noisy = al_run.run_folder(*tiny), al_run.run_folder(*tiny, "image_noise.sigma=0.1")
    assert noisy != plain
    assert (noisy / "rounds.csv").read_text() != (plain / "rounds.csv").read_text()
    again = al_run.run_folder(*tiny, "image_noise.sigma=0.1", f"output_dir={tmp_path}/again")
    assert (again / "queries.csv").read_bytes() == (noisy / "queries.csv").read_bytes()
    done = al_run(*tiny, "image_noise.sigma=-1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "al-run: image_noise.sigma=-1 must be at least 0"


def test_identity_and_values() -> None:
    def of(*overrides: str) -> str:
        return identity(to_dict(composed(*overrides)))

    assert of("image_noise.sigma=0.0", "image_noise.splits=[train]") == of("~image_noise") == of()
    noisy = of("image_noise.sigma=0.1")
    assert of("image_noise.sigma=0.1", "image_noise.splits=[test,train,val]") == noisy
    others = [of("image_noise.sigma=0.1", "image_noise.splits=[train]"), of("image_noise.sigma=0.05")]
    assert len({of(), noisy, *others}) == 4
    for wrong, words in {
        "image_noise.sigma=12": "image_noise.sigma=12 must be at most 1",
        "image_noise.splits=[pool]": "image_noise.splits=pool must be 'train', 'val' or 'test'",
    }.items():
        with pytest.raises(InputError, match=words):
            validate(composed(wrong))
