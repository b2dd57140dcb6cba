"""Networks whose batch or instance norm cannot train on one sample are refused before a run."""

from functools import partial

import pytest
import torch
from torch import nn

from al_runner.data.dataset import Dataset, Split
from al_runner.data.tasks import MultiClass
from al_runner.errors import InputError
from al_runner.learning.inference import check_lone
from al_runner.learning.machine import Machine
from al_runner.models import NetworkBuilder
from al_runner.models.alda import alda_cnn
from al_runner.models.dense_vnet import dense_vnet
from al_runner.models.vision import densenet, resnet

CPU = Machine.detect("cpu")
RESNET = partial(resnet, name="resnet18", base_width=4)
CANNOT = [
    pytest.param(partial(alda_cnn, width=2), (8, 8), id="alda_cnn at 8"),
    pytest.param(RESNET, (8, 8), id="resnet18 at 8"),
    pytest.param(partial(RESNET, stem="imagenet"), (28, 28), id="resnet18 with ImageNet's stem at 28"),
    pytest.param(partial(densenet, name="densenet121"), (8, 8), id="densenet121 at 8"),
    pytest.param(dense_vnet, (4, 4, 4), id="dense_vnet at 4"),
]


def images(size: tuple[int, ...]) -> Dataset:
    split = Split(torch.randint(0, 256, (4, 1, *size), dtype=torch.uint8), torch.arange(4) % 2)
    return Dataset("noise", dict.fromkeys(("train", "val", "test"), split), MultiClass(2), fingerprint="none")


@pytest.mark.parametrize(("build", "size"), CANNOT)
def test_refused_where_a_batch_holds_one_sample(build: NetworkBuilder, size: tuple[int, ...]) -> None:
    network, dataset = build(1, 2, size), images(size)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    check_lone(network, dataset, CPU, fewest=2)
    with pytest.raises(InputError, match=r"cannot train on one sample of 1×.* to at least 2"):
        check_lone(network, dataset, CPU, fewest=1)
    after = network.state_dict()
    assert all(value.equal(after[name]) for name, value in before.items())


def test_larger_maps_do_with_one_sample_and_nothing_global_is_drawn() -> None:
    network, dataset = alda_cnn(1, 2, (28, 28), width=2), images((28, 28))
    drawn = torch.random.get_rng_state()
    check_lone(nn.Sequential(nn.Dropout(), network), dataset, CPU, fewest=1)
    assert drawn.equal(torch.random.get_rng_state())


def test_only_what_the_network_sees_counts() -> None:
    network = alda_cnn(1, 2, (8, 8), width=2)
    with pytest.raises(InputError, match="one sample of 1×8×8"):
        check_lone(network, images((28, 28)), CPU, fewest=1, size=(8, 8))
