import math

import numpy as np
import pytest
import torch
from skactiveml.pool import MaxHerding, ProbCover

from al_runner.acquisition import coverage
from al_runner.acquisition.balls import prob_cover, purity_radius
from al_runner.acquisition.coverage import cosine, covered_by, gaussian, greedy_coverage
from al_runner.acquisition.distances import normalized
from tests import reference
from tests.acquisition.data import clusters, generator


@pytest.mark.parametrize("block", [1, 64])
@pytest.mark.parametrize("seed", range(3))
def test_greedy_coverage_by_a_kernel_agrees_with_its_twin(
    seed: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "BLOCK", block)
    points = clusters(70, seed=seed)
    kernel = torch.exp(-torch.cdist(points.double(), points.double()).square() / 4).tolist()
    covered = covered_by(gaussian(2.0), points, points[60:])
    chosen, gains = greedy_coverage(gaussian(2.0), points, torch.arange(60), covered, 20, generator())
    before = [max(row[60:]) for row in kernel]
    assert len(set(chosen.tolist())) == 20
    assert_greedy(gains, reference.coverage_gains(kernel, range(60), before, chosen.tolist()))
    assert (gains.diff() <= 1e-6).all(), "what a sample adds only falls"


def test_greedy_coverage_by_cosines_agrees_with_its_twin() -> None:
    points = normalized(clusters(80))
    candidates = torch.randperm(80, generator=generator())[:16]
    cosines = (points.double() @ points.double().T).tolist()
    nothing = torch.full((80,), -1.0)
    chosen, gains = greedy_coverage(cosine, points, candidates, nothing, 8, generator())
    taken = candidates[chosen].tolist()
    assert len(set(taken)) == 8
    assert_greedy(gains, reference.coverage_gains(cosines, candidates.tolist(), nothing.tolist(), taken))


def assert_greedy(gains: torch.Tensor, steps: list[tuple[float, float]]) -> None:
    """Every step is the best one, up to rounding: two samples near each other alone add the same."""
    for gain, (twin, most) in zip(gains.tolist(), steps, strict=True):
        assert gain == pytest.approx(twin, abs=1e-5)
        assert twin == pytest.approx(most, abs=1e-5)


def test_max_herding_agrees_with_scikit_activeml() -> None:
    points = clusters(300, 16)
    labels = np.full(300, np.nan)
    labels[280:] = 0
    strategy = MaxHerding(random_state=0, metric_dict={"gamma": 1.0})
    _, utilities = strategy.query(points.numpy(), labels, batch_size=50, return_utilities=True)
    unlabeled, labeled = normalized(points[:280]), normalized(points[280:])
    covered = covered_by(gaussian(1.0), unlabeled, labeled)
    _, gains = greedy_coverage(gaussian(1.0), unlabeled, torch.arange(280), covered, 50, generator())
    np.testing.assert_allclose(gains, np.nanmax(utilities, 1), atol=1e-6)


def test_what_adds_nothing_falls_to_chance() -> None:
    points = torch.full((30, 4), 0.1)
    points[0] = -0.1
    queries = {
        tuple(
            greedy_coverage(
                cosine, normalized(points), torch.arange(30), -torch.ones(30), 6, generator(seed)
            )[0].tolist()
        )
        for seed in range(20)
    }
    assert len(queries) == 20
    assert all(chosen[1] == 0 for chosen in queries)


@pytest.mark.parametrize("radius", [0.5, 1.5, 4.0])
@pytest.mark.parametrize("seed", range(3))
def test_prob_cover_agrees_with_its_twin(seed: int, radius: float) -> None:
    points = clusters(70, 3, seed=seed)
    chosen, covered = prob_cover(points[:60], points[60:], 12, radius, generator(seed))
    assert covered[0] == reference.prob_cover(points[:60].tolist(), points[60:].tolist(), 1, radius)[0]
    squared = torch.cdist(points.double(), points.double())
    open_ = (squared[:60, 60:] > radius).all(1)
    for at, count in zip(chosen.tolist(), covered.tolist(), strict=True):
        degrees = ((squared[:60, :60] <= radius) & open_).sum(1)
        assert degrees[at] == degrees.max() == count
        open_ &= squared[:60, at] > radius


@pytest.mark.filterwarnings("ignore:The maximum purity")  # of a radius that is given
def test_prob_cover_covers_as_much_as_scikit_activeml() -> None:
    points = clusters(300, 4)
    labels = np.full(300, np.nan)
    labels[290:] = 0
    _, utilities = ProbCover(random_state=0, deltas=[1.2]).query(
        points.numpy(), labels, batch_size=1, return_utilities=True
    )
    _, covered = prob_cover(points[:290], points[290:], 1, 1.2, generator())
    assert covered[0] == np.nanmax(utilities)


@pytest.mark.parametrize("purity", [0.5, 0.95, 1.0])
def test_purity_radius_is_the_largest(purity: float) -> None:
    points = clusters(120, 2)
    found = np.random.default_rng(0).integers(3, size=120)
    found[points[:, 0].numpy() > 0] = 3
    radius = purity_radius(points, found, purity, generator())
    assert reference.purity(points.tolist(), found.tolist(), radius * (1 - 1e-4)) >= purity
    assert reference.purity(points.tolist(), found.tolist(), radius * (1 + 1e-4)) < purity


def test_one_cluster_only_and_everything_covered() -> None:
    points = clusters(30)
    radius = purity_radius(points, np.zeros(30, int), 0.95, generator())
    assert radius > 1e30
    queries = {
        tuple(prob_cover(points, points[:3], 4, math.inf, generator(seed))[0].tolist()) for seed in range(9)
    }
    assert len(queries) == 9
