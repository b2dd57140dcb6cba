"""Reductions over sites against loops."""

import math

import pytest
import torch

from al_runner.acquisition.bayesian import bald
from al_runner.acquisition.reduction import foreground_share, over_foreground, top_fraction
from al_runner.acquisition.uncertainty import entropy
from al_runner.config.annotations import check_values
from al_runner.errors import InputError
from al_runner.strategies.sampled import Sampled
from al_runner.strategies.uncertainty import Uncertainty


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).softmax(-1)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 1 / 3, 0.5, 1.0])
def test_top_fraction(fraction: float) -> None:
    scores = draw(6, 11)
    count = math.ceil(fraction * 11)
    expected = [sum(sorted(row, reverse=True)[:count]) / count for row in scores.tolist()]
    assert top_fraction(scores, fraction).tolist() == pytest.approx(expected)


def test_over_foreground() -> None:
    probs, scores = draw(6, 11, 3), draw(6, 11)
    probs[2] = torch.tensor([1.0, 0.0, 0.0])
    expected = []
    for row, sites in zip(scores.tolist(), probs.tolist(), strict=True):
        kept = [score for score, p in zip(row, sites, strict=True) if max(p[1:]) > p[0]]
        expected.append(sum(kept) / len(kept) if kept else 0)
    assert expected[2] == 0
    assert over_foreground(scores, probs.argmax(-1) != 0).tolist() == pytest.approx(expected)
    found = Uncertainty(entropy, "foreground").score(probs)
    torch.testing.assert_close(found, over_foreground(entropy(probs), probs.argmax(-1) != 0))


def test_foreground_share() -> None:
    probs = draw(4, 7, 3)
    expected = [sum(1 - p[0] for p in sites) / 7 for sites in probs.tolist()]
    assert foreground_share(probs).tolist() == pytest.approx(expected)


def test_foreground_of_samples_is_that_of_their_mean() -> None:
    probs = draw(4, 7, 5, 3)  # sites, then samples of the model
    chosen = probs.mean(2).argmax(-1) != 0
    torch.testing.assert_close(Sampled(bald, "foreground").score(probs), over_foreground(bald(probs), chosen))


def test_a_share_of_all_is_the_mean_and_a_small_one_the_maximum() -> None:
    probs = draw(4, 50, 3)

    def score(reduction: object) -> list[float]:
        return Uncertainty(entropy, reduction).score(probs).tolist()  # type: ignore[arg-type]

    assert score({"top_fraction": 1}) == pytest.approx(score("mean"))
    assert score({"top_fraction": 0.001}) == pytest.approx(score("max"))


@pytest.mark.parametrize(
    "reduction", ["median", {"top_fraction": 0}, {"top_fraction": 2}, {"lowest": 0.1}, {}]
)
def test_unknown_reductions(reduction: object) -> None:
    with pytest.raises(InputError, match=r"strategy\.reduction"):
        check_values(Uncertainty, {"reduction": reduction}, "strategy")


def test_one_site_needs_no_reduction() -> None:
    probs = draw(5, 3)
    for reduction in ("foreground", {"top_fraction": 0.1}):
        assert Uncertainty(entropy, reduction).score(probs).tolist() == entropy(probs).tolist()  # type: ignore[arg-type]
