import math

import pytest
import torch
from skactiveml.pool import uncertainty_scores

from al_runner.acquisition import uncertainty
from tests import reference

FUNCTIONS = ["entropy", "least_confidence", "margin"]


def distributions(n: int = 200, classes: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    sharpness = torch.logspace(-1, 2, n, dtype=torch.float64)[:, None]
    logits = torch.randn(n, classes, generator=generator, dtype=torch.float64) * sharpness
    return logits.softmax(1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_agrees_with_its_twin(name: str) -> None:
    probs = distributions()
    ours = getattr(uncertainty, name)(probs)
    twin = torch.tensor([getattr(reference, name)(p) for p in probs.tolist()], dtype=torch.float64)
    torch.testing.assert_close(ours, twin, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_works_on_the_last_axis_of_any_shape(name: str) -> None:
    function = getattr(uncertainty, name)
    probs = distributions(24)
    torch.testing.assert_close(function(probs.view(2, 3, 4, 7)).flatten(), function(probs))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_range_and_saturation(name: str, dtype: torch.dtype) -> None:
    function = getattr(uncertainty, name)
    sure, unsure = torch.eye(4, dtype=dtype), torch.full((1, 4), 0.25, dtype=dtype)
    assert (function(sure) == 0).all()
    assert function(unsure).item() == pytest.approx(
        {"entropy": 2, "least_confidence": 0.75, "margin": 1}[name]
    )
    assert (function(distributions().to(dtype)) >= 0).all()


def test_entropy_in_nats() -> None:
    assert uncertainty.entropy(torch.tensor([0.5, 0.5]), base=math.e).item() == pytest.approx(math.log(2))


def test_nan_is_not_hidden() -> None:
    probs = torch.tensor([[float("nan"), 0.5], [0.5, 0.5]])
    for name in FUNCTIONS:
        assert getattr(uncertainty, name)(probs).isnan().tolist() == [True, False]


@pytest.mark.parametrize(
    ("name", "method"),
    [("entropy", "entropy"), ("least_confidence", "least_confident"), ("margin", "margin_sampling")],
)
def test_agrees_with_scikit_activeml(name: str, method: str) -> None:
    probs = distributions()
    peer = torch.from_numpy(uncertainty_scores(probs.numpy(), method=method))
    if name == "entropy":
        peer = peer / math.log(2)  # theirs is in nats
    torch.testing.assert_close(getattr(uncertainty, name)(probs), peer, rtol=0, atol=1e-9)
