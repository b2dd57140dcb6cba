import pytest
import torch
from torch import nn

from al_runner.errors import InputError
from al_runner.learning.dropout import add_dropout, sampled
from al_runner.models.dense_vnet import dense_vnet
from al_runner.models.monai_segmentation import dynunet, segresnet
from al_runner.models.unet import unet

BUILDERS = [unet, dense_vnet, segresnet, dynunet]


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (19, 21, 17), (40, 24, 24)])
@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_gives_logits_of_every_pixel(build, size: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    network = build(3, 5, size)
    output = network(torch.randn(2, 3, *size))
    assert output.shape == (2, 5, *size)
    output.square().mean().backward()
    unused = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert not unused


@pytest.mark.parametrize("size", [(32, 32), (19, 21, 17)])
@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_can_be_sampled_by_dropout(build, size: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    network = add_dropout(build(1, 3, size), 0.5).eval()
    with sampled(network, 4, torch.Generator().manual_seed(0)), torch.inference_mode():
        samples = network(torch.randn(2, 1, *size))
    assert samples.shape == (2, 4, 3, *size)
    assert not torch.equal(samples[:, 0], samples[:, 1])


def test_padding_changes_nothing_where_none_is_needed() -> None:
    """An output pixel far from the border sees the same neighborhood, padded or not."""
    torch.manual_seed(0)
    wide = unet(1, 2, (64, 64), width=4, depth=1).eval()
    odd = unet(1, 2, (63, 63), width=4, depth=1).eval()
    odd.network.load_state_dict(wide.state_dict())
    images = torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(
            odd(images[..., :63, :63])[..., 20:40, 20:40], wide(images)[..., 20:40, 20:40]
        )


def test_the_ideal_papers_unet() -> None:
    """Three blocks of three 3×3 convolutions with 64 filters, three stages up of two."""
    network = unet(3, 2, (96, 96), width=64, depth=3, growth=1, down_convolutions=3, norm="batch")
    kernels = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert {m.out_channels for m in kernels} == {64}
    assert len(kernels) == 4 * 3 + 3 * 2
    assert [type(m) for m in network.down[0][:3]] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d]
    assert sum(isinstance(m, nn.ConvTranspose2d) for m in network.modules()) == 3


def test_the_dense_vnet_is_the_papers() -> None:
    """Stacks of 5, 10 and 10 units that grow by 4, 8 and 16 channels; each at half the resolution."""
    network = dense_vnet(1, 9, (32, 40, 48)).eval()
    assert [len(stack.units) for stack in network.stacks] == [5, 10, 10]
    maps: list[tuple[int, ...]] = []
    for stack in network.stacks:
        stack.register_forward_hook(lambda *hook: maps.append(tuple(hook[2].shape[1:])))
    with torch.inference_mode():
        network(torch.zeros(1, 1, 32, 40, 48))
    assert maps == [(20, 16, 20, 24), (80, 8, 10, 12), (160, 4, 5, 6)]


@pytest.mark.parametrize("size", [(16, 24), (8, 16, 24)])
def test_the_prior_is_a_grid_of_logits_that_is_enlarged(size: tuple[int, ...]) -> None:
    plain, network = dense_vnet(1, 3, size), dense_vnet(1, 3, size, prior=12)
    missing = network.load_state_dict(plain.state_dict(), strict=False)
    assert missing.missing_keys == ["prior"]
    assert network.prior.shape == (1, 3, *[12] * len(size))
    images = torch.rand(2, 1, *size)
    with torch.no_grad():
        before = plain.eval()(images)
        torch.testing.assert_close(network.eval()(images), before, msg="it begins with none")
        network.prior[:, 1] = 5
        grown = network(images) - before
    torch.testing.assert_close(grown[:, 1], torch.full_like(grown[:, 1], 5))
    assert grown[:, 0].abs().max() < 1e-5
    with torch.no_grad():
        network.prior.normal_()
        half = torch.nn.functional.interpolate(network.prior, [edge // 2 for edge in size], mode=network.mode)
        expected = torch.nn.functional.interpolate(half, size, mode=network.mode)
    with torch.no_grad():
        torch.testing.assert_close(
            network(images) - before, expected.expand(2, -1, *size), atol=1e-4, rtol=1e-4
        )


def test_the_dropout_of_a_stack_is_that_of_all_its_units_but_the_last() -> None:
    network = dense_vnet(1, 3, (16, 16), dropout=0.5)
    assert [sum(isinstance(m, nn.Dropout) for m in stack.modules()) for stack in network.stacks] == [4, 9, 9]
    network.eval()
    images = torch.rand(2, 1, 16, 16)
    with torch.inference_mode(), sampled(network, 3, torch.Generator().manual_seed(0)):
        samples = network(images)
    assert samples.shape == (2, 3, 3, 16, 16)
    assert samples.std(1).max() > 1e-3
    network.train()
    assert not torch.equal(network(images), network(images))


def test_an_image_that_cannot_be_halved_so_often_is_said() -> None:
    with pytest.raises(InputError, match="edges above 32 pixels"):
        unet(1, 2, (32, 32), depth=5)
