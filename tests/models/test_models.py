import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.hub import get_dir

from al_runner.errors import InputError
from al_runner.models import vision, volumes
from al_runner.models.alda import alda_cnn

VISION = [("resnet", "resnet18"), ("resnet", "resnet50"), ("densenet", "densenet121"), ("vgg", "vgg16")]


def test_alda_cnn_is_the_papers_network() -> None:
    """28 → 9 → 3 pixels, 36 channels of 3×3 for f = 9, then 8f, 2f and 11 outputs."""
    network = alda_cnn(1, 11, (28, 28), width=9)
    linear = [m for m in network if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(36 * 9, 72), (72, 18), (18, 11)]
    assert [m.out_channels for m in network if isinstance(m, nn.Conv2d)] == [9, 9, 18, 18, 36, 36]
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 11)


@pytest.mark.parametrize("size", [(28, 28), (64, 64), (28, 40), (28, 28, 28)])
def test_alda_cnn_takes_other_sizes(size: tuple[int, ...]) -> None:
    assert alda_cnn(3, 5, size, width=2)(torch.zeros(2, 3, *size)).shape == (2, 5)


@pytest.mark.parametrize(("builder", "name"), VISION)
@pytest.mark.parametrize(("channels", "edge"), [(1, 28), (3, 64), (1, 96)])
def test_vision_networks(builder: str, name: str, channels: int, edge: int) -> None:
    network = getattr(vision, builder)(channels, 7, (edge, edge), name=name)
    with torch.inference_mode():
        assert network.eval()(torch.zeros(2, channels, edge, edge)).shape == (2, 7)


def test_small_images_keep_their_resolution() -> None:
    network = vision.resnet(1, 2, (28, 28), name="resnet18")
    maps: list[torch.Size] = []
    network.layer4.register_forward_hook(lambda *hook: maps.append(hook[2].shape))
    network.eval()(torch.zeros(1, 1, 28, 28))
    assert maps[0][2:] == (4, 4)


@pytest.mark.parametrize(
    ("stem", "edge", "pixels"), [("imagenet", 64, 2), ("auto", 64, 8), ("small", 96, 12), ("auto", 96, 3)]
)
@pytest.mark.parametrize("width", [64, 8])
def test_the_stem_may_be_chosen(stem: vision.Stem, edge: int, pixels: int, width: int) -> None:
    network = vision.resnet(1, 2, (edge, edge), name="resnet18", stem=stem, base_width=width)
    maps: list[torch.Size] = []
    network.layer4.register_forward_hook(lambda *hook: maps.append(hook[2].shape))
    assert network.eval()(torch.zeros(1, 1, edge, edge)).shape == (1, 2)
    assert maps[0] == (1, 8 * width, pixels, pixels)
    dense = vision.densenet(1, 2, (64, 64), name="densenet121", stem="imagenet")
    assert dense.features.conv0.stride == (2, 2)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_another_width_is_the_same_network(name: str) -> None:
    """MONAI's of the published width computes what torchvision's does with the same weights."""
    import torchvision

    theirs = torchvision.models.get_model(name).eval()
    ours = vision._of_width(3, 1000, (96, 96), name, pretrained=False, small=False, base_width=64).eval()
    renamed = dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True))
    ours.load_state_dict(renamed)
    images = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_default_networks_are_as_ever() -> None:
    """First weights belong to a run's record: an option that asks for nothing draws nothing."""
    torch.manual_seed(0)
    plain = vision.resnet(1, 2, (28, 28), name="resnet18").state_dict()
    torch.manual_seed(0)
    asked = vision.resnet(1, 2, (28, 28), name="resnet18", stem="small", base_width=64).state_dict()
    assert all(torch.equal(plain[key], asked[key]) for key in plain)
    assert float(plain["fc.weight"].sum()) == pytest.approx(FC)


FC = 0.6386977434158325
"""What the classifier's first weights summed to when it was written."""


def test_weights_have_a_width() -> None:
    with pytest.raises(InputError, match=r"the weights have model\.base_width=64, not 32"):
        vision.resnet(1, 2, (64, 64), name="resnet18", base_width=32, pretrained=True)


def test_of_another_width_there_are_plain_resnets() -> None:
    with pytest.raises(InputError, match=r"is for resnet18, resnet34, .* not wide_resnet50_2"):
        vision.resnet(1, 2, (64, 64), name="wide_resnet50_2", base_width=32)


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_volumes(name: str) -> None:
    build = volumes.densenet121 if name == "densenet121" else volumes.resnet
    options = {} if name == "densenet121" else {"name": name}
    network = build(1, 3, (28, 28, 28), **options)
    with torch.inference_mode():
        assert network.eval()(torch.zeros(2, 1, 28, 28, 28)).shape == (2, 3)


def test_dimensions_that_do_not_fit_are_said() -> None:
    with pytest.raises(InputError, match="model=resnet18_3d"):
        vision.resnet(1, 2, (28, 28, 28), name="resnet18")
    with pytest.raises(InputError, match="model=densenet121"):
        volumes.densenet121(1, 2, (28, 28))
    with pytest.raises(InputError, match="at least 5 pixels"):
        alda_cnn(1, 2, (4, 4))


@pytest.fixture
def weights(tmp_path, monkeypatch) -> nn.Module:  # type: ignore[no-untyped-def]
    """A hub folder with a file of `pretrained` ResNet-18 weights, as torchvision would have cached it."""
    import torchvision

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network = torchvision.models.resnet18()
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    url = torchvision.models.ResNet18_Weights.DEFAULT.url
    torch.save(network.state_dict(), folder / url.rsplit("/", 1)[1])
    assert get_dir().startswith(str(tmp_path))
    return network


def test_pretrained_weights_are_kept(weights: nn.Module) -> None:
    ours = vision.resnet(1, 2, (224, 224), name="resnet18", pretrained=True)
    assert torch.equal(ours.layer4[0].conv1.weight, weights.layer4[0].conv1.weight)
    gray = torch.rand(1, 1, 224, 224)
    expected = weights.conv1(gray.expand(-1, 3, -1, -1))
    torch.testing.assert_close(ours.conv1(gray), expected, rtol=1e-4, atol=1e-5)
    small = vision.resnet(3, 2, (28, 28), name="resnet18", pretrained=True)
    assert torch.equal(small.conv1.weight, weights.conv1.weight[:, :, 2:5, 2:5])


def test_weights_that_cannot_be_had(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", _no_network)
    with pytest.raises(InputError, match=r"resnet18-f37072fd\.pth elsewhere and put it into"):
        vision.resnet(1, 2, (224, 224), name="resnet18", pretrained=True)


def _no_network(*_: object, **__: object) -> None:
    raise OSError("no network")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which its files can be downloaded."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = lambda *arguments: Quiet(*arguments, directory=str(folder))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("damaged", [False, True])
def test_weights_are_downloaded_once_and_checked(
    damaged: bool, server: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from torchvision's own address: the file's name ends with the beginning of its content's SHA-256."""
    import torchvision

    folder, address = server
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    weights = torchvision.models.resnet18().state_dict()
    torch.save(weights, folder / "weights")
    content = (folder / "weights").read_bytes()
    file = folder / f"resnet18-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    file.write_bytes(content[:-1000] if damaged else content)
    published = torchvision.models.ResNet18_Weights.DEFAULT
    monkeypatch.setattr(published, "_value_", replace(published.value, url=f"{address}/{file.name}"))
    if damaged:
        with pytest.raises(InputError, match=r"model\.pretrained=true: cannot load the weights"):
            vision.resnet(1, 2, (224, 224), name="resnet18", pretrained=True)
        return
    for _ in range(2):  # the second time without the server's file
        network = vision.resnet(1, 2, (224, 224), name="resnet18", pretrained=True)
        assert torch.equal(network.layer4[1].conv2.weight, weights["layer4.1.conv2.weight"])
        file.unlink(missing_ok=True)
