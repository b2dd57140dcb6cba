from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from zennit.attribution import Gradient as Attribution
from zennit.composites import SpecialFirstLayerMapComposite, layer_map_base
from zennit.rules import ZBox, ZPlus
from zennit.torchvision import VGGCanonizer
from zennit.types import Convolution, Linear

from al_runner.errors import InputError
from al_runner.models import unet
from al_runner.models.saliency import DeepTaylor
from al_runner.models.saliency.rules import at_places, in_one_dimension
from tests.models.saliency import twins
from tests.models.saliency.networks import NETWORKS, images_of, largest, network_of

MAP = DeepTaylor()


def numbers(tensor: Tensor) -> twins.Array:
    return tensor.detach().double().numpy()


def explained_by(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        outputs = network.eval()(images)
    return (outputs * largest(outputs)).sum(1)


def conserved(name: str, network: nn.Module) -> Tensor:
    """Relevance of all pixels as a share of the explained output."""
    images = images_of(name)
    return MAP(network, images, largest).flatten(1).sum(1) / explained_by(network, images)


def test_is_the_papers_rules_neuron_by_neuron() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.ReLU(),
        nn.Flatten(), nn.Linear(4 * 25, 6), nn.ReLU(), nn.Linear(6, 3),
    )  # fmt: skip
    images = torch.rand(2, 2, 5, 5) * 2 - 1
    first, second, hidden, last = (m for m in network if isinstance(m, nn.Conv2d | nn.Linear))
    maps = MAP(network, images, largest)
    for image, found in zip(images, maps, strict=True):
        a1 = network[:2](image[None]).flatten()
        a2 = network[:4](image[None]).flatten()
        a3 = network[:7](image[None]).flatten()
        outputs = numbers(last(a3))
        relevance = np.where(outputs == outputs.max(), outputs, 0)
        relevance = twins.z_plus(numbers(a3), numbers(last.weight), relevance)
        relevance = twins.z_plus(numbers(a2), numbers(hidden.weight), relevance)
        relevance = twins.z_plus(numbers(a1), twins.as_matrix(numbers(second.weight), 5), relevance)
        relevance = twins.z_bounded(
            numbers(image.flatten()), twins.as_matrix(numbers(first.weight), 5), relevance, -1, 1
        )
        np.testing.assert_allclose(numbers(found), relevance.reshape(2, 5, 5).sum(0), rtol=1e-3, atol=1e-6)


CLOSE = {"rtol": 1e-3, "atol": 1e-3}
WIDE = ["alda_cnn", "resnet18", "resnet50", "vgg16", "resnet18_3d"]


def without_biases(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            assert module.running_mean is not None
            module.running_mean.zero_()
        if isinstance(module, _BatchNorm | nn.Linear | nn.modules.conv._ConvNd) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_is_conserved(name: str) -> None:
    """Without biases, what is active is supported."""
    network = without_biases(network_of(name))
    torch.testing.assert_close(conserved(name, network), torch.ones(3), **CLOSE)


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("lowest", [0.5, -0.5], ids=["", "negative scales"])
def test_biases_take_no_relevance(name: str, lowest: float) -> None:
    """Of many inputs, some support a neuron; batch norms that turn signs belong to a layer."""
    torch.testing.assert_close(conserved(name, network_of(name, lowest=lowest)), torch.ones(3), **CLOSE)


@pytest.mark.parametrize("name", [name for name in NETWORKS if "densenet" in name])
def test_in_a_densenet_what_is_due_to_biases_alone_is_lost(name: str) -> None:
    """Batch norm and ReLU make neurons of one input there: one that is 0 supports nothing."""
    share = conserved(name, network_of(name))
    assert ((share > 0.5) & (share < 0.99)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_has_the_sign_of_the_output(name: str) -> None:
    network, images = network_of(name), images_of(name)
    maps = MAP(network, images, largest)
    signs = explained_by(network, images).sign().view(-1, *[1] * (maps.ndim - 1))
    assert (maps * signs >= -1e-6 * maps.abs().max()).all()


def test_agrees_with_zennit() -> None:
    """On a VGG, where both decompose alike; at a residual sum zennit splits relevance by values."""
    network, images = network_of("vgg16"), images_of("vgg16")
    rules = [((Convolution, Linear), ZPlus(zero_params="bias", stabilizer=1e-12))]
    composite = SpecialFirstLayerMapComposite(
        [*layer_map_base(), *rules],
        [((Convolution,), ZBox(-1.0, 1.0, zero_params="bias", stabilizer=1e-12))],
        canonizers=[VGGCanonizer()],
    )
    network.eval()
    with Attribution(network, composite) as attribute:
        _, relevance = attribute(images.clone(), lambda outputs: outputs * largest(outputs))
    maps = MAP(network, images, largest)
    torch.testing.assert_close(maps, relevance.sum(1), rtol=1e-3, atol=1e-4 * float(maps.abs().max()))


@pytest.mark.parametrize("lowest", [0.5, -1.5], ids=["", "negative scales"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_batch_norm_is_merged_with_the_layer_that_it_belongs_to(order: str, lowest: float) -> None:
    """With the convolution before it; after a ReLU, with the one behind it, through a pooling if need be."""
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4).eval()
    nn.init.uniform_(norm.weight, lowest, 1.5)
    nn.init.uniform_(norm.bias, -0.3, 0.3)
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
    first, second = nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.Conv2d(4, 5, 3, bias=False)
    head = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 3, bias=False))
    images = torch.rand(3, 1, 6, 6) * 2 - 1
    a, b = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 5, 3)
    with torch.no_grad():
        if order == "before":
            network = nn.Sequential(first, norm, nn.ReLU(), second, head)
            a.weight.copy_(first.weight * scale.view(-1, 1, 1, 1))
            a.bias.copy_(norm.bias)
            b.weight.copy_(second.weight)
            b.bias.zero_()
        else:
            network = nn.Sequential(first, nn.ReLU(), norm, second, head)
            a.weight.copy_(first.weight)
            a.bias.zero_()
            b.weight.copy_(second.weight * scale.view(1, -1, 1, 1))
            b.bias.copy_(second(norm.bias.view(1, -1, 1, 1).expand(1, 4, 3, 3)).flatten())
    merged = nn.Sequential(a, nn.ReLU(), b, head)
    torch.testing.assert_close(merged(images), network(images))
    torch.testing.assert_close(MAP(network, images, largest), MAP(merged, images, largest))


def test_a_residual_sum_is_one_neuron_with_the_inputs_of_both_branches() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 5, bias=False)
            self.relu, self.last = nn.ReLU(), nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Tensor:
            a = self.relu(self.first(x.flatten(1)))
            out = self.second(a)
            out += a
            return self.last(self.relu(out))

    torch.manual_seed(0)
    network, images = Residual(), torch.rand(3, 1, 2, 2) * 2 - 1
    merged = nn.Sequential(nn.Flatten(), network.first, nn.ReLU(), nn.Linear(5, 5, bias=False), nn.ReLU())
    merged.append(network.last)
    with torch.no_grad():
        merged[3].weight.copy_(network.second.weight + torch.eye(5))
        network.second.weight.fill_diagonal_(0)  # else max(0, w) + 1 would not be max(0, w + 1)
        merged[3].weight.fill_diagonal_(1)
    torch.testing.assert_close(MAP(network, images, largest), MAP(merged, images, largest))


def test_channels_are_summed_and_bounds_are_black_and_white() -> None:
    """One neuron has all relevance, 0.5 − 2 + 3; a negative sum makes it inactive."""
    network = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(1, 1))
    nn.init.ones_(network[3].weight)
    nn.init.zeros_(network[3].bias)
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([1.0, 2, -3]).view(1, 3, 1, 1))
    images = torch.tensor([[0.5, -1, -1], [1, -1, 1]]).view(2, 3, 1, 1)
    maps = MAP(network, images, torch.ones_like)
    torch.testing.assert_close(maps, torch.tensor([1.5, 0]).view(2, 1, 1))


def test_an_output_that_no_input_supports_has_an_empty_map() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(9, 1))
    nn.init.constant_(network[3].weight, -1)
    nn.init.constant_(network[3].bias, 100)
    assert not MAP(network, torch.rand(2, 1, 3, 3), torch.ones_like).any()


class Sigmoidal(nn.Sequential):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).sigmoid()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.GELU(), nn.Flatten(), nn.Linear(18, 2)), "1, GELU"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.LeakyReLU(), nn.Flatten()), "leaky_relu .in layer 1"),
        (lambda: nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(25, 2)), "batch_norm .in layer 0"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2), nn.Flatten()), "InstanceNorm2d"),
        (lambda: unet.unet(1, 2, (16, 16), width=2, norm="instance"), "rule for"),
        (lambda: Sigmoidal(nn.Flatten(), nn.Linear(25, 2)), "rule for sigmoid"),
    ],
)
def test_a_network_that_it_cannot_explain(build: Callable[[], nn.Module], message: str) -> None:
    network = build()
    edge = 16 if "unet" in str(type(network)).lower() else 5
    with pytest.raises(InputError, match=message) as caught:
        MAP(network, torch.zeros(1, 1, edge, edge), largest)
    assert "model=resnet18" in str(caught.value)
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_functions_and_layers_that_are_used_twice_are_nothing_special() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.same, self.last = (
                nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 2),
            )  # fmt: skip

        def forward(self, x: Tensor) -> Tensor:
            x = F.relu(self.conv(x))
            x = torch.relu(self.same(x))
            x = self.same(x).relu()
            return self.last(F.adaptive_avg_pool2d(x, 1).flatten(1))

    torch.manual_seed(0)
    network, images = Twice(), torch.rand(3, 1, 6, 6) * 2 - 1
    same = network.same
    plain = nn.Sequential(
        network.conv, nn.ReLU(), same, nn.ReLU(), same, nn.ReLU(), nn.AvgPool2d(6), nn.Flatten(), network.last
    )
    torch.testing.assert_close(MAP(network, images, largest), MAP(plain, images, largest))


def test_places_that_repeat_are_gathered_alike_in_one_dimension() -> None:
    """So a GPU sums their gradients in one order."""
    places = torch.randint(9, (2, 3, 12), generator=torch.Generator().manual_seed(0))
    weights = torch.rand(2, 3, 12, generator=torch.Generator().manual_seed(1))
    found = []
    for gathered in (at_places, in_one_dimension):
        maps = torch.arange(54.0).view(2, 3, 9).requires_grad_()
        values = gathered(maps, places)
        (gradient,) = torch.autograd.grad((values * weights).sum(), maps)
        found.append((values, gradient))
    torch.testing.assert_close(found[1], found[0])
