"""Against scikit-learn, one problem at a time."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from al_runner.learning.linear import solver
from al_runner.learning.linear.answers import distributions, weighing
from al_runner.learning.linear.classes import answers
from al_runner.learning.linear.logistic import Problems, probabilities
from al_runner.learning.linear.solver import solve
from al_runner.learning.linear.span import Span


def points(n: int, width: int, seed: int = 0) -> Tensor:
    """Correlated features."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(
        rng.normal(size=(n, 8)) @ rng.normal(size=(8, width)) + rng.normal(size=(n, width))
    )


def labels(n: int, classes: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(1).permutation(np.arange(n) % classes))


def problems(points_ND: Tensor, labels: Tensor, strength: float, weights: Tensor | None = None) -> Problems:
    known = distributions(labels, int(labels.max()) + 1)
    of = answers(known)
    weights_PN = of.each(weighing(weights)(known))
    penalty = torch.full((len(weights_PN),), 1 / strength, dtype=torch.float64)
    return Problems(Span.of(points_ND).coordinates(points_ND), of.targets(known), weights_PN, penalty)


def reference(points_ND: Tensor, labels: Tensor, strength: float, weights: Tensor | None = None) -> Tensor:
    """Probabilities by scikit-learn."""
    model = LogisticRegression(C=strength, tol=1e-10, max_iter=10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at such a tolerance it ends where rounding ends it
        model.fit(points_ND.numpy(), labels.numpy(), None if weights is None else weights[labels].numpy())
    return torch.from_numpy(model.predict_proba(points_ND.numpy()))


@pytest.mark.parametrize("strength", [1e-4, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize("shape", [(30, 90), (90, 30)], ids=["few", "many"])
@pytest.mark.parametrize("classes", [2, 4])
def test_probabilities_are_scikit_learns(classes: int, shape: tuple[int, int], strength: float) -> None:
    x, y = points(*shape), labels(shape[0], classes)
    one = problems(x, y, strength)
    probs = probabilities(one.logits(solve(one)))[0].T
    expected = reference(x, y, strength)
    torch.testing.assert_close(probs, expected[:, -probs.shape[1] :], rtol=0, atol=1e-5)


def test_class_weights_are_scikit_learns() -> None:
    x, y, weights = points(60, 20), labels(60, 3), torch.tensor([0.3, 1.0, 4.0])
    one = problems(x, y, 0.1, weights)
    expected = reference(x, y, 0.1, weights)
    torch.testing.assert_close(probabilities(one.logits(solve(one)))[0].T, expected, rtol=0, atol=1e-5)


def test_several_labels_are_problems_of_their_own() -> None:
    x = points(50, 20)
    many = torch.stack([labels(50, 2), labels(50, 5) == 0, labels(50, 3) == 1], 1).long()
    together = problems(x, many, 0.5)
    found = probabilities(together.logits(solve(together)))[:, 0]
    for label, probs in zip(many.T, found, strict=True):
        torch.testing.assert_close(probs, reference(x, label, 0.5)[:, 1], rtol=0, atol=1e-5)


def test_a_soft_label_is_a_weighted_sample_of_each_class() -> None:
    x, rng = points(40, 10), np.random.default_rng(2)
    soft = torch.from_numpy(rng.dirichlet([0.5] * 3, 40))
    of = answers(torch.full((1, 3), 9.0))
    penalty = torch.tensor([2.0], dtype=torch.float64)
    one = Problems(Span.of(x).coordinates(x), of.targets(soft), torch.ones(1, 40).double(), penalty)
    model = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000)
    model.fit(np.repeat(x.numpy(), 3, 0), np.tile([0, 1, 2], 40), soft.numpy().ravel())
    expected = torch.from_numpy(model.predict_proba(x.numpy()))
    torch.testing.assert_close(probabilities(one.logits(solve(one)))[0].T, expected, rtol=0, atol=1e-5)


def test_problems_side_by_side_are_each_as_alone() -> None:
    x, y = points(60, 20), labels(60, 3)
    weights = torch.rand(6, 60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    penalty = torch.logspace(-2, 3, 6, dtype=torch.float64)
    one = problems(x, y, 1.0)
    together = Problems(one.points, one.targets.expand(6, -1, -1), weights, penalty)
    found = solve(together)
    for place in range(6):
        alone = solve(together.at(torch.tensor([place])))
        torch.testing.assert_close(found[place], alone[0], rtol=1e-4, atol=1e-4)


def test_slopes_are_for_points_as_they_are() -> None:
    x, y = points(30, 90), labels(30, 3)
    span, one = Span.of(x), problems(x, y, 0.1)
    slopes, intercepts = span.outside(coefficients := solve(one))
    torch.testing.assert_close((slopes @ x.T + intercepts[..., None]), one.logits(coefficients))
    model = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000).fit(x.numpy(), y.numpy())
    torch.testing.assert_close(slopes[0], torch.from_numpy(model.coef_), rtol=0, atol=1e-5)


def test_a_start_does_not_change_the_minimum() -> None:
    one = problems(points(40, 15), labels(40, 3), 1.0)
    elsewhere = torch.randn(1, 3, one.points.shape[1], generator=torch.Generator().manual_seed(0)).double()
    expected = one.logits(solve(one))
    shift = one.logits(solve(one, elsewhere)) - expected
    torch.testing.assert_close(shift, shift.mean(1, keepdim=True).expand_as(shift), rtol=0, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_features_of_any_size(scale: float) -> None:
    x, y = points(40, 60), labels(40, 2)
    near, far = problems(x, y, 1.0), problems(x * scale, y, 1 / scale**2)
    torch.testing.assert_close(far.logits(solve(far)), near.logits(solve(near)), rtol=0, atol=1e-4)


def test_it_ends_where_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    """Separable points and hardly a penalty: the hardest case ends long before its steps do."""
    x, y = points(30, 90), labels(30, 4)
    one = problems(x, y, 1e8)
    expected = solve(one)
    monkeypatch.setattr(solver, "MOST_STEPS", 400)
    assert torch.equal(solve(one), expected)
    assert probabilities(one.logits(expected))[0].T[torch.arange(30), y].min() > 1 - 1e-4
