"""The scores of the released code, against twins; what they choose, against what the text describes."""

import math

import pytest
import torch

from al_runner.acquisition import technion
from al_runner.acquisition.uncertainty import entropy, least_confidence
from tests import reference

FUNCTIONS = ["uncertainty_released", "entropy_released"]


def pairs(n: int = 1001) -> torch.Tensor:
    positive = torch.linspace(0, 1, n, dtype=torch.float64)
    return torch.stack([1 - positive, positive], 1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_its_twin(name: str) -> None:
    probs = pairs()
    ours = getattr(technion, name)(probs)
    twin = torch.tensor([getattr(reference, name)(p) for p in probs.tolist()], dtype=torch.float64)
    torch.testing.assert_close(ours, twin, rtol=0, atol=1e-12)
    torch.testing.assert_close(getattr(technion, name)(probs.view(7, 11, 13, 2)).flatten(), ours)


def test_uncertainty_is_largest_where_nothing_is_uncertain() -> None:
    probs = pairs()
    ours = technion.uncertainty_released(probs)
    assert int(ours.argmax()) == 0
    assert least_confidence(probs)[0] == 0
    assert probs[least_confidence(probs).argmax()].tolist() == [0.5, 0.5]


def test_entropy_is_largest_at_one_over_e() -> None:
    probs = pairs()
    ours = technion.entropy_released(probs)
    assert float(probs[ours.argmax(), 1]) == pytest.approx(1 / math.e, abs=1e-3)
    assert float(ours.max()) == pytest.approx(1 / math.e, abs=1e-6)
    both = ours + technion.entropy_released(probs.flip(-1))
    torch.testing.assert_close(both / math.log(2), entropy(probs), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_saturation_and_nan(name: str, dtype: torch.dtype) -> None:
    probs = torch.tensor([[1.0, 0.0], [0.0, 1.0], [math.nan, math.nan]], dtype=dtype)
    found = getattr(technion, name)(probs)
    assert found[:2].isfinite().all()
    assert found[2].isnan()
