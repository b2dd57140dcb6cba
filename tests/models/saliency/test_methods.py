"""What every method keeps to, on every network."""

import copy

import pytest
import torch
from torch import nn

from al_runner.models.saliency import (
    DeepTaylor,
    DeepTaylorInnvestigate,
    GradCam,
    Gradient,
    IntegratedGradients,
    Saliency,
)
from tests.models.saliency.networks import NETWORKS, images_of, largest, network_of

METHODS = {
    "deep_taylor": DeepTaylor(),
    "deep_taylor_innvestigate": DeepTaylorInnvestigate(),
    "grad_cam": GradCam(),
    "gradient": Gradient(),
    "integrated_gradients": IntegratedGradients(steps=4),
}
FEW = ["alda_cnn", "resnet18, narrow", "densenet121"]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", ["deep_taylor", "deep_taylor_innvestigate", "grad_cam", "gradient"])
def test_a_map_for_each_image(name: str, method: str) -> None:
    images = images_of(name, n=2)
    maps = METHODS[method](network_of(name), images, largest)
    assert maps.shape == (2, *images.shape[2:])
    assert maps.dtype == torch.float32
    assert maps.isfinite().all()
    assert not maps.requires_grad


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("name", FEW)
def test_leaves_the_network_and_everything_random_alone(name: str, method: Saliency) -> None:
    network = network_of(name)
    network.train()
    next(m for m in network.modules() if isinstance(m, nn.Linear)).eval()
    modes = [module.training for module in network.modules()]
    for k, parameter in enumerate(network.parameters()):
        parameter.requires_grad_(k % 2 == 0)
    before, randoms, images = copy.deepcopy(network.state_dict()), torch.get_rng_state(), images_of(name)
    given = images.clone()
    method(network, images, largest)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(p.grad is None and p.requires_grad == (k % 2 == 0) for k, p in enumerate(network.parameters()))
    hooks = [module._forward_hooks or module._forward_pre_hooks for module in network.modules()]
    assert not any(hooks)
    assert torch.equal(randoms, torch.get_rng_state())
    assert torch.equal(given, images)
    assert not images.requires_grad


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("name", FEW)
def test_same_bits_again_and_no_matter_beside_what(name: str, method: Saliency) -> None:
    network, images = network_of(name), images_of(name, n=5)
    maps = method(network, images, largest)
    assert torch.equal(maps, method(network, images, largest))
    alone = torch.cat([method(network, image, largest) for image in images.split(1)])
    torch.testing.assert_close(alone, maps, rtol=1e-3, atol=1e-4 * float(maps.abs().max()))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_works_whatever_mode_it_is_called_in(method: Saliency) -> None:
    network, images = network_of("alda_cnn"), images_of("alda_cnn")
    maps = method(network, images, largest)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(method(network, images.clone(), largest), maps)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_explains_the_output_that_is_asked_for(method: Saliency) -> None:
    network, images = network_of("alda_cnn"), images_of("alda_cnn")
    with torch.no_grad():  # all outputs above 0: by iNNvestigate's rules, others have no map
        [m for m in network.modules() if isinstance(m, nn.Linear)][-1].bias.add_(9)
    classes = torch.eye(3)
    of_each = [method(network, images, lambda outputs, c=c: classes[[c] * len(outputs)]) for c in range(3)]
    mixed = method(network, images, lambda outputs: classes)
    for k in range(3):
        torch.testing.assert_close(mixed[k], of_each[k][k], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(of_each[0], of_each[1])
    if isinstance(method, DeepTaylorInnvestigate):
        return  # it explains outputs, and not their negatives
    negated = copy.deepcopy(network)
    last = [m for m in negated.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.neg_()
        last.bias.neg_()
    torch.testing.assert_close(
        method(network, images, lambda _: -classes), method(negated, images, lambda _: classes)
    )


@pytest.mark.gpu
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("name", FEW)
def test_gpu_repeats_itself_and_agrees_with_the_cpu(name: str, method: Saliency) -> None:
    network, images = network_of(name), images_of(name)
    expected = method(network, images, largest)
    network, images = network.cuda(), images.cuda()
    maps = method(network, images, largest)
    assert torch.equal(maps, method(network, images, largest))
    torch.testing.assert_close(maps.cpu(), expected, rtol=1e-2, atol=1e-3 * float(expected.abs().max()))
