"""Strategies that look at saliency maps."""

from typing import Any

import numpy as np
import pytest
import torch
from skimage.filters import threshold_otsu
from torch import Tensor

from al_runner.acquisition.radiomics import first_order, glcm, shape2d
from al_runner.config.parts import Parts
from al_runner.errors import InputError
from al_runner.loop.pool import Pool, Query
from al_runner.models.saliency import DeepTaylor
from al_runner.strategies import ideal
from al_runner.strategies.checks import check_pixels
from al_runner.strategies.ideal import IdealFirstOrder, IdealGlcm, IdealKurtosis, IdealShape2d, gray
from tests import reference
from tests.composing import composed
from tests.config.test_configs import generator
from tests.strategies.fake import FakeLearner

N = 14
NAMES = ["kurtosis", "first_order", "glcm", "shape2d"]


class Seen(FakeLearner):
    """Maps and RGB images that are sparse to dense; asked for by a method."""

    def __init__(self) -> None:
        super().__init__(N)
        draws = torch.rand(N, 12, 10, generator=generator(3))
        self.maps = draws ** (1 + torch.arange(N) % 5)[:, None, None] / 77 - 0.001
        self.pictures = torch.randint(256, (N, 3, 12, 10), generator=generator(4)).to(torch.uint8)
        self.methods: list[Any] = []

    def saliency(self, indices: Tensor, method: Any, reduce: Any = None) -> Tensor:
        self.methods.append(method)
        return torch.cat([reduce(part) for part in self.maps[indices].split(4)])


def pool() -> Pool:
    pool = Pool(N)
    pool.add(Query(torch.tensor([5, 2])), torch.tensor([0, 1]), 0)
    return pool


def made(name: str, *values: str) -> Any:
    return Parts(composed(f"strategy=ideal_{name}", *values))("strategy")


def scores_of(strategy: Any, learner: FakeLearner) -> list[float]:
    """In the order of the unlabeled indices."""
    query = strategy(learner, pool(), N - 2, generator())
    scores = dict(zip(query.indices.tolist(), query.scores.tolist(), strict=True))
    return [scores[i] for i in pool().unlabeled.tolist()]


def in_255(image: np.ndarray) -> list[list[float]]:
    image = image.astype(float)
    return ((image - image.min()) / (image.max() - image.min()) * 255).tolist()


TWINS = {
    "kurtosis": lambda image: [reference.histogram_kurtosis(image, 256, "distribution")],
    "first_order": lambda image: reference.first_order(in_255(image), 25),
    "glcm": lambda image: reference.glcm(in_255(image), 25),
    "shape2d": lambda image: reference.shape2d(image > threshold_otsu(image)),
}
SIGNS = {"kurtosis": [1], "first_order": [1, 1, -1, -1], "glcm": [-1, 1, -1, 1], "shape2d": [1, -1, 1]}


@pytest.mark.parametrize("source", ["saliency", "image"])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_the_definition(name: str, source: str) -> None:
    learner = Seen()
    unlabeled = pool().unlabeled
    images = learner.maps if source == "saliency" else learner.pictures.double().mean(1)
    features = [TWINS[name](image) for image in images[unlabeled].double().numpy()]
    features = np.array(features).round(9).tolist()
    expected = [row[0] for row in features] if name == "kurtosis" else reference.borda(features, SIGNS[name])
    found = scores_of(made(name, f"strategy.source={source}"), learner)
    assert found == pytest.approx(expected, rel=1e-6)
    assert len(learner.methods) == (source == "saliency")


def test_the_method_is_passed_on() -> None:
    learner = Seen()
    method = DeepTaylor()
    scores_of(IdealKurtosis(saliency=method), learner)
    assert learner.methods == [method]


def test_images_are_measured_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy, learner = made("first_order", "strategy.source=image"), Seen()
    whole = scores_of(strategy, learner)
    monkeypatch.setattr(ideal, "CHUNK", 3)
    assert scores_of(strategy, learner) == whole


def test_channels_are_averaged() -> None:
    images = torch.tensor([[[[0, 10]], [[255, 20]], [[255, 31]]]], dtype=torch.uint8)
    assert gray(images).flatten().tolist() == pytest.approx([170, 61 / 3])


def test_what_is_informative_is_a_choice() -> None:
    learner = Seen()
    alone = made("first_order", *(f"~strategy.informative.{k}" for k in ("kurtosis", "skewness", "entropy")))
    energy = reference.borda([[reference.first_order(in_255(i), 25)[3]] for i in learner.maps.numpy()
                              [pool().unlabeled.numpy()]], [-1])  # fmt: skip
    assert scores_of(alone, learner) == energy
    turned = made("shape2d", "strategy.informative={sphericity: low, elongation: high}")
    upright = made("shape2d", "strategy.informative.spherical_disproportion=high")
    assert turned.informative["sphericity"] == "low"
    elongation = IdealShape2d(saliency=DeepTaylor(), informative={"elongation": "high"})
    # Sphericity and its inverse cancel.
    np.testing.assert_allclose(scores_of(upright, learner), np.array(scores_of(elongation, learner)) + N - 3)


def test_maps_as_they_are() -> None:
    learner = Seen()
    raw = made("glcm", "strategy.scale=none", "strategy.bin_width=0.002")
    expected = reference.borda(
        np.array([reference.glcm(image.tolist(), 0.002) for image in learner.maps[pool().unlabeled]])
        .round(6)
        .tolist(),
        SIGNS["glcm"],
    )
    assert scores_of(raw, learner) == pytest.approx(expected)
    learner.maps += 0.001
    assert scores_of(made("glcm", "strategy.scale=none"), learner) == [2 * (N - 3)] * (N - 2), "one bin"


@pytest.mark.parametrize("name", NAMES)
def test_constant_maps_tie(name: str) -> None:
    learner = Seen()
    learner.maps = torch.arange(N)[:, None, None].expand(N, 6, 6) * 0.1
    scores = scores_of(made(name), learner)
    assert len(set(scores)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_reversed(name: str) -> None:
    learner = Seen()
    whole = made(name)(learner, pool(), N - 2, generator())
    turned = Parts(composed("strategy=reversed", f"strategy@strategy.strategy=ideal_{name}"))("strategy")
    query = turned(learner, pool(), 4, generator())
    assert query.indices.tolist() == whole.indices.flip(0)[:4].tolist()


def test_bad_input() -> None:
    learner = Seen()
    with pytest.raises(InputError, match=r"strategy\.bin_width: bins 0.1 wide: .* at most 256"):
        scores_of(made("glcm", "strategy.bin_width=0.1"), learner)
    learner.maps[7, 3, 3] = torch.inf
    for name in NAMES:
        with pytest.raises(InputError, match="not finite"):
            scores_of(made(name), learner)
    learner.pictures = learner.pictures[..., None].expand(-1, -1, -1, -1, 4)
    with pytest.raises(InputError, match="flat images: here they have 3 axes"):
        scores_of(made("kurtosis", "strategy.source=image"), learner)


def test_pixels_are_for_images_alone() -> None:
    check_pixels(made("glcm", "strategy.source=image"), dense=True)
    with pytest.raises(InputError, match="not for segmentation: saliency shows where a class is seen"):
        check_pixels(made("glcm"), dense=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "source=label") for name in NAMES),
        ("kurtosis", "bins=1"),
        ("kurtosis", "bins=10.5"),
        ("kurtosis", "of=values"),
        ("first_order", "bin_width=0"),
        ("first_order", "scale=log"),
        ("glcm", "informative.contrast=high"),
        ("glcm", "informative.sum_entropy=up"),
        ("glcm", "informative={}"),
        ("shape2d", "threshold=mean"),
        ("shape2d", "threshold=1"),
        ("shape2d", "threshold=-0.1"),
    ],
)
def test_bad_values(name: str, value: str) -> None:
    key = value.split("=")[0]
    given = f"++strategy.{value}" if value != "informative={}" else "strategy.informative=null"
    with pytest.raises(InputError, match=rf"strategy\.{key.split('.')[0]}"):
        made(name, given)


def test_classes_name_their_features() -> None:
    assert IdealFirstOrder.names == first_order.NAMES
    assert IdealGlcm.names == glcm.NAMES
    assert IdealShape2d.names == shape2d.NAMES
