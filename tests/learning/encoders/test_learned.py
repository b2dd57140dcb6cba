"""Encoders that learn: from training images alone, in 2D and 3D, and networks that begin with them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from al_runner.config.annotations import check_values
from al_runner.data.dataset import Dataset, Split
from al_runner.errors import InputError
from al_runner.learning import states
from al_runner.learning.encoders.barlow_twins import BarlowTwins
from al_runner.learning.encoders.dino import DINO
from al_runner.learning.encoders.features import Features
from al_runner.learning.encoders.kept import WEIGHTS
from al_runner.learning.encoders.mae import MAE
from al_runner.learning.encoders.selfsupervised import SelfSupervised
from al_runner.learning.encoders.simclr import SimCLR
from al_runner.learning.encoders.training import Pretraining
from al_runner.learning.encoders.views import Views
from al_runner.models import unet, vision
from al_runner.models.convnet import convnet
from al_runner.models.vit import vit
from tests.learning.encoders.data import MACHINE, options, simclr, two_kinds

SMALL: dict[type[SelfSupervised], dict[str, Any]] = {
    SimCLR: {},
    BarlowTwins: {"hidden": 16, "projection": 16},
    DINO: {"hidden": 16, "prototypes": 32, "local_views": 2},
    MAE: {"model": partial(vit, width=12, depth=1, heads=2), "decoder": 12},
}
SHAPES = {"gray": ((12, 12), 1), "color": ((13, 10), 3), "volume": ((8, 9, 8), 1)}


def weights(encoder: SelfSupervised, dataset: Dataset) -> Mapping[str, Tensor]:
    encoder.encode(dataset, MACHINE)
    (path,) = Path(encoder.cache_dir).glob(f"*/{WEIGHTS}")
    return states.read(path)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", SMALL, ids=lambda each: each.name)
def test_its_loss_falls(
    method: type[SelfSupervised], shape: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []
    ends = Pretraining.on_train_epoch_end
    monkeypatch.setattr(
        Pretraining, "on_train_epoch_end", lambda self: (ends(self), losses.append(self.mean_loss))
    )
    encoder = method(**{**options(tmp_path), "epochs": 12, "lr": 5e-3, **SMALL[method]})
    dataset = two_kinds(*SHAPES[shape])
    features = encoder.encode(dataset, MACHINE).splits["train"]
    assert len(losses) == 12
    if method is not DINO:  # whose teacher gets surer, too
        assert sum(losses[-3:]) < sum(losses[:3])
    assert separation(features, dataset.train.targets) > 0.9


def separation(features: Tensor, labels: Tensor) -> float:
    """Accuracy of telling two kinds by the nearest mean of standardized features."""
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    means = torch.stack([features[labels == label].mean(0) for label in (0, 1)])
    return float((torch.cdist(features, means).argmin(1) == labels).double().mean())


@pytest.mark.parametrize("method", SMALL, ids=lambda each: each.name)
def test_sees_training_images_alone(method: type[SelfSupervised], tmp_path: Path) -> None:
    dataset = two_kinds()
    others = {
        "val": Split(255 - dataset.splits["val"].images, dataset.splits["val"].targets),
        "test": Split(dataset.splits["test"].images[:5], dataset.splits["test"].targets[:5]),
        "train": Split(dataset.train.images, 1 - dataset.train.targets),
    }
    changed = replace(dataset, splits=others, fingerprint="other")
    first = weights(method(**{**options(tmp_path / "a"), **SMALL[method]}), dataset)
    second = weights(method(**{**options(tmp_path / "b"), **SMALL[method]}), changed)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    third = weights(method(**{**options(tmp_path / "c"), **SMALL[method], "seed": 1}), dataset)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_leaves_no_trace_in_global_generators(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    simclr(tmp_path).encode(two_kinds(), MACHINE)
    assert torch.equal(torch.rand(2), expected)


NETWORKS = {
    "convnet": (partial(convnet, width=4, levels=2), (12, 12), ()),
    "resnet18": (partial(vision.resnet, name="resnet18", base_width=4), (12, 12), ()),
    "unet": (partial(unet.unet, width=4, depth=2), (12, 12), (12, 12)),
    "unet in 3D": (partial(unet.unet, width=2, depth=1), (8, 8, 8), (8, 8, 8)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_begin_with_it(name: str, tmp_path: Path) -> None:
    build, size, dense = NETWORKS[name]
    dataset = two_kinds(size)
    encoder = simclr(tmp_path, model=build)
    learned = weights(encoder, dataset)
    begin = encoder.start(dataset, MACHINE)
    torch.manual_seed(0)
    network = begin(1, 5, size).eval()
    torch.manual_seed(0)
    fresh = build(1, 5, size)
    own = network.state_dict()
    assert network(dataset.train.images[:2].float()).shape == (2, 5, *dense)
    assert all(torch.equal(own[key], learned[key]) for key in learned)
    rest = own.keys() - learned.keys()
    assert all(torch.equal(own[key], fresh.state_dict()[key]) for key in rest)
    assert any(key.split(".")[0] in ("up", "head", "fc", "15") for key in rest), sorted(rest)
    if dense:
        assert {key.split(".")[0] for key in learned} == {"down"}
    features = Features(network, torch.zeros(1, 1, *size)).eval()
    with torch.inference_mode():
        found = features(dataset.splits["val"].images.float().mul(2 / 255).sub(1))
    torch.testing.assert_close(found, encoder.encode(dataset, MACHINE).splits["val"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("of_images", "of_patches"), [((14, 13), (8, 8)), ((16, 16), (9, 9))])
def test_networks_of_patches_begin_with_it(
    of_images: tuple[int, ...], of_patches: tuple[int, ...], tmp_path: Path
) -> None:
    """Whether images and patches are padded to what a U-Net can halve, or not."""
    dataset = two_kinds(of_images)
    encoder = simclr(tmp_path, model=partial(unet.unet, width=4, depth=2))
    learned = weights(encoder, dataset)
    own = encoder.start(dataset, MACHINE)(1, 3, of_patches).state_dict()
    for name, each in learned.items():
        (same,) = (key for key in own if key.removeprefix("network.") == name.removeprefix("network."))
        assert torch.equal(own[same], each)


def test_another_architecture_cannot_begin_with_it(tmp_path: Path) -> None:
    dataset = two_kinds()
    begin = simclr(tmp_path).start(dataset, MACHINE)
    with pytest.raises(
        InputError, match=r"of 3 channels and 12×12 cannot begin .*it has no 0\.weight of their"
    ):
        begin(3, 2, (12, 12))


def test_a_decoder_costs_nothing() -> None:
    network = unet.unet(1, 2, (16, 16), width=2, depth=2)
    features = Features(network, torch.zeros(1, 1, 16, 16))
    called: list[str] = []
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    features(torch.zeros(2, 1, 16, 16))
    assert not [name for name in called if name.startswith(("up", "head", "enlarge"))]
    features.release()
    assert network(torch.zeros(2, 1, 16, 16)).shape == (2, 2, 16, 16)


def test_few_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = two_kinds(counts={"train": 20, "val": 2, "test": 2})
    simclr(tmp_path, batch_size=256, least_steps=3).encode(few, MACHINE)
    said = capsys.readouterr().err
    assert "al-run: encoder.batch_size=256 exceeds the training images: it is now 20" in said
    assert "learns from the 20 training images of kinds, 3 epochs" in said
    fewer = two_kinds(counts={"train": 15, "val": 2, "test": 2})
    with pytest.raises(InputError, match="learns from at least 16 training images; there are 15"):
        simclr(tmp_path).encode(fewer, MACHINE)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epochs": 0}, r"encoder\.epochs=0 must be at least 1"),
        ({"batch_size": 1}, r"encoder\.batch_size=1 must be"),
        ({"lr": float("nan")}, r"encoder\.lr=nan must be a number"),
        ({"lr": True}, r"encoder\.lr=true must be a number"),
        ({"temperature": 0}, r"encoder\.temperature=0 must be"),
        ({"temperature": "low"}, r"encoder\.temperature=low must be a number"),
        ({"projection": 2.5}, r"encoder\.projection=2\.5 must be a whole number"),
        ({"model": None}, r"encoder\.model=null must be a part's node"),
    ],
)
def test_values_out_of_their_range(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_values(SimCLR, changed, "encoder")


def test_a_loss_that_is_not_finite_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the loss is not finite; lower encoder\.lr"):
        simclr(tmp_path, lr=1e30, epochs=9).encode(two_kinds(), MACHINE)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_mae_is_for_transformers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model@encoder\.model=vit is one"):
        MAE(**options(tmp_path)).encode(two_kinds(), MACHINE)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lightly.loss.ntx_ent_loss", None)
    with pytest.raises(
        InputError, match=r"encoder=simclr needs lightly .*: pip install 'al-runner\[encoders\]'"
    ):
        simclr(tmp_path).encode(two_kinds(), MACHINE)


class TestViews:
    images = torch.rand(6, 2, 9, 12, generator=torch.Generator().manual_seed(0))

    def test_without_changes_they_are_the_images(self) -> None:
        same = Views(crop=(1, 1), aspect=1, flip=0, rotation=0, brightness=0, contrast=0, color=0, blur=0)
        for images in (self.images, torch.rand(3, 1, 5, 6, 7)):
            torch.testing.assert_close(same(images.clone(), torch.Generator()), images, atol=1e-5, rtol=0)

    def test_a_mirror_image(self) -> None:
        mirror = Views(crop=(1, 1), aspect=1, flip=1, rotation=0, brightness=0, contrast=0, color=0, blur=0)
        torch.testing.assert_close(
            mirror(self.images.clone(), torch.Generator()), self.images.flip(-1), atol=1e-5, rtol=0
        )

    def test_a_quarter_turn_is_one_of_pixels(self) -> None:
        views = Views(crop=(1, 1), aspect=1, flip=0, rotation=90, brightness=0, contrast=0, color=0, blur=0)
        square = self.images[:, :, :, :9]
        turned = torch.tensor([[0.0, -1.0], [1.0, 0.0]]).repeat(6, 1, 1)
        object.__setattr__(views, "_turned", lambda *_: turned)
        found = views(square.clone(), torch.Generator())
        torch.testing.assert_close(found, square.rot90(1, (2, 3)), atol=1e-5, rtol=0)

    def test_show_the_share_that_was_asked_for(self) -> None:
        ramp = torch.linspace(0, 1, 101).expand(500, 1, 101, 101)
        half = Views(crop=(0.25, 0.25), flip=0, rotation=0, brightness=0, contrast=0, color=0, blur=0)
        for images in (ramp, ramp.transpose(2, 3)):
            views = half(images.contiguous(), torch.Generator().manual_seed(0))
            spans = views.flatten(1).max(1).values - views.flatten(1).min(1).values
            assert abs(float(spans.mean()) - 0.5) < 0.02
            assert 0.37 < spans.min() < spans.max() < 0.67, (
                "edges of a crop differ by up to 4:3 from their mean"
            )

    def test_stay_within_bounds_and_follow_their_generator(self) -> None:
        found = [Views()(self.images.clone(), torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
        assert torch.equal(found[0], found[1])
        assert not torch.equal(found[0], found[2])
        assert found[0].min() >= 0
        assert found[0].max() <= 1

    def test_a_blur_has_the_width_of_a_gaussian(self) -> None:
        point = torch.zeros(400, 1, 1, 33)
        point[..., 16] = 1
        views = Views(crop=(1, 1), aspect=1, flip=0, rotation=0, brightness=0, contrast=0, color=0, blur=2.0)
        blurred = views._blurred(point, torch.Generator().manual_seed(0)).squeeze()
        places = torch.arange(33.0) - 16
        variances = (blurred * places.square()).sum(1)
        widths = 2 * torch.rand(400, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(variances, widths.square(), atol=1e-3, rtol=1e-3)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"crop": 0.5},
            {"crop": ["a", 1]},
            {"crop": [0.5, 0.6, 0.7]},
            {"blur": "x"},
            {"crop": [0, 1]},
            {"aspect": 0.5},
            {"flip": 2},
            {"blur": -1},
            {"rotation": float("nan")},
        ],
    )
    def test_values_out_of_their_range(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(InputError, match=f"encoder.views.{next(iter(wrong))}="):
            check_values(Views, wrong, "encoder.views")

    def test_the_smaller_share_comes_first(self) -> None:
        with pytest.raises(InputError, match=r"encoder.views.crop=\[0.5, 0.2\] must be two shares"):
            Views(crop=(0.5, 0.2))


@pytest.mark.slow
def test_features_of_the_pool_alone_tell_pneumonia(data_dir: Path, tmp_path: Path) -> None:
    """After two epochs, a linear head with a hundred random labels has an AUROC above .9; untrained, .83."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    from al_runner.data.sets.medmnist import load

    dataset = load("pneumoniamnist", data_dir)
    encoder = SimCLR(model=convnet, cache_dir=str(tmp_path), epochs=2, least_steps=0)
    found = encoder.encode(dataset, MACHINE).splits
    mean, deviation = found["train"].mean(0), found["train"].std(0) + 1e-6
    train, test = ((found[name] - mean) / deviation for name in ("train", "test"))
    targets, draws = dataset.train.targets, torch.Generator().manual_seed(0)
    reached = []
    for _ in range(20):
        bought = torch.randperm(len(train), generator=draws)[:100]
        head = LogisticRegression(C=0.01, max_iter=500).fit(train[bought], targets[bought])
        reached.append(roc_auc_score(dataset.splits["test"].targets, head.predict_proba(test)[:, 1]))
    assert sum(reached) / len(reached) > 0.9
