import numpy as np
import torch

from al_runner.data.dataset import Split
from al_runner.data.thumbnails import thumbnails


def split(*shape: int) -> Split:
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Split(images, torch.zeros(shape[0]))


def test_small_images_are_shown_as_they_are() -> None:
    gray, color = split(40, 1, 28, 20), split(40, 3, 28, 20)
    chosen = torch.tensor([7, 3, 30])
    assert np.array_equal(thumbnails(gray, chosen), gray.images[chosen, 0].numpy())
    assert np.array_equal(thumbnails(color, chosen), color.images[chosen].movedim(1, -1).numpy())
    assert len(thumbnails(gray, torch.arange(40))) == 24


def test_large_images_are_averaged_and_volumes_cut_in_the_middle() -> None:
    large = split(3, 1, 256, 128)
    expected = large.images.float().reshape(3, 64, 4, 32, 4).mean((2, 4)).round()
    assert np.array_equal(thumbnails(large, torch.arange(3)), expected.to(torch.uint8).numpy())
    volume = split(3, 1, 9, 28, 28)
    assert np.array_equal(thumbnails(volume, torch.arange(3)), volume.images[:, 0, 4].numpy())
