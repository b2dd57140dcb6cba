import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from torch import Tensor, nn

from al_runner.errors import InputError
from al_runner.models.saliency import GradCam
from tests.models.saliency import twins
from tests.models.saliency.networks import images_of, largest, network_of


def explained(network: nn.Module, images: Tensor) -> Tensor:
    outputs = network(images)
    return (outputs * largest(outputs)).sum(1)


def test_is_the_papers_sum_of_the_maps_that_the_classifier_sees() -> None:
    """In a DenseNet, after the last ReLU, which is no module."""
    network, images = network_of("densenet121, small stem").eval(), images_of("densenet121, small stem")
    with torch.no_grad():
        seen = network.features(images).relu()
    seen.requires_grad_()
    outputs = network.classifier(seen.mean((2, 3)))
    (gradients,) = torch.autograd.grad((outputs * largest(outputs)).sum(), seen)
    maps = GradCam()(network, images, largest)
    for k in range(3):
        small = twins.grad_cam(seen[k].detach().double().numpy(), gradients[k].double().numpy())
        expected = F.interpolate(torch.from_numpy(small)[None, None], images.shape[2:], mode="bilinear")[0, 0]
        np.testing.assert_allclose(maps[k], expected, rtol=1e-3, atol=1e-5)
    assert maps.max() > 0


@pytest.mark.parametrize(
    ("name", "layer"), [("resnet18", "layer4"), ("alda_cnn", "19"), ("vgg16", "features.29")]
)
def test_agrees_with_captum(name: str, layer: str) -> None:
    """Of the last block; of the last batch norm; of a VGG's last ReLU, before the pooling."""
    network, images = network_of(name).eval(), images_of(name)
    peer = LayerGradCam(lambda inputs: explained(network, inputs), network.get_submodule(layer))
    expected = peer.attribute(images, relu_attributions=True).detach()
    expected = F.interpolate(expected, images.shape[2:], mode="bilinear")[:, 0]
    torch.testing.assert_close(GradCam()(network, images, largest), expected, rtol=1e-3, atol=1e-5)


def test_needs_feature_maps() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(InputError, match=r"feature maps.*model=resnet18"):
        GradCam()(network, torch.zeros(1, 1, 3, 3), largest)
