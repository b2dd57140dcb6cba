"""Deep saliency features against plain NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from al_runner.acquisition.autoencoder import WIDTHS, autoencoder, encoded, encoder_of, resized
from tests import reference
from tests.acquisition.data import generator


def blobs(n: int, edge: int = 8) -> Tensor:
    """Maps of one bright spot each."""
    place = torch.rand(n, 2, 1, 1, generator=generator()) * edge
    rows, columns = torch.meshgrid(torch.arange(edge), torch.arange(edge), indexing="ij")
    return torch.exp(-((rows - place[:, 0]) ** 2 + (columns - place[:, 1]) ** 2) / 6)


def layers(network: nn.Sequential) -> list[tuple[np.ndarray, np.ndarray]]:
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    return [
        (layer.weight.detach().double().numpy().copy(), layer.bias.detach().double().numpy().copy())
        for layer in linear
    ]


def test_resized_is_the_mean_of_parts() -> None:
    maps = torch.rand(3, 12, 8, generator=generator())
    expected = [[block.mean() for row in np.split(image, 4) for block in np.split(row, 4, axis=1)]
                for image in maps.numpy()]  # fmt: skip
    np.testing.assert_allclose(resized(maps, 4), expected, rtol=1e-6)
    assert resized(maps[:, :2, :2], 5).shape == (3, 25), "small maps grow"


def test_features_are_those_of_the_paper() -> None:
    maps = blobs(5).flatten(1)
    encoder, decoder = autoencoder(maps, 2, generator())
    assert [weights.shape[0] for weights, _ in layers(encoder)] == [256, 128, 64, 32]
    assert [weights.shape[0] for weights, _ in layers(decoder)] == [64, 128, 256, 64]
    expected = [reference.fully_connected(layers(encoder), row) for row in maps.double().numpy()]
    np.testing.assert_allclose(encoded(maps, encoder), expected, atol=1e-5)


def test_trains_as_adam_does_by_hand() -> None:
    """Five maps are one batch, so three epochs are three steps."""
    maps = blobs(5).flatten(1)
    start, end = autoencoder(maps, 0, generator()), autoencoder(maps, 3, generator())
    trained = reference.adam_autoencoder([layers(part) for part in start], maps.double().numpy(), 3, 1e-3)
    expected = [reference.fully_connected(trained[0], row) for row in maps.double().numpy()]
    np.testing.assert_allclose(encoded(maps, end[0]), expected, atol=1e-5)
    assert not np.allclose(encoded(maps, start[0]), expected, atol=1e-3)


def test_reconstructs_what_it_saw() -> None:
    maps = blobs(64).flatten(1)
    encoder, decoder = autoencoder(maps, 60, generator())
    error = (decoder(encoder(maps)) - maps).square().mean()
    assert error < 0.5 * (maps - maps.mean(0)).square().mean(), "better than the mean map"


def test_the_generator_decides_alone() -> None:
    maps = blobs(40).flatten(1)
    first = encoded(maps, autoencoder(maps, 1, generator(1))[0])
    torch.manual_seed(7)
    assert torch.equal(encoded(maps, autoencoder(maps, 1, generator(1))[0]), first)
    assert not torch.equal(encoded(maps, autoencoder(maps, 1, generator(2))[0]), first)


@pytest.mark.parametrize("pixels", [1, 9])
def test_an_encoder_takes_the_weights_of_another(pixels: int) -> None:
    maps = torch.rand(4, pixels, generator=generator())
    encoder = autoencoder(maps, 1, generator())[0]
    other = encoder_of(pixels)
    other.load_state_dict(encoder.state_dict())
    assert torch.equal(encoded(maps, other), encoded(maps, encoder))
    assert encoded(maps, other).shape == (4, WIDTHS[-1])
