import pytest
import torch
from torch import nn

from al_runner.models.saliency import Gradient, IntegratedGradients
from tests.models.saliency.networks import images_of, largest, network_of


def test_gradients_are_what_pixels_change() -> None:
    """By finite differences; the magnitudes of channels are added."""
    network, images = network_of("alda_cnn", channels=2).double().eval(), images_of("alda_cnn", 1, 2).double()
    maps = Gradient()(network, images, largest)
    chosen = largest(network(images)).detach()
    for row, column in ((0, 0), (13, 5), (27, 27)):
        expected = 0.0
        for channel in range(2):
            moved = images.repeat(2, 1, 1, 1)
            moved[:, channel, row, column] += torch.tensor([1e-6, -1e-6])
            up, down = (network(moved) * chosen).sum(1).detach()
            expected += float((up - down).abs() / 2e-6)
        assert float(maps[0, row, column]) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", ["alda_cnn", "resnet18, narrow"])
def test_integrated_gradients_are_complete(name: str) -> None:
    """The sum of a map is the output less that of a black image."""
    network, images = network_of(name, channels=2).eval(), images_of(name, channels=2)
    with torch.no_grad():
        outputs, black = network(images), network(-torch.ones_like(images))
    difference = ((outputs - black) * largest(outputs)).sum(1)
    sums = IntegratedGradients(steps=64)(network, images, largest).flatten(1).sum(1)
    torch.testing.assert_close(sums, difference, rtol=0, atol=0.06 * float(difference.abs().max()))


def test_integrated_gradients_of_a_linear_network_are_its_contributions() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    images = torch.rand(2, 1, 2, 2) * 2 - 1
    expected = (images[:, 0] + 1) * network[1].weight.detach().view(2, 2)
    torch.testing.assert_close(IntegratedGradients(steps=1)(network, images, torch.ones_like), expected)
