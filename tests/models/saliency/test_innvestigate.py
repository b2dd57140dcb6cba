from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.models.saliency import DeepTaylor, DeepTaylorInnvestigate
from al_runner.models.saliency.base import of_class
from al_runner.models.saliency.innvestigate import Rules
from tests.models.saliency import twins
from tests.models.saliency.networks import images_of, largest, network_of

PEER = np.load(Path(__file__).parents[2] / "fixtures" / "innvestigate.npz")
"""Made by the library itself: scripts/peer_innvestigate.py."""


def numbers(tensor: Tensor) -> twins.Array:
    return tensor.detach().double().numpy()


class Peer(nn.Module):
    """The network of the peer's maps, with its weights; Keras counts channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.side = (
            nn.Conv2d(2, 3, 3, padding=1),
            nn.Conv2d(3, 4, 3, padding=1),
            nn.Conv2d(3, 4, 1),
        )
        self.norm1, self.norm2 = nn.BatchNorm2d(3, eps=1e-3), nn.BatchNorm2d(4, eps=1e-3)
        self.hidden, self.last = nn.Linear(16, 5), nn.Linear(5, 3)
        kinds = {
            "Conv2D": [self.first, self.second, self.side],
            "BatchNormalization": [self.norm1, self.norm2],
            "Dense": [self.hidden, self.last],
        }
        by_layer: dict[str, list[Tensor]] = {}
        for key in PEER:
            if key[0].isdigit():
                by_layer.setdefault(key.rsplit(" ", 1)[0], []).append(torch.from_numpy(PEER[key]))
        for name, parts in by_layer.items():
            fill(kinds[name.split()[1]].pop(0), parts)
        with torch.no_grad():  # of pixels, then channels → of channels, then pixels
            self.hidden.weight.copy_(self.hidden.weight.view(5, 4, 4).mT.flatten(1).clone())

    def forward(self, x: Tensor) -> Tensor:
        first = F.relu(self.norm1(self.first(x)))
        joined = F.relu(self.norm2(self.second(first)) + self.side(first))
        pooled = F.avg_pool2d(F.max_pool2d(joined, 2), 2)
        return self.last(F.relu(self.hidden(pooled.flatten(1))))


def fill(layer: Any, parts: list[Tensor]) -> None:
    if isinstance(layer, nn.BatchNorm2d):
        layer.load_state_dict(
            dict(zip(("weight", "bias", "running_mean", "running_var"), parts, strict=True)), strict=False
        )
    else:
        weight, bias = parts
        turned = weight.permute(3, 2, 0, 1) if weight.ndim == 4 else weight.T
        layer.load_state_dict({"weight": turned, "bias": bias})


@pytest.mark.parametrize("rules", ["1.0.9", "2.1.2"])
def test_agrees_with_the_library_itself(rules: Rules) -> None:
    network, images = Peer().eval(), torch.from_numpy(PEER["images"]).permute(0, 3, 1, 2)
    np.testing.assert_allclose(numbers(network(images)), PEER["outputs"], rtol=1e-4, atol=1e-4)
    expected = PEER[f"maps {rules}"].sum(3)
    found = numbers(DeepTaylorInnvestigate(rules)(network, images, largest))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("rules", ["1.0.8", "1.0.9", "2.1.2", "w_squared"])
def test_is_the_rules_neuron_by_neuron(rules: Rules) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(4 * 25, 6), nn.ReLU(), nn.Linear(6, 3),
    )  # fmt: skip
    images = torch.rand(3, 2, 5, 5) * 2 - 1
    layers = [m for m in network if isinstance(m, nn.Conv2d | nn.Linear)]
    with torch.no_grad():
        layers[-1].bias.add_(1)
    maps = DeepTaylorInnvestigate(rules)(network, images, of_class(1))
    assert maps.flatten(1).any(1).all()
    for image, found in zip(images, maps, strict=True):
        entered = [numbers(network[:until](image[None]).flatten()) for until in (0, 2, 4, 7)]
        relevance = np.maximum(numbers(network(image[None])[0]), 0) * [0, 1, 0]
        for layer, x in zip(layers[::-1], entered[::-1], strict=True):
            weights, bias = numbers(layer.weight), numbers(layer.bias)
            if isinstance(layer, nn.Conv2d):
                weights, bias = twins.as_matrix(weights, 5), bias.repeat(25)
            if rules == "w_squared":
                relevance = twins.w_squared(weights, relevance)
            else:
                relevance = twins.alpha_beta(x, weights, bias, relevance, rules == "1.0.8")
            relevance = relevance * (x > 0) if layer is not layers[0] else relevance
        np.testing.assert_allclose(numbers(found), relevance.reshape(2, 5, 5).sum(0), rtol=1e-3, atol=1e-6)


def test_an_output_below_zero_has_an_empty_map() -> None:
    network, images = network_of("alda_cnn"), images_of("alda_cnn")
    last = [m for m in network.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.bias.copy_(torch.tensor([-999.0, 999, 0]))
    method = DeepTaylorInnvestigate()
    assert not method(network, images, of_class(0)).any()
    assert method(network, images, of_class(1)).any()
    assert not method(network, images, lambda outputs: -of_class(0)(outputs)).any()


def test_a_sum_hands_all_to_both_of_its_terms() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 4, bias=False), nn.Linear(4, 2, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            hidden = torch.relu(self.first(x.flatten(1)))
            return self.last(hidden + hidden)

    torch.manual_seed(0)
    network, images = Twice(), torch.rand(3, 1, 2, 2)
    with torch.no_grad():
        [weights.abs_() for weights in network.parameters()]
    outputs = network(images)[:, 0]
    method, textbook = DeepTaylorInnvestigate(), DeepTaylor()
    torch.testing.assert_close(method(network, images, of_class(0)).flatten(1).sum(1), 2 * outputs)
    torch.testing.assert_close(textbook(network, images, of_class(0)).flatten(1).sum(1), outputs)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sigmoid(), nn.Flatten(), nn.LazyLinear(3)),
            "rule for sigmoid",
        ),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.GELU(), nn.Flatten(), nn.LazyLinear(3)),
            "rule for gelu",
        ),
        (
            lambda: nn.Sequential(
                nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten(), nn.LazyLinear(3)
            ),
            "own statistics",
        ),
    ],
)
def test_a_network_that_it_cannot_explain(build: Callable[[], nn.Module], message: str) -> None:
    network, images = build(), torch.rand(2, 1, 8, 8)
    network(images)
    with pytest.raises(InputError, match=message):
        DeepTaylorInnvestigate()(network, images, largest)


def test_a_class_that_the_model_lacks_is_refused() -> None:
    assert of_class(1)(torch.zeros(2, 1)).tolist() == [[1.0], [1.0]]
    for outputs, number, classes in ((torch.zeros(1, 3), 3, 3), (torch.zeros(1, 1), 2, 2)):
        with pytest.raises(InputError, match=f"saliency.of={number}: the model has {classes} classes"):
            of_class(number)(outputs)
