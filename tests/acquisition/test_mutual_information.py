"""Normalized mutual information against its definition and scikit-image, and the score made of it."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import normalized_mutual_information as of_whole_images
from torch import Tensor

from al_runner.acquisition import mutual_information
from al_runner.acquisition.mutual_information import (
    MutualInformation,
    Pairing,
    binned,
    entropy_without_information,
    similarity,
)
from tests import reference
from tests.acquisition.data import generator

PAIRINGS: list[Pairing] = ["spatial", "sorted"]


def images(n: int, voxels: int = 90, low: int = 0, high: int = 256, seed: int = 0) -> Tensor:
    return torch.randint(low, high, (n, voxels), generator=generator(seed), dtype=torch.uint8)


def masks(n: int, voxels: int = 90, labels: int = 3, seed: int = 1) -> Tensor:
    return torch.randint(0, labels + 1, (n, voxels), generator=generator(seed), dtype=torch.uint8)


def of(
    first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor], labels: int, bins: int, pairing: Pairing
) -> Tensor:
    return MutualInformation(zip(*second, strict=True), labels, bins, pairing)(*first)


@pytest.mark.parametrize("bins", [2, 7, 100, 256])
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_is_the_definition(pairing: Pairing, bins: int) -> None:
    pool = images(5, high=200), masks(5)
    labeled = images(3, low=60, seed=2) // 4 * 4, masks(3, seed=3)
    pool[1][1][pool[1][1] == 2] = 0  # one lacks a label
    pool[1][2] = 0  # one has none
    labeled[1][0][labeled[1][0] == 3] = 1
    pool[0][3] = 77  # one is constant
    found = of(pool, labeled, 3, bins, pairing)
    expected = [
        [
            [
                reference.normalized_mutual_information(
                    *(part.tolist() for part in (*image, *other)), label, bins, pairing
                )
                for label in (1, 2, 3)
            ]
            for other in zip(*labeled, strict=True)
        ]
        for image in zip(*pool, strict=True)
    ]
    assert np.allclose(found.numpy(), np.array(expected, dtype=float), atol=1e-9, equal_nan=True)
    assert found[2].isnan().all()
    assert found[1, :, 1].isnan().all()
    assert found[:, 0, 2].isnan().all()
    assert (found.isnan() | ((found >= 1) & (found <= 2))).all()
    means = [reference.mean_information(table) for table in expected]
    assert np.allclose(similarity(found).numpy(), np.array(means, dtype=float), atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_plain_information_is_the_definition(pairing: Pairing) -> None:
    pool, labeled = (images(4), masks(4)), (images(2, seed=2) // 4, masks(2, seed=3))
    pool[0][3] = 77  # one is constant
    information = MutualInformation(zip(*labeled, strict=True), 3, 6, pairing, "plain")
    found = information(*pool)
    for i, image in enumerate(zip(*pool, strict=True)):
        for j, other in enumerate(zip(*labeled, strict=True)):
            for label in (1, 2, 3):
                expected = reference.normalized_mutual_information(
                    *(part.tolist() for part in (*image, *other)), label, 6, pairing, "plain"
                )
                assert found[i, j, label - 1].item() == pytest.approx(expected, abs=1e-9)
    assert (found >= 0).all()
    assert (found[3] < 1e-9).all()


@pytest.mark.parametrize(("low", "high"), [(0, 256), (17, 200), (3, 60), (9, 11)])
@pytest.mark.parametrize("bins", [5, 100, 256])
def test_is_that_of_scikit_image_on_whole_images(low: int, high: int, bins: int) -> None:
    first, second = images(3, 500, low, high), images(2, 500, low, high, seed=2)
    second = first[:2] // 2 + second // 2
    found = of((first, torch.ones_like(first)), (second, torch.ones_like(second)), 1, bins, "spatial")
    expected = [[of_whole_images(a, b, bins=bins) for b in second.numpy()] for a in first.numpy()]
    assert np.allclose(found[..., 0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("bins", [2, 3, 10, 51, 100, 255, 256])
def test_bins_are_those_of_numpy(bins: int) -> None:
    for low, high in ((0, 255), (0, 1), (40, 40), (13, 210), (100, 202)):
        image = torch.arange(low, high + 1, dtype=torch.uint8)[None]
        counts = np.histogram(image.numpy(), bins)[0]
        assert binned(image, bins)[0].long().bincount(minlength=bins).tolist() == counts.tolist()


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_does_not_depend_on_chunks_and_is_symmetric(
    pairing: Pairing, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (images(6), masks(6)), (images(4, seed=5), masks(4, seed=6))
    found = of(first, second, 3, 20, pairing)
    torch.testing.assert_close(of(second, first, 3, 20, pairing), found.transpose(0, 1), rtol=1e-12, atol=0)
    monkeypatch.setattr(mutual_information, "CELLS", 1)
    assert of(first, second, 3, 20, pairing).equal(found)


def test_the_same_image_and_the_independent_one() -> None:
    values = torch.arange(256).to(torch.uint8)
    first, second = values.repeat_interleave(256)[None], values.repeat(256)[None]
    everywhere = torch.ones_like(first)
    for pairing, independent in (("spatial", 1.0), ("sorted", 2.0)):
        nmi = of((first, everywhere), (torch.cat([first, second]), everywhere.repeat(2, 1)), 1, 16, pairing)  # type: ignore[arg-type]
        assert nmi.flatten().tolist() == pytest.approx([2, independent], abs=1e-12)


def test_sorted_knows_regions_of_other_sizes_and_places() -> None:
    """Half of the voxels have the same distribution, at another place: the same quantiles."""
    image = images(1, 64)
    doubled = torch.cat([image, image], 1)
    mask = torch.ones_like(image)
    twice = torch.cat([mask, mask], 1)
    padded, there = torch.cat([image.flip(1), image], 1), torch.cat([mask, 0 * mask], 1)
    assert of((doubled, twice), (padded, there), 1, 30, "sorted").item() == 2
    assert of((doubled, twice), (padded, there), 1, 30, "spatial").item() < 2


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_single_intensities(pairing: Pairing) -> None:
    constant, varied = torch.full((1, 90), 9, dtype=torch.uint8), images(1)
    everywhere = torch.ones_like(constant)
    assert of((constant, everywhere), (constant + 5, everywhere), 1, 100, pairing).item() == 2
    assert of((constant, everywhere), (varied, everywhere), 1, 100, pairing).item() == pytest.approx(1)


@pytest.mark.parametrize("pairing", PAIRINGS)
def test_without_labeled_images_there_is_nothing(pairing: Pairing) -> None:
    nmi = MutualInformation([], 3, pairing=pairing)(images(4), masks(4))
    assert nmi.shape == (4, 0, 3)
    assert similarity(nmi).isnan().all()


def test_the_score_is_the_definition() -> None:
    entropies = torch.rand(9, generator=generator()).tolist()
    information: list[float | None] = (1 + torch.rand(9, generator=generator(1))).tolist()
    information[4] = None
    for alpha, beta in ((1.0, 1.0), (0.3, 2.0), (0.0, 1.0), (1.0, 0.0)):
        nmi = torch.tensor([math.nan if x is None else x for x in information], dtype=torch.float64)
        found = entropy_without_information(torch.tensor(entropies, dtype=torch.float64), nmi, alpha, beta)
        assert found.tolist() == pytest.approx(reference.nmi_entropy(entropies, information, alpha, beta))


def test_what_is_equal_says_nothing() -> None:
    entropies, same = torch.tensor([0.3, 0.1, 0.2]), torch.tensor([1.5, 1.5, 1.5 + 1e-7])
    for nmi in (same, torch.full((3,), math.nan)):
        assert entropy_without_information(entropies, nmi, 1, 1).tolist() == pytest.approx([1, 0, 0.5])
    assert entropy_without_information(same, entropies, 1, 2).tolist() == pytest.approx([-2, 0, -1])
    assert entropy_without_information(same[:1], same[:1], 1, 1).tolist() == [0]


def test_a_prediction_that_is_not_a_number_stays_one() -> None:
    scores = entropy_without_information(torch.tensor([0.1, math.nan, 0.3]), torch.ones(3), 1, 1)
    assert scores.isnan().tolist() == [False, True, False]


@pytest.mark.gpu
@pytest.mark.parametrize("pairing", PAIRINGS)
def test_on_a_gpu(pairing: Pairing) -> None:
    first, second = (images(6), masks(6)), (images(4, seed=5), masks(4, seed=6))
    there = [tuple(part.cuda() for part in pair) for pair in (first, second)]
    found = of(*there, 3, 100, pairing).cpu()  # type: ignore[arg-type]
    torch.testing.assert_close(found, of(first, second, 3, 100, pairing), rtol=1e-12, atol=0, equal_nan=True)
